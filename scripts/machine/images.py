"""The images that proxyctl and its tests use, under local tags: official ones, or built from Debian packages.

    proxyctl/nginx, proxyctl/haproxy   <major.minor>, <suite>, and `latest` for the default pair
    proxyctl/proxyctl:latest           this checkout, entry point `proxyctl`
    proxyctl/echo:latest               the same filesystem, entry point `proxyctl echo`, port 8080
    proxyctl/official-nginx, -haproxy  the official image of the default pair, or one laid out like it; where no
                                       registry answers this also stands under the official name, such as haproxy:3.2

A tag is set only when the image is whole and its program has run in it. Each image carries a hash of what it
was made from: while that is unchanged there is nothing to do.
"""

import hashlib
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from scripts.machine import debian, official
from scripts.machine.registry import Registry
from scripts.machine.rootfs import Rootfs, chroot, unpack
from scripts.machine.terminal import SetupError, Terminal

ROOT = Path(__file__).resolve().parents[2]
# Containers inherit it, so it must not look like one of the `proxyctl.` labels that users write.
INPUTS = "org.proxyctl.inputs"
DEFAULT_SUITE = "sid"
# The official images that stand for each suite's packages where a registry answers.
OFFICIAL = {
    "sid": {"nginx": "nginx:1.30", "haproxy": "haproxy:3.2"},
    "trixie": {"nginx": "nginx:1.26", "haproxy": "haproxy:3.0"},
    "bookworm": {"nginx": "nginx:1.22", "haproxy": "haproxy:2.6"},
}
PYTHON_SUITE = "bookworm"  # its Python is the 3.11 that the lock was made with
PYTHON_IMAGE = "python:3.11-slim"
# Official images are given the same start and stop as those built here.
CONFIGURATION: dict[str, tuple[str, ...]] = {
    "nginx": ("USER root", 'CMD ["nginx", "-g", "daemon off;"]', "EXPOSE 80"),
    "haproxy": (
        "USER root",
        'CMD ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]',
        "EXPOSE 80",
    ),
    "proxyctl": (
        'ENTRYPOINT ["proxyctl"]',
        "ENV PYTHONUNBUFFERED=1",
        "ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
    ),
    # aiohttp reads all authorities when imported: a quarter of the backend's start, and it calls nobody.
    "echo": ('ENTRYPOINT ["proxyctl", "echo"]', "EXPOSE 8080", "ENV SSL_CERT_FILE=/dev/null"),
    **{f"official-{proxy}": changes for proxy, changes in official.CONFIGURATION.items()},
}
# The official images lack tools that the labs and tests use inside (ip, nslookup, wget, nc, ping): a busybox that
# needs no library, last in PATH, so that what an image has of its own comes first.
BUSYBOX_IMAGE = "busybox:musl"
BUSYBOX_FOLDER = "/usr/lib/busybox"
WITH_BUSYBOX = """\
FROM {image}
COPY --from={busybox} /bin/busybox {folder}/busybox
USER root
RUN ["{folder}/busybox", "--install", "-s", "{folder}"]
ENV PATH=$PATH:{folder}
"""
STOP_SIGNAL = {"nginx": "SIGQUIT", "haproxy": "SIGUSR1"}  # let open requests finish
EVERYWHERE = ("busybox-static", "ca-certificates")
START = """\
#!/usr/bin/{python}
import sys

from proxyctl.cli import main

sys.exit(main())
"""


