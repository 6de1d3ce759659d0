"""An official image, which has few tools, gets those that the labs and tests run in it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.machine.images import BUSYBOX_FOLDER, WITH_BUSYBOX, Images
from scripts.machine.terminal import Terminal

pytestmark = pytest.mark.docker

TOOLS = ("ip", "nc", "netstat", "nslookup", "ping", "wget")  # what labs and tests run in a proxy's image
# As official ones are: a proxy, a shell, and little else. `cat` is its own, and different from busybox's.
BARE = f"""\
FROM proxyctl/haproxy:latest
RUN for tool in {" ".join(TOOLS)}; do rm -f /bin/$tool /usr/lib/busybox/$tool; done
RUN rm -f /usr/bin/cat /bin/cat && printf '#!/bin/sh\\necho own' > /usr/bin/cat && chmod +x /usr/bin/cat
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
"""
BUSYBOX = "proxyctl/proxyctl:latest"  # has a static one at the same place as the official image


def docker(*words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run the docker command."""
    return subprocess.run(["docker", *words], input=text, capture_output=True, text=True, check=False)


@pytest.fixture
def bare() -> Iterator[str]:
    """An image without the tools."""
    built = docker("build", "--quiet", "-", text=BARE)
    assert built.returncode == 0, built.stderr
    yield built.stdout.strip()
    docker("image", "rm", built.stdout.strip())


def has(image: str, tool: str) -> bool:
    """Whether a container of the image can start a command; no shell, as busybox's own finds what is no file."""
    ran = docker("run", "--rm", "--network=none", image, tool, "--help")
    return "executable file not found" not in ran.stderr


def test_an_image_without_tools_gets_them_and_keeps_its_own(bare: str, tmp_path: Path) -> None:
    """Every name that busybox knows works, behind the image's own programs."""
    assert [tool for tool in TOOLS if has(bare, tool)] == []
    image = Images(Terminal(tmp_path / "log"), tmp_path).with_busybox(bare, BUSYBOX)
    try:
        assert image, (tmp_path / "log").read_text()
        assert [tool for tool in TOOLS if not has(image, tool)] == []
        assert docker("run", "--rm", "--network=none", image, "cat", "/etc/passwd").stdout == "own\n"
        assert "127.0.0.1/8" in docker("run", "--rm", "--network=none", image, "ip", "-o", "addr").stdout
    finally:
        docker("image", "rm", image)


def test_the_tools_come_after_all_else_in_the_path() -> None:
    """The recipe names the image's own PATH first."""
    assert f"ENV PATH=$PATH:{BUSYBOX_FOLDER}\n" in WITH_BUSYBOX.format(
        image="nginx:1.30", busybox="busybox:musl", folder=BUSYBOX_FOLDER
    )
