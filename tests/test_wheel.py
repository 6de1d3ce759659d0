"""The wheel as a user gets it: built, installed in an empty environment with the locked dependencies, and run there."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import urllib.request
import venv
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import docker.errors
import pytest

from tests.docker.conftest import fresh_network
from tests.docker.watching import BACKEND, LABEL

ROOT = Path(__file__).parents[1]


class Installed:
    """An environment with nothing in it but the wheel and what it needs; commands run outside the checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "venv" / "bin"

    def run(self, *argv: str | Path, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, without a way back to the checkout."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PROXYCTL_", "PYTHON", "VIRTUAL_ENV"))}
        return subprocess.run(
            argv, cwd=self.folder, env=clean, capture_output=True, text=True, timeout=timeout, check=False
        )

    def proxyctl(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run `proxyctl` as it was installed."""
        return self.run(self.programs / "proxyctl", *argv)

    def python(self, code: str) -> str:
        """Return what a line of Python prints there."""
        ran = self.run(self.programs / "python", "-c", code)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Installed:
    """The wheel as it is installed; the first of several test processes builds it for all, in some 8 s."""
    base = tmp_path_factory.getbasetemp()
    made = Installed((base if worker_id == "master" else base.parent) / "wheel")
    with made.folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made.folder / "ready").exists():
            shutil.rmtree(made.folder, ignore_errors=True)
            build(made)
            (made.folder / "ready").touch()
    return made


def build(made: Installed) -> None:
    """Build the wheel from this checkout, with its dependencies as requirements/runtime.txt locks them."""
    made.folder.mkdir()
    venv.create(made.folder / "venv", with_pip=False)
    # what is imported here is compiled then: to compile every file of every package takes longer than to install it
    pip = (sys.executable, "-m", "pip", "--python", made.programs / "python", "install", "--quiet", "--no-compile")
    commands: tuple[tuple[str | Path, ...], ...] = (
        (sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", made.folder, ROOT),
        (*pip, "--require-hashes", "--no-deps", "--requirement", ROOT / "requirements" / "runtime.txt"),
    )
    with ThreadPoolExecutor() as threads:
        for ran in threads.map(lambda argv: made.run(*argv), commands):
            assert ran.returncode == 0, ran.stderr
    (wheel,) = made.folder.glob("*.whl")
    ran = made.run(*pip, "--no-deps", "--no-index", wheel)
    assert ran.returncode == 0, ran.stderr


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
