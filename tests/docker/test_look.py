"""`plan`, `render` and `explain` see the world as the running `watch` does, and touch nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.docker.watching import Watch, eventually, run_proxyctl, watching

pytestmark = pytest.mark.docker


@pytest.fixture
def watch(docker_client: docker.DockerClient, network: str, tmp_path: Path) -> Iterator[Watch]:
    """A watch of the engine that is not the default one."""
    with watching(docker_client, network, "nginx", tmp_path / "state") as made:
        yield made


@pytest.mark.parametrize("argv", [("plan",), ("render",), ("explain", "web1")])
def test_a_missing_network_is_not_made_by_who_only_looks(
    docker_client: docker.DockerClient, tmp_path: Path, argv: tuple[str, ...]
) -> None:
    """Also where settings would have `watch` make it: one line that says what to do, exit 2."""
    name = "pt-never-made"
    env = {"PROXYCTL_CREATE_NETWORK": "true", "PROXYCTL_STATE": str(tmp_path)}
    ran = run_proxyctl(*argv, "--network", name, env=env)
    assert not docker_client.networks.list(names=[name])
    assert ran.returncode == 2, ran.stderr
    assert f"docker network create {name}" in ran.stderr


def test_a_url_without_a_scheme_and_a_path_is_a_url(watch: Watch) -> None:
    """Host and port are enough, for no container can have such a name."""
    watch.start()
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    told = watch.ctl("explain", f"{watch.address}:80", "--engine", watch.engine)
    assert (told.returncode, told.stderr) == (0, ""), told.stdout
    assert "pool: web" in told.stdout


def test_a_name_that_does_not_resolve_keeps_out_for_them_as_for_watch(watch: Watch) -> None:
    """`explain` says so with exit 3, `plan` has no join that never comes, `render` no server; afterwards all do."""
    asked = ("-d", "127.0.0.11", "-p", "udp", "-j")
    engine = ("--engine", watch.engine)
    watch.start()
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    watch.in_gateway_namespace("iptables", "-I", "OUTPUT", *asked, "DROP")
    watch.run("web2", labels={"pool": "web"})
    eventually(lambda: any("resolve" in p["reason"] for p in watch.problems()), "a problem about the name", 20)
    told = watch.ctl("explain", f"{watch.network}-web2", *engine)
    assert told.returncode == 3, told.stdout
    assert f"the name {watch.network}-web2 does not resolve" in told.stdout
    watch.in_gateway_namespace("iptables", "-I", "OUTPUT", *asked, "REJECT")  # an answer at once
    planned = watch.ctl("plan", *engine)
    assert (planned.returncode, planned.stdout.splitlines()[0]) == (0, "nothing to do"), planned.stdout
    assert watch.ctl("render", *engine).stdout == watch.applied_text()
    for target in ("REJECT", "DROP"):
        watch.in_gateway_namespace("iptables", "-D", "OUTPUT", *asked, target)
    watch.until(web1="up", web2="up", within=20)
    told = watch.ctl("explain", f"{watch.network}-web2", *engine)
    assert told.returncode == 0
    assert f"✔ {watch.network}-web2 resolves and " in told.stdout


def test_without_a_gateway_nobody_is_said_to_resolve(watch: Watch) -> None:
    """There is nowhere to ask from: what is taken for true is not told as seen."""
    watch.run("web1", labels={"pool": "web"})
    told = watch.ctl("explain", f"{watch.network}-web1", "--engine", watch.engine)
    assert told.returncode == 0, told.stderr
    assert "is taken as ready: no gateway runs to ask from" in told.stdout
