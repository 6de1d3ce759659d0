"""A newcomer's first hour: the wheel in an empty environment, an engine without any image, and a registry.

The engine is a private one in a network namespace, so that the commands of docs/install.md run as they stand there. The
registry is Debian's, on the loopback of that namespace, as a mirror of Docker Hub; it holds the official images under
their names, or, where no registry answered `make setup`, images laid out like them. Nothing comes from the checkout.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proxyctl.providers.docker.pulling import ImageNotPulled, pull
from tests.docker.private_engine import PrivateEngine, private_engine
from tests.docker.registry import MIRROR, OFFICIAL, Refusing, empty, mirror, refusing
from tests.docker.watching import eventually
from tests.wheel import ROOT, Installed

pytestmark = pytest.mark.docker

INSTALL = (ROOT / "docs" / "install.md").read_text()
PROXYCTL = "proxyctl/proxyctl:latest"
ENGINES = ("haproxy", "nginx")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateEngine]:
    """An engine that pulls from the mirror alone, and has no image: 6 s to start it and to fill the registry."""
    with (
        private_engine(more=(f"--registry-mirror={MIRROR}",)) as made,
        mirror(made, tmp_path_factory.mktemp("registry")),
    ):
        yield made


class Newcomer:
    """A person with the wheel and nothing else, at a shell on the engine's machine."""

    def __init__(self, engine: PrivateEngine, installed: Installed, state: Path) -> None:
        self.engine, self.installed, self.state = engine, installed, state
        self.env = {**installed.environment, "DOCKER_HOST": engine.host, "PROXYCTL_STATE": str(state)}
        self.log = state.parent / "watch.log"

    def argv(self, command: str) -> list[str]:
        """Return a command of the docs as it is run here: proxyctl is where the wheel was installed."""
        words = shlex.split(command, comments=True)
        program = str(self.installed.programs / "proxyctl")
        return [*self.engine.enter, *(program if w == "/opt/proxyctl/bin/proxyctl" else w for w in words)]

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self.argv(command),
            env=self.env,
            cwd=self.state.parent,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @contextlib.contextmanager
    def running(self, command: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a command beside the block; its log is kept."""
        with self.log.open("wb") as log:
            process = subprocess.Popen(self.argv(command), env=self.env, cwd=self.state.parent, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def says(self, text: str) -> Callable[[], bool]:
        """Return whether the log has a text yet, as a question."""
        return lambda: text in self.log.read_text()

    def served(self, url: str = "http://127.0.0.1:8080/") -> bool:
        """Whether a web page comes from there."""
        ran = self.run(f"curl --silent --show-error --fail --max-time 5 {url}")
        return ran.returncode == 0 and "Welcome to nginx" in ran.stdout


@pytest.fixture
def newcomer(engine: PrivateEngine, installed: Installed, tmp_path: Path) -> Iterator[Newcomer]:
    """A newcomer, whose engine has no image, no container and no network of ours."""
    assert not engine.client.images.list(all=True)
    yield Newcomer(engine, installed, tmp_path / "state")
    for container in engine.client.containers.list(all=True):
        container.remove(force=True, v=True)
    for network in engine.client.networks.list(names=["web"]):
        network.remove()
    empty(engine)


def command(beginning: str) -> str:
    """Return the command of docs/install.md that begins like this, its continued lines joined."""
    found: str
    (found,) = {
        match.replace("\\\n", " ")
        for match in re.findall(rf"^ *({re.escape(beginning)}(?:.*\\\n)*.*)$", INSTALL, re.MULTILINE)
    }
    return found


@pytest.mark.parametrize("kind", ENGINES)
def test_the_first_request_is_served_by_the_commands_of_the_docs(newcomer: Newcomer, kind: str) -> None:
    """`watch` pulls the official image with a line that says so, a pulled web server joins, and its page comes.

    It takes its 10 s: two images are pulled, and a person has two minutes for it.
    """
    began = time.monotonic()
    with newcomer.running(
        command("/opt/proxyctl/bin/proxyctl watch --network web --create-network --publish 127") + f" --engine {kind}"
    ):
        eventually(newcomer.says("event=watching"), "the start of watch", 60)
        assert newcomer.run(command("docker run -d --name web1")).returncode == 0
        eventually(newcomer.served, "the first request", 60)
        assert time.monotonic() - began < 120
        log = newcomer.log.read_text()
        assert f"pulling {OFFICIAL[kind]} …" in log
        assert re.search(rf"pulled {OFFICIAL[kind]} \(\d+ MB\)", log)
        status = newcomer.run("/opt/proxyctl/bin/proxyctl status --network web --strict")
        assert status.returncode == 0, status.stdout + status.stderr
    (gateway,) = newcomer.engine.client.containers.list(filters={"name": "proxyctl-web"})
    assert gateway.attrs["Config"]["Image"] == OFFICIAL[kind]
    assert newcomer.run("docker rm -f web1").returncode == 0
    down = newcomer.run("/opt/proxyctl/bin/proxyctl down --network web")
    assert down.returncode == 0, down.stderr


def test_nothing_is_pulled_where_that_was_asked_for(newcomer: Newcomer) -> None:
    """`--no-pull`: one line with the command that pulls; it is run, and then `watch` does not stop there any more."""
    newcomer.engine.client.networks.create("web")
    watch = "/opt/proxyctl/bin/proxyctl watch --network web --no-pull --api off --once"
    refused = newcomer.run(watch)
    assert refused.returncode == 1
    assert refused.stderr == (
        "proxyctl: image haproxy:3.2 is not here, and --no-pull was given: `docker pull haproxy:3.2`, or leave "
        "--no-pull out\n"
    )
    doctor = newcomer.run("/opt/proxyctl/bin/proxyctl doctor --network web")
    assert "✘ image: haproxy:3.2 is not here; `watch` pulls it\n    mend: docker pull haproxy:3.2\n" in doctor.stdout
    assert newcomer.run("docker pull haproxy:3.2").returncode == 0
    done = newcomer.run(watch)
    assert done.returncode == 0, done.stderr
    assert "event=applied" in done.stderr
    assert "pulling" not in done.stderr


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (
            f"{MIRROR.removeprefix('http://')}/library/haproxy:9.9",
            "the registry has no such image: look at name and tag",
        ),
        (f"{MIRROR.removeprefix('http://')}/library/nothing:1", "the registry has no such image: look at name and tag"),
        ("haproxy:9.9", "no registry answers ("),  # the mirror does not have it, and behind it is nobody
        ("127.0.0.1:9/web:1", "no registry answers (connection refused): look at this machine's network"),
        ("{refusing}/limited:1", "the registry gives out no more for now (rate limit): start again later"),
        ("{refusing}/private:1", "the registry does not give it to everybody: `docker login {refusing}`"),
        ("{refusing}/foreign:1", "it is not made for this machine (linux/"),
    ],
)
def test_an_image_that_cannot_be_had_is_one_line(
    engine: PrivateEngine, image: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each says why, and what to do that harms nothing; the words that are understood are a real engine's."""
    monkeypatch.setenv("DOCKER_HOST", engine.host)
    with refusing(engine) as address:
        named = image.format(refusing=address)
        with pytest.raises(ImageNotPulled) as refused:
            asyncio.run(pull(named, lambda _: None))
    assert str(refused.value).startswith(f"image {named} cannot be pulled: {told.format(refusing=address)}")
    assert not engine.client.images.list()


def test_a_pull_that_takes_too_long_ends_with_ctrl_c(newcomer: Newcomer) -> None:
    """At once, with the exit code of an interrupt and without a traceback; no gateway was made."""
    newcomer.engine.client.networks.create("web")
    with refusing(newcomer.engine) as address:
        Refusing.asked.clear()
        watch = f"/opt/proxyctl/bin/proxyctl watch --network web --api off --image {address}/stalls:1"
        with newcomer.running(watch) as process:
            eventually(newcomer.says(f"pulling {address}/stalls:1 …"), "the beginning of the pull")
            eventually(Refusing.asked.is_set, "the question to the registry")
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 130
            assert time.monotonic() - began < 3
    assert "Traceback" not in newcomer.log.read_text()
    assert not newcomer.engine.client.containers.list(all=True)


@pytest.mark.parametrize("kind", ENGINES)
def test_proxyctl_in_a_container_is_run_by_the_commands_of_the_docs(newcomer: Newcomer, kind: str) -> None:
    """`docker run` as it is in the docs: it pulls, makes the gateway, and its `status` is asked by `docker exec`.

    Nginx is reloaded by a command in the gateway there. It takes its 10 s: an image with Python in it comes over first.
    """
    engine = newcomer.engine
    engine.load(PROXYCTL)
    assert newcomer.run("docker network create web").returncode == 0
    run = command("docker run -d --name proxyctl")
    run = run.replace("/var/run/docker.sock:", f"{engine.host.removeprefix('unix://')}:")
    run = run.replace("/var/lib/proxyctl:", f"{newcomer.state.parent}/shared:")
    started = newcomer.run(f"{run} --engine {kind}")
    assert started.returncode == 0, started.stderr
    assert newcomer.run(command("docker run -d --name web1")).returncode == 0
    try:
        eventually(newcomer.served, "the first request", 60)
    except AssertionError as exc:
        raise AssertionError(f"{exc}\n{newcomer.run('docker logs proxyctl').stderr}") from exc
    status = newcomer.run(command("docker exec proxyctl proxyctl status"))
    assert re.search(r"web1.* up", status.stdout), status.stdout + status.stderr
    assert newcomer.run("docker rm -f proxyctl").returncode == 0


def test_the_unit_of_the_docs_is_one_that_systemd_takes(newcomer: Newcomer, tmp_path: Path) -> None:
    """systemd finds nothing to say about it, and its command is one that proxyctl takes: it serves on port 80."""
    (unit,) = re.findall(r"```ini\n(.*?)```", INSTALL, re.DOTALL)
    program = str(newcomer.installed.programs / "proxyctl")
    file = tmp_path / "proxyctl.service"
    file.write_text(unit.replace("/opt/proxyctl/bin/proxyctl", program))
    try:
        verified = subprocess.run(["systemd-analyze", "verify", str(file)], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no systemd-analyze here")
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    (start,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    with newcomer.running(start):
        eventually(newcomer.says("event=watching"), "the start of watch")
        assert newcomer.run(command("docker run -d --name web1")).returncode == 0
        eventually(lambda: newcomer.served("http://127.0.0.1/"), "the first request", 60)
