"""Needs of steps: root, the host's interfaces, programs. A check that finds out later uses `at.skip`."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

from proxyctl.labs.step import Need
from proxyctl.labs.texts import Text

ROOT = Need(
    "root",
    lambda: os.geteuid() == 0,
    Text(ko="root 권한이 필요합니다: sudo로 실행하십시오", en="needs root: run it with sudo"),
)

HOST = Need(
    "docker0",
    Path("/sys/class/net/docker0").exists,
    Text(
        ko="Docker 호스트의 인터페이스가 여기서 보이지 않습니다: 엔진이 있는 호스트에서 실행하십시오",
        en="the Docker host's interfaces cannot be seen from here: run it on the engine's own host",
    ),
)


def tool(name: str, package: str) -> Need:
    """Return the need for a program of the host."""
    return Need(
        name,
        lambda: shutil.which(name) is not None,
        Text(
            ko=f"{name} 명령이 없습니다: apt-get install {package}",
            en=f"there is no {name} here: apt-get install {package}",
        ),
    )


IPTABLES = tool("iptables", "iptables")
IP = tool("ip", "iproute2")
CURL = tool("curl", "curl")
PGREP = tool("pgrep", "procps")
SS = tool("ss", "iproute2")
NSENTER = tool("nsenter", "util-linux")


def _has_compose() -> bool:
    with contextlib.suppress(OSError):
        return subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
    return False


COMPOSE = Need(
    "docker compose",
    _has_compose,
    Text(
        ko="docker compose가 없습니다: compose 플러그인을 설치하십시오",
        en="there is no `docker compose` here: install the compose plugin",
    ),
)
