"""A second Docker engine for tests that restart it: in a network namespace of its own, beside the one that all share.

Its iptables, bridges and addresses are in that namespace, its files in a temporary folder. It starts its own
containerd. Everything ends with it, by pid.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker

from tests.docker.watching import eventually

_NEWNET = 0x40000000


class PrivateEngine:
    """One dockerd with `--live-restore`; `host` is its DOCKER_HOST."""

    def __init__(self, folder: Path, namespace: str, more: tuple[str, ...] = ()) -> None:
        self.namespace = namespace
        self._more = more
        self._folder = folder
        self._log = folder / "dockerd.log"
        self._dockerd: subprocess.Popen[bytes] | None = None
        self.host = f"unix://{folder}/d.sock"

    @property
    def enter(self) -> tuple[str, ...]:
        """The words in front of a command that runs it in the namespace; `ip netns exec` would hide cgroups."""
        return ("nsenter", f"--net={self.net}", "--")

    def start(self) -> None:
        """Start dockerd and wait until it answers; `client` asks it."""
        options = {
            "host": self.host,
            "data-root": self._folder / "data",
            "exec-root": self._folder / "exec",
            "pidfile": self._folder / "d.pid",
        }
        argv = [*self.enter, "dockerd", "--live-restore", *(f"--{k}={v}" for k, v in options.items()), *self._more]
        with self._log.open("ab") as log:
            self._dockerd = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
        eventually(self._answers, "an answer of the private engine")
        self.client = docker.DockerClient(self.host, version="auto")

    def _answers(self) -> bool:
        """Return True when the engine answers a ping.

        `docker version` instead would be a fork each time, and on a busy machine a fork stops every thread of this
        process for a while, also those that send a load.
        """
        assert self._dockerd is not None
        assert self._dockerd.poll() is None, f"dockerd ended:\n{self._log.read_text()[-2000:]}"
        with socket.socket(socket.AF_UNIX) as asked, contextlib.suppress(OSError):
            asked.settimeout(1)
            asked.connect(self.host.removeprefix("unix://"))
            asked.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 OK" in asked.recv(100)
        return False

    def stop(self) -> None:
        """End dockerd as an upgrade does; its containers run on."""
        assert self._dockerd is not None
        self.client.close()
        self._dockerd.terminate()
        self._dockerd.wait(30)

    def crash(self) -> None:
        """End everything at once, as a power cut does: dockerd, its containerd, and the containers."""
        assert self._dockerd is not None
        running = [c.attrs["State"]["Pid"] for c in self.client.containers.list()]
        self.client.close()
        self._dockerd.kill()
        self._dockerd.wait()
        for pid in (*self._own_processes(), *running):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        eventually(lambda: not self._own_processes(), "the end of everything")
        self._unmount()
        shutil.rmtree(self._folder / "exec")  # as /run, which no power cut leaves
        (self._folder / "d.pid").unlink(missing_ok=True)

    def load(self, *images: str) -> None:
        """Bring images over from the shared engine."""
        with subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE) as saved:
            subprocess.run(
                ["docker", "--host", self.host, "load", "--quiet"], stdin=saved.stdout, check=True, capture_output=True
            )

    @property
    def net(self) -> Path:
        """The engine's network namespace."""
        return Path(f"/run/netns/{self.namespace}")

    def move_in(self) -> None:
        """Move this thread into the engine's network namespace."""
        move_into(self.net)

    def end(self) -> None:
        """End the engine, its containerd and its shims, and unmount what they leave."""
        if self._dockerd is not None and self._dockerd.poll() is None:
            # All by pid: an engine that was restarted takes 10 s for `rm --force`, and for its own end.
            for container in self.client.containers.list():
                os.kill(container.attrs["State"]["Pid"], signal.SIGKILL)
            self.client.close()
            self._dockerd.kill()
            self._dockerd.wait()
        for pid in self._own_processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        eventually(lambda: not self._own_processes(), "the end of the private engine's processes")
        self._unmount()

    def _unmount(self) -> None:
        """Unmount what containers and namespaces leave behind."""
        mounts = re.findall(
            rf"^\S+ ({re.escape(str(self._folder))}\S*)", Path("/proc/mounts").read_text(), re.MULTILINE
        )
        for mount in sorted(mounts, reverse=True):
            subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)

    def _own_processes(self) -> list[int]:
        """Return the processes that name the engine's folder in their command line: containerd and shims."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"{self._folder}/exec".encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
        return [pid for pid in found if Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"]


def made_in(namespace: Path, make: Callable[[], socket.socket]) -> socket.socket:
    """Return a socket that lives in another network namespace, for an event loop."""

    def enter() -> socket.socket:
        move_into(namespace)
        return make()

    with ThreadPoolExecutor(1) as thread:  # which ends in that namespace
        made = thread.submit(enter).result()
    made.setblocking(False)
    return made


def move_into(namespace: Path) -> None:
    """Move this thread into a network namespace; raise OSError when the kernel refuses."""
    libc = ctypes.CDLL(None, use_errno=True)  # os.setns came with Python 3.12
    with namespace.open() as opened:
        if libc.setns(opened.fileno(), _NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def ahead_of_others() -> Iterator[None]:
    """Run before other processes, where that is allowed, with each thread and process that is begun meanwhile.

    A load that gets no processor for seconds loses requests by itself, and they are not the gateway's.
    """
    before = os.getpriority(os.PRIO_PROCESS, 0)
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, before - 10)
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, before)


@contextlib.contextmanager
def private_engine(*images: str, more: tuple[str, ...] = ()) -> Iterator[PrivateEngine]:
    """Give a running engine that has these images, started with more options for dockerd.

    A socket's path must be short, so it lies right under /tmp.
    """
    folder = Path(tempfile.mkdtemp(prefix="pe-", dir="/tmp"))
    namespace = f"pe-{secrets.token_hex(4)}"
    engine = PrivateEngine(folder, namespace, more)
    with ahead_of_others():
        subprocess.run(["ip", "netns", "add", namespace], check=True, capture_output=True)
        try:
            # A dockerd that finds forwarding off has FORWARD drop what no rule accepts, as on a host.
            off = [*engine.enter, "sysctl", "--write", "net.ipv4.ip_forward=0"]
            subprocess.run(off, check=True, capture_output=True)
            subprocess.run(["ip", "-n", namespace, "link", "set", "lo", "up"], check=True, capture_output=True)
            engine.start()
            if images:
                engine.load(*images)
            yield engine
        finally:
            engine.end()
            subprocess.run(["ip", "netns", "delete", namespace], check=True, capture_output=True)
            shutil.rmtree(folder, ignore_errors=True)
