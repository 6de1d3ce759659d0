"""`plan`, `render` and `explain` see the world as the running `watch` does, and touch nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.docker.box import RunContainer
from tests.docker.command_line import run_here
from tests.docker.conftest import fresh_network
from tests.docker.watching import BACKEND, Watch, eventually, watching

pytestmark = pytest.mark.docker


ENGINE = "nginx"
"""The engine that is not the default one."""


@pytest.fixture
def watch(docker_client: docker.DockerClient, network: str, tmp_path: Path) -> Iterator[Watch]:
    """A watch that is not started."""
    with watching(docker_client, network, ENGINE, tmp_path / "state") as made:
        yield made


@pytest.fixture(scope="module")
def module_watch(docker_client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    """The watch of `running`, of that engine alone."""
    folder = tmp_path_factory.mktemp(ENGINE)
    with fresh_network() as name, watching(docker_client, name, ENGINE, folder / "state") as made:
        yield made


@pytest.mark.parametrize("argv", [("plan",), ("render",), ("explain", "web1")])
def test_a_missing_network_is_not_made_by_who_only_looks(
    docker_client: docker.DockerClient, tmp_path: Path, argv: tuple[str, ...]
) -> None:
    """Also where settings would have `watch` make it: one line that says what to do, exit 2."""
    name = "pt-never-made"
    env = {"PROXYCTL_CREATE_NETWORK": "true", "PROXYCTL_STATE": str(tmp_path)}
    ran = run_here(*argv, "--network", name, env=env)
    assert not docker_client.networks.list(names=[name])
    assert ran.returncode == 2, ran.stderr
    assert f"docker network create {name}" in ran.stderr


def test_a_url_without_a_scheme_and_a_path_is_a_url(running: Watch) -> None:
    """Host and port are enough, for no container can have such a name."""
    running.run("web1", labels={"pool": "web"})
    running.until(web1="up")
    told = running.ctl("explain", f"{running.address}:80")
    assert (told.returncode, told.stderr) == (0, ""), told.stdout
    assert "pool: web" in told.stdout


def test_a_name_that_does_not_resolve_keeps_out_for_them_as_for_watch(running: Watch) -> None:
    """`explain` says so with exit 3, `plan` has no join that never comes, `render` no server; afterwards all do.

    Takes 8 s: a question that nobody answers is given up only after some time, by `watch` and by `explain`.
    """
    running.run("web1", labels={"pool": "web"})
    running.until(web1="up")
    web2 = running.create("web2", labels={"pool": "web"})
    with running.nameless(web2):
        web2.start()
        eventually(lambda: any("resolve" in p["reason"] for p in running.problems()), "a problem about the name")
        told = running.ctl("explain", web2.name)
        assert told.returncode == 3, told.stdout
        assert f"the name {web2.name} does not resolve" in told.stdout
        planned = running.ctl("plan")
        assert (planned.returncode, planned.stdout.splitlines()[0]) == (0, "nothing to do"), planned.stdout
        assert running.ctl("render").stdout == running.shown_text()
    running.until(web1="up", web2="up")
    told = running.ctl("explain", f"{running.network}-web2")
    assert told.returncode == 0
    assert f"✔ {running.network}-web2 resolves and " in told.stdout


def test_without_a_gateway_nobody_is_said_to_resolve(watch: Watch) -> None:
    """There is nowhere to ask from: what is taken for true is not told as seen."""
    watch.run("web1", labels={"pool": "web"})
    told = watch.ctl("explain", f"{watch.network}-web1")
    assert told.returncode == 0, told.stderr
    assert "is taken as ready: no gateway runs to ask from" in told.stdout


def test_they_go_by_what_the_running_watch_goes_by(watch: Watch, run_container: RunContainer, tmp_path: Path) -> None:
    """Engine, templates, prefix and settings, of its start and of its file, need not be given again.

    Takes 10 s: the last of those that look is a scenario, with containers of its own.
    """
    folder, config = tmp_path / "templates", tmp_path / "some.toml"
    folder.mkdir()
    name = "_http.conf.j2"
    (folder / name).write_text((Path("templates/nginx") / name).read_text() + "\n# mine\n")
    config.write_text("[proxy]\nkeepalive = '31s'\n")
    options = ("--templates", str(folder), "--label-prefix", "shop", "--expose-by-default")
    watch.start(*options, "--config", str(config))
    run_container(BACKEND, name=f"{watch.network}-web1", network=watch.network, labels={"shop.pool": "web"})
    watch.until(web1="up")
    config.write_text("[proxy]\nkeepalive = '32s'\n")
    eventually(lambda: "32s" in watch.applied_text() or "32000ms" in watch.applied_text(), "the new setting")
    planned = watch.ctl("plan")
    assert (planned.returncode, planned.stdout.splitlines()[0]) == (0, "nothing to do"), planned.stdout + planned.stderr
    assert watch.ctl("render").stdout == watch.shown_text()
    told = watch.ctl("explain", f"{watch.network}-web1")
    assert told.returncode == 0, told.stdout + told.stderr
    assert "is enabled by default" in told.stdout
    ran = watch.ctl("check", "scenario", "join", "--ephemeral")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_without_a_watch_the_engine_is_the_gateways(watch: Watch) -> None:
    """It is read from the gateway itself; another one that is asked for is refused in one line."""
    watch.start()
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    watch.stop()
    assert watch.ctl("plan").stdout.splitlines()[0] == "nothing to do"
    ran = watch.ctl("explain", f"{watch.network}-web1", "--engine", "haproxy")
    assert ran.returncode == 2
    assert "--engine haproxy: the gateway of network" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
