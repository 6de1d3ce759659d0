"""A Docker engine: the one that answers; else installed and started, with systemd or without."""

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from scripts.machine.packages import install_packages
from scripts.machine.terminal import SetupError, Terminal

START_SECONDS = 60.0
LOG = Path("/var/log/dockerd.log")
PID_FILES = {
    "dockerd": Path("/var/run/docker.pid"),
    "containerd": Path("/var/run/docker/containerd/containerd.pid"),
}
LATER = "then run `make setup` again"


def ensure(terminal: Terminal) -> str:
    """Make sure that an engine answers; say which. SetupError when that is for the user to do."""
    version, said = ask(terminal)
    if version:
        return f"Docker {version}"
    if "permission denied" in said.lower():
        raise SetupError(
            "the engine is there, but you may not use its socket",
            remedy=f"sudo usermod -aG docker {os.environ.get('USER', '$USER')}, log in again, {LATER}",
        )
    host = os.environ.get("DOCKER_HOST")
    if host:
        raise SetupError(f"no engine answers at DOCKER_HOST={host}", remedy=f"start it, or unset DOCKER_HOST; {LATER}")
    installed = _install(terminal)
    version, _ = ask(terminal)  # the package may have started it
    if not version:
        version = _start(terminal)
    return f"Docker {version} {'installed and ' if installed else ''}started"


def ask(terminal: Terminal, host: str = "") -> tuple[str, str]:
    """Ask the engine for its version; return it, or "" and what the client said instead."""
    where = ("--host", host) if host else ()
    command = ("docker", *where, "version", "--format={{.Server.Version}}")
    done = terminal.attempt(*command, deadline=20)
    return (done.stdout.strip() if done.returncode == 0 else ""), done.stderr


def _install(terminal: Terminal) -> bool:
    missing = [
        package
        for program, package in (("dockerd", "docker.io"), ("iptables", "iptables"))
        if shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is None
    ]
    if missing:
        install_packages(terminal, *missing, purpose="a Docker engine" if "docker.io" in missing else "iptables")
    if shutil.which("docker") is None:
        install_packages(terminal, "docker-cli", purpose="the docker client")  # Debian 13 splits it off
    return bool(missing)


def _start(terminal: Terminal) -> str:
    if os.geteuid() != 0:
        raise SetupError("the Docker engine is not running", remedy="sudo scripts/setup --only engine")
    if Path("/run/systemd/system").is_dir():
        terminal.run("systemctl", "start", "docker", remedy="journalctl -u docker")
        return wait(terminal)
    for name, pid_file in PID_FILES.items():
        _forget_the_dead(name, pid_file)
    return wait(terminal, log=LOG, dockerd=launch(terminal, LOG))


def _forget_the_dead(name: str, pid_file: Path) -> None:
    """Remove a pid file whose process is another program or a zombie: dockerd would take it for a running one."""
    try:
        status = Path(f"/proc/{int(pid_file.read_text())}/status").read_text()
    except (OSError, ValueError):
        status = ""
    if not status.startswith(f"Name:\t{name}\n") or "\nState:\tZ" in status:
        pid_file.unlink(missing_ok=True)


def launch(terminal: Terminal, log: Path, options: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Start dockerd in a session of its own, so that it outlives this terminal; its output goes to `log`."""
    words = ["dockerd", *options]
    terminal.note(words, f"(its output is in {log})\n")
    with log.open("ab") as output:
        return subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, cwd="/"
        )


def wait(
    terminal: Terminal, *, host: str = "", log: Path | None = None, dockerd: subprocess.Popen[bytes] | None = None
) -> str:
    """Wait until the engine answers, or has ended, or the time is up; return its version."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and (dockerd is None or dockerd.poll() is None):
        version, _ = ask(terminal, host)
        if version:
            return version
        time.sleep(0.2)
    if log is not None:
        terminal.note(["tail", str(log)], "\n".join(log.read_text(errors="replace").splitlines()[-8:]) + "\n")
    ended = dockerd is not None and dockerd.poll() is not None
    raise SetupError(
        "dockerd ended at its start" if ended else f"the Docker engine does not answer within {START_SECONDS:.0f} s",
        remedy=f"see {log}" if log else "journalctl -u docker",
        show_log=True,
    )
