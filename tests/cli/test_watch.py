"""`proxyctl watch` that is interrupted before it has started."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

WATCH = (sys.executable, "-m", "proxyctl", "watch", "--network", "web")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_an_interrupted_start_says_what_may_be_left(number: signal.Signals, code: int, tmp_path: Path) -> None:
    """Also while Docker does not answer: nobody waits for it. The exit code is the signal's."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        host = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        argv = [sys.executable, "-m", "proxyctl", "watch", "--network", "web", "--state", str(tmp_path), "--api", "off"]
        process = subprocess.Popen(
            argv, stderr=subprocess.PIPE, text=True, env={"DOCKER_HOST": host, "PYTHONPATH": "."}
        )
        connection, _ = silent.accept()
        process.send_signal(number)
        _, told = process.communicate(timeout=20)
        assert told == (
            "proxyctl: interrupted during the start; a gateway that was there serves on, and one that was just made is "
            f"removed by `proxyctl down --network web --state {tmp_path}`\n"
        )
        assert process.returncode == code
        connection.close()


def test_a_taken_address_of_the_api_is_told_before_docker_is_asked(tmp_path: Path) -> None:
    """One line, exit 2, and nothing was made."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        api = f"127.0.0.1:{other.getsockname()[1]}"
        argv = [
            sys.executable,
            "-m",
            "proxyctl",
            "watch",
            "--network",
            "web",
            "--state",
            str(tmp_path / "s"),
            "--api",
            api,
        ]
        env = {"DOCKER_HOST": "tcp://127.0.0.1:1", "PYTHONPATH": "."}
        ran = subprocess.run(argv, capture_output=True, text=True, check=False, env=env, timeout=30)
    told = f"proxyctl: --api {api}: somebody listens there already; choose another HOST:PORT, or `off`\n"
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", told)
    assert list(tmp_path.iterdir()) == []