class Images:
    """Makes what is missing; `cache` keeps downloads between runs."""

    def __init__(self, terminal: Terminal, cache: Path) -> None:
        self._terminal = terminal
        self._cache = cache
        self._registry = Registry(terminal)

    def ensure_proxies(self, suite: str) -> str:
        """Make sure of a suite's pair of proxies; return their versions."""
        inputs = _digest([suite, *_builder()])
        tags = [f"proxyctl/{proxy}:{tag}" for proxy in OFFICIAL[suite] for tag in _suite_tags(suite)]
        made = "" if self._made_from(inputs, tags) else " made"
        if made:
            self._prune()
            missing = [proxy for proxy in OFFICIAL[suite] if not self._proxy_from_registry(suite, proxy, inputs)]
            self._proxies_from_packages(suite, missing, inputs)
            self._prune()
        return ", ".join(self._version(f"proxyctl/{proxy}:{suite}") for proxy in OFFICIAL[suite]) + made

    def ensure_official(self) -> str:
        """Make sure of the official images of the default pair, or of such that are laid out like them; say which."""
        inputs = _digest([*_builder(), Path(official.__file__).read_text()])
        tags = [f"proxyctl/official-{proxy}:latest" for proxy in OFFICIAL[DEFAULT_SUITE]]
        if self._made_from(inputs, tags):
            return "laid out like them"
        missing = [proxy for proxy, image in OFFICIAL[DEFAULT_SUITE].items() if not self._official(proxy, image)]
        if not missing:
            return ", ".join(OFFICIAL[DEFAULT_SUITE].values())
        with self._unpacked(DEFAULT_SUITE, *missing, "libnginx-mod-stream", *official.PACKAGES) as source:
            for proxy in missing:
                rootfs = official.lay_out(self._terminal, source, source.parent / proxy, proxy)
                image = self._configure(self._import(rootfs.folder), f"official-{proxy}", inputs)
                self._stand_in(image, proxy)
        self._prune()
        return "laid out like them, made"

    def ensure_proxyctl(self) -> str:
        """Make sure of the image of this checkout and of the backend that derives from it."""
        inputs = _digest([*_builder(), *(path.read_bytes().hex() for path in _package_files())])
        if self._made_from(inputs, ["proxyctl/proxyctl:latest", "proxyctl/echo:latest"]):
            return "proxyctl, echo"
        self._prune()
        base = self._proxyctl_from_registry() or self._proxyctl_from_packages()
        image = self._configure(base, "proxyctl", inputs)
        self._tell(image, "--version")
        echo = self._configure(image, "echo", inputs)
        self._terminal.run("docker", "tag", image, "proxyctl/proxyctl:latest")
        self._terminal.run("docker", "tag", echo, "proxyctl/echo:latest")
        self._prune()
        return "proxyctl, echo made"

    # The proxies

    def _proxy_from_registry(self, suite: str, proxy: str, inputs: str) -> bool:
        official = OFFICIAL[suite][proxy]
        if not (self._registry.pull(official) and self._registry.pull(BUSYBOX_IMAGE)):
            return False
        image = self.with_busybox(official, BUSYBOX_IMAGE)
        if not image:
            return False
        self._publish(self._configure(image, proxy, inputs), suite, proxy)
        return True

    def _official(self, proxy: str, image: str) -> bool:
        """Take the official image itself; False when no registry has it, and what is here by its name is ours."""
        ours = f'--format={{{{index .Config.Labels "{INPUTS}"}}}}'
        here = self._terminal.attempt("docker", "image", "inspect", ours, image)
        if not (self._registry.pull(image) or (here.returncode == 0 and not here.stdout.strip())):
            return False
        self._terminal.run("docker", "tag", image, f"proxyctl/official-{proxy}:latest")
        return True

    def _stand_in(self, image: str, proxy: str) -> None:
        """Tag an image that is laid out like the official one, also by that one's name if it has the same version."""
        version = re.search(r"(\d+\.\d+)\.\d+", self._tell(image, proxy, "-v"))
        self._terminal.run("docker", "tag", image, f"proxyctl/official-{proxy}:latest")
        if version and f"{proxy}:{version[1]}" == OFFICIAL[DEFAULT_SUITE][proxy]:
            self._terminal.run("docker", "tag", image, OFFICIAL[DEFAULT_SUITE][proxy])

    def with_busybox(self, image: str, busybox: str) -> str:
        """Derive an image that has busybox under every name; "" where no image can be built here."""
        with self._work_folder() as work:
            recipe = WITH_BUSYBOX.format(image=image, busybox=busybox, folder=BUSYBOX_FOLDER)
            (work / "Dockerfile").write_text(recipe)
            return self._terminal.attempt("docker", "build", "--quiet", f"--label={INPUTS}=part", work).stdout.strip()

    def _proxies_from_packages(self, suite: str, proxies: Sequence[str], inputs: str) -> None:
        if not proxies:
            return
        with self._unpacked(suite, *proxies, "libnginx-mod-stream", *EVERYWHERE) as source:
            for proxy in proxies:
                rootfs = Rootfs(self._terminal, source, source.parent / proxy)
                rootfs.copy_programs(f"usr/sbin/{proxy}")
                if proxy == "nginx":
                    built_with = chroot(self._terminal, source, "nginx", "-V")
                    modules = re.search(r"--modules-path=/(\S+)", built_with)
                    rootfs.copy_programs(f"{modules[1] if modules else 'usr/lib/nginx/modules'}/*.so")
                    rootfs.copy("usr/share/nginx/modules")
                    rootfs.copy("etc/nginx/mime.types")
                rootfs.add_busybox()
                rootfs.add_certificates()
                image = self._configure(self._import(rootfs.folder), proxy, inputs)
                self._publish(image, suite, proxy)

    def _publish(self, image: str, suite: str, proxy: str) -> None:
        """Run the proxy of a new image, then tag it with the version that it told, and with the suite."""
        version = re.search(r"(\d+\.\d+)\.\d+", self._tell(image, proxy, "-v"))
        if version is None:
            raise SetupError(f"`{proxy} -v` tells no version in the image made for {suite}", show_log=True)
        for tag in [version[1], *_suite_tags(suite)]:
            self._terminal.run("docker", "tag", image, f"proxyctl/{proxy}:{tag}")

    def _version(self, image: str) -> str:
        tags = self._terminal.run("docker", "image", "inspect", '--format={{join .RepoTags " "}}', image)
        return " ".join(re.findall(r"proxyctl/(\w+:\d[\d.]*)", tags))

    # proxyctl itself

    def _proxyctl_from_registry(self) -> str:
        """Build the Dockerfile; "" where that needs what cannot be reached from here."""
        if not self._registry.pull(PYTHON_IMAGE):
            return ""
        return self._terminal.attempt("docker", "build", "--quiet", ROOT).stdout.strip()

    def _proxyctl_from_packages(self) -> str:
        base = self._python_base()
        with self._work_folder() as work:
            tree = work / "proxyctl"
            shutil.copytree(base, tree, symlinks=True, copy_function=os.link)
            library = next(tree.glob("usr/local/lib/python3.*/dist-packages"))
            build = ("-m", "hatchling", "build", "--target", "wheel", "--directory", work)
            self._terminal.run(ROOT / ".venv/bin/python", *build, folder=ROOT)
            with zipfile.ZipFile(next(work.glob("*.whl"))) as wheel:
                wheel.extractall(library)
            _compile(self._terminal, tree, library)
            return self._import(tree)

    def _python_base(self) -> Path:
        """Make, once for each lock, the filesystem with Python and the locked runtime requirements."""
        lock = ROOT / "requirements/runtime.txt"
        base = self._cache / f"python-{_digest([lock.read_text(), *_builder()])}"
        if base.exists():
            return base
        with self._unpacked(PYTHON_SUITE, "python3", "libstdc++6", *EVERYWHERE) as source:
            python = (source / "usr/bin/python3").resolve().name
            library = f"usr/local/lib/{python}/dist-packages"
            only_wheels = ("--only-binary=:all:", "--implementation=cp", f"--python-version={python[6:]}")
            install = ("-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "--no-compile", *only_wheels)
            target = (f"--target={source / library}", f"--requirement={lock}")
            self._terminal.run(ROOT / ".venv/bin/python", *install, *target)
            rootfs = Rootfs(self._terminal, source, source.parent / "base")
            rootfs.copy(f"usr/lib/{python}")
            rootfs.copy(library)
            rootfs.copy_programs(f"usr/bin/{python}", f"usr/lib/{python}/lib-dynload/*.so", f"{library}/**/*.so")
            (rootfs.folder / "usr/bin/python3").symlink_to(python)
            rootfs.write("usr/local/bin/proxyctl", START.format(python=python), mode=0o755)
            rootfs.add_busybox()
            rootfs.add_certificates()
            _compile(self._terminal, rootfs.folder, rootfs.folder / f"usr/lib/{python}", rootfs.folder / library)
            for outdated in self._cache.glob("python-*"):
                shutil.rmtree(outdated)
            rootfs.folder.rename(base)
        return base

    # The steps that all have in common

    @contextmanager
    def _work_folder(self) -> Iterator[Path]:
        for abandoned in self._cache.glob("build-*"):  # by a run that was killed; set-up runs are one at a time
            shutil.rmtree(abandoned)
        with tempfile.TemporaryDirectory(dir=self._cache, prefix="build-") as work:
            Path(work).chmod(0o755)
            yield Path(work)

    @contextmanager
    def _unpacked(self, suite: str, *packages: str) -> Iterator[Path]:
        downloaded = debian.Suite(self._terminal, self._cache, debian.suite_here(suite)).download(*packages)
        with self._work_folder() as work:
            unpack(self._terminal, downloaded, work / "packages")
            yield work / "packages"

    def _import(self, folder: Path) -> str:
        pack = ("tar", "--numeric-owner", "--owner=0", "--group=0", "-C", str(folder), "-c", ".")
        return self._terminal.pipe(pack, ("docker", "import", f"--change=LABEL {INPUTS}=part", "-")).strip()

    def _configure(self, image: str, name: str, inputs: str) -> str:
        """Derive an image that differs in its configuration only.

        By `docker commit` of a container that never ran: no builder is needed, and Docker 20.10 takes a stop
        signal and an empty entry point from nowhere else.
        """
        stop_signal = STOP_SIGNAL.get(name.removeprefix("official-"), "SIGTERM")
        options = ("--network=none", "--entrypoint=", f"--stop-signal={stop_signal}")
        container = self._terminal.run("docker", "create", *options, image, "none").strip()
        changes = [f"--change={change}" for change in (*CONFIGURATION[name], f"LABEL {INPUTS}={inputs}")]
        try:
            return self._terminal.run("docker", "commit", *changes, container).strip()
        finally:
            self._terminal.attempt("docker", "rm", container)

    def _tell(self, image: str, *command: str) -> str:
        """Run a new image; return what it says."""
        told = self._terminal.attempt("docker", "run", "--rm", "--network=none", image, *command)
        if told.returncode:
            raise SetupError(f"the new image does not run `{' '.join(command)}`", show_log=True)
        return told.stdout + told.stderr

    def _prune(self) -> None:
        """Remove images by our label, nothing else, that no tag names and no container uses any more."""
        self._terminal.attempt("docker", "image", "prune", "--force", f"--filter=label={INPUTS}")

    def _made_from(self, inputs: str, images: Sequence[str]) -> bool:
        label = f'--format={{{{index .Config.Labels "{INPUTS}"}}}}'
        found = self._terminal.attempt("docker", "image", "inspect", label, *images)
        return found.returncode == 0 and found.stdout.split() == [inputs] * len(images)


def _suite_tags(suite: str) -> list[str]:
    return [suite, "latest"] if suite == DEFAULT_SUITE else [suite]


def _compile(terminal: Terminal, tree: Path, *folders: Path) -> None:
    """Compile with the tree's own Python, so that a container starts without doing it."""
    python = next(tree.glob("usr/bin/python3.*")).relative_to(tree)
    inside = [f"/{folder.relative_to(tree)}" for folder in folders]
    chroot(terminal, tree, f"/{python}", "-m", "compileall", "-q", *inside)


def _builder() -> list[str]:
    return [Path(__file__).read_text(), Path(__file__).with_name("rootfs.py").read_text()]


def _package_files() -> list[Path]:
    trees = [path for name in ("proxyctl", "templates") for path in sorted((ROOT / name).rglob("*"))]
    sources = [path for path in trees if path.is_file() and "__pycache__" not in path.parts]
    return [*sources, *(ROOT / name for name in ("pyproject.toml", "requirements/runtime.txt", "Dockerfile"))]


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
