"""The wheel as a user gets it: built, installed in an empty environment with the locked dependencies, and run there."""

from __future__ import annotations

import contextlib
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import docker
import docker.errors
import pytest

from tests.docker.conftest import fresh_network
from tests.docker.watching import BACKEND, LABEL
from tests.wheel import ROOT, Installed


def test_it_runs(installed: Installed) -> None:
    """The program is on the path of its environment, says its version, and is not the checkout's."""
    version = installed.python("import proxyctl; print(proxyctl.__version__)")
    assert installed.proxyctl("--version").stdout == f"proxyctl {version}\n"
    where = Path(installed.python("import proxyctl; print(proxyctl.__file__)"))
    assert where.is_relative_to(installed.folder)


def test_the_lock_is_complete(installed: Installed) -> None:
    """Everything that the wheel asks for is there, in versions that it accepts."""
    ran = installed.run(sys.executable, "-m", "pip", "--python", installed.programs / "python", "check")
    assert (ran.returncode, ran.stdout) == (0, "No broken requirements found.\n")


def test_a_usage_error_is_one_line(installed: Installed) -> None:
    """Exit code 2, and one line on stderr that names the flag."""
    ran = installed.proxyctl("watch", "--bogus")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.count("\n") == 1
    assert "--bogus" in ran.stderr


def test_every_module_is_there(installed: Installed) -> None:
    """None is missing, and none needs a package that only developers have."""
    names = sorted(
        ".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for p in (ROOT / "proxyctl").rglob("*.py")
        if p.name != "__main__.py"
    )
    assert installed.python(f"import {', '.join(names)}; print('all')") == "all"


@pytest.mark.parametrize("engine", ["haproxy", "nginx"])
def test_the_templates_are_inside(installed: Installed, engine: str) -> None:
    """What ships is what the checkout has, file by file."""
    code = f"from proxyctl.engines import templates as t; print(t.shipped({engine!r}))"
    shipped = Path(installed.python(code))
    assert shipped.is_relative_to(installed.folder)
    ours = ROOT / "templates" / engine
    assert {p.name: p.read_text() for p in shipped.iterdir()} == {p.name: p.read_text() for p in ours.iterdir()}


def test_the_page_is_inside(installed: Installed) -> None:
    """`check --html` has its template and its style: a check of nothing leaves a page."""
    page = installed.folder / "check.html"
    ran = installed.proxyctl("check", "http://127.0.0.1:1/", "--requests", "3", "--html", str(page))
    assert ran.returncode == 99, ran.stderr
    assert "The verdict failed" in page.read_text()


def test_the_page_of_the_labs_is_inside(installed: Installed) -> None:
    """`lab run --html` fills it in."""
    code = "from proxyctl.labs.page import to_html; print(to_html([], 'ko')[:15])"
    assert installed.python(code) == "<!doctype html>"


@pytest.fixture
def network() -> Iterator[str]:
    """A fresh network; the gateway on it is removed whatever happens."""
    with fresh_network() as name:
        yield name
        client = docker.from_env()
        with contextlib.suppress(docker.errors.NotFound):
            client.containers.get(f"proxyctl-{name}").remove(force=True, v=True)
        client.close()


@pytest.mark.docker
def test_it_does_the_job(installed: Installed, network: str, docker_client: docker.DockerClient) -> None:
    """`watch --once` brings a labelled container behind the proxy and ends with 0; `down` removes the proxy.

    Takes 6 s: two processes that import everything for the first time, and a gateway.
    """
    labels = {LABEL: "1", "proxyctl.enable": "true"}
    web = docker_client.containers.run(BACKEND, detach=True, network=network, labels=labels)
    try:
        where = ("--network", network, "--state", str(installed.folder / "state"))
        ran = installed.proxyctl("watch", *where, "--engine", "nginx", "--api", "off", "--once")
        assert ran.returncode == 0, ran.stderr
        gateway = docker_client.containers.get(f"proxyctl-{network}")
        address = gateway.attrs["NetworkSettings"]["Networks"][network]["IPAddress"]
        with urllib.request.urlopen(f"http://{address}/", timeout=5) as answer:
            assert answer.status == 200
        assert installed.proxyctl("down", *where).returncode == 0
        with pytest.raises(docker.errors.NotFound):
            docker_client.containers.get(f"proxyctl-{network}")
    finally:
        web.remove(force=True)


@pytest.fixture
def docker_client() -> Iterator[docker.DockerClient]:
    """A client to the engine that `make setup` provides."""
    client = docker.from_env()
    yield client
    client.close()
