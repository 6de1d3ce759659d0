"""A container's filesystem from unpacked packages: chosen files, the libraries they need, a busybox.

Small on purpose: whole packages would be five times as large. `images` says what goes into which image.
"""

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from scripts.machine.terminal import SetupError, Terminal

USERS = """\
root:x:0:0:root:/root:/bin/sh
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
haproxy:x:99:99:haproxy:/var/lib/haproxy:/usr/sbin/nologin
nginx:x:101:101:nginx:/nonexistent:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
GROUP = "root:x:0:\nwww-data:x:33:\nhaproxy:x:99:\nnginx:x:101:\nnogroup:x:65534:\n"
FOLDERS = (
    "dev", "etc", "proc", "proxyctl", "root", "run", "sys", "usr/bin", "usr/local/bin", "usr/sbin",
    "var/cache/nginx", "var/lib/haproxy", "var/lib/nginx", "var/lib/proxyctl", "var/log/nginx", "var/run",
)  # fmt: skip
MERGED = ("bin", "sbin", "lib", "lib64")


def unpack(terminal: Terminal, packages: Iterable[Path], folder: Path) -> None:
    """Unpack packages over each other into `folder`, which must not exist; no maintainer script runs."""
    folder.mkdir(parents=True)
    _merge_usr(folder)
    for package in packages:
        # Older suites ship /lib and /lib64 as folders; `dpkg-deb --extract` would put those over the links.
        extract = ("tar", "-x", "--keep-directory-symlink", "-C", str(folder))
        terminal.pipe(("dpkg-deb", "--fsys-tarfile", str(package)), extract)


def chroot(terminal: Terminal, root: Path, *command: str) -> str:
    """Run a program of an unpacked tree in that tree; return stdout and stderr."""
    as_root = () if os.geteuid() == 0 else ("unshare", "--map-root-user")
    done = terminal.attempt(*as_root, "chroot", root, *command)
    if done.returncode:
        raise SetupError(f"`{command[0]}` does not run in {root.name}", show_log=True)
    return done.stdout + done.stderr


class Rootfs:
    """A filesystem being put together in `folder` from the tree at `source`."""

    def __init__(self, terminal: Terminal, source: Path, folder: Path) -> None:
        self._terminal = terminal
        self._source = source
        self.folder = folder
        for name in FOLDERS:
            (folder / name).mkdir(parents=True, exist_ok=True)
        _merge_usr(folder)
        (folder / "tmp").mkdir()
        (folder / "tmp").chmod(0o1777)
        self.write("etc/passwd", USERS)
        self.write("etc/group", GROUP)
        self.write("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")

    def write(self, path: str, text: str, *, mode: int = 0o644) -> None:
        """Write a text file."""
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)
        (self.folder / path).chmod(mode)

    def copy(self, pattern: str) -> list[str]:
        """Copy what matches, files (not links to them) or whole folders; return the paths."""
        found = sorted(self._source.glob(pattern))
        if not found:
            raise SetupError(f"the packages hold no {pattern}")
        for path in found:
            target = self.folder / path.relative_to(self._source)
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir() and path.is_symlink():
                target.symlink_to(path.readlink())
            elif path.is_dir():
                shutil.copytree(path, target, symlinks=True)
            else:
                shutil.copy2(self._followed(path), target)
        return [str(path.relative_to(self._source)) for path in found]

    def _followed(self, path: Path) -> Path:
        """Follow links as in a chroot: an absolute one starts at the source, not at this machine's root."""
        while path.is_symlink():
            target = path.readlink()
            path = self._source / target.relative_to("/") if target.is_absolute() else path.parent / target
        return path

    def copy_programs(self, *patterns: str) -> None:
        """Copy programs and plugins with all libraries that the suite's own loader finds for them."""
        programs = [path for pattern in patterns for path in self.copy(pattern)]
        loader = self.copy("usr/lib*/ld-linux*.so.?")[0]
        # libgcc_s is opened by name when a thread ends, so no loader lists it.
        needed = set(self.copy("usr/lib/*/libgcc_s.so.1"))
        for program in programs:
            listed = chroot(self._terminal, self._source, f"/{loader}", "--list", f"/{program}")
            needed.update(match.lstrip("/") for match in re.findall(r"=> (/\S+)", listed))
        for library in sorted(needed):
            self.copy(library)

    def add_busybox(self) -> None:
        """Add busybox-static under every name it knows and that is not taken."""
        program = self.copy("usr/bin/busybox")[0]
        for name in chroot(self._terminal, self._source, f"/{program}", "--list").split():
            if not any((self.folder / place / name).exists() for place in ("usr/bin", "usr/sbin")):
                (self.folder / "usr/bin" / name).symlink_to("busybox")

    def add_certificates(self) -> None:
        """Add the authorities of `ca-certificates` as one file, as its maintainer script would."""
        authorities = sorted((self._source / "usr/share/ca-certificates/mozilla").glob("*.crt"))
        self.write("etc/ssl/certs/ca-certificates.crt", "".join(path.read_text() for path in authorities))


def _merge_usr(folder: Path) -> None:
    for name in MERGED:
        (folder / "usr" / name).mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(f"usr/{name}")
