"""`plan`, `render` and `explain` see the world as the running `watch` does, and touch nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.docker.watching import Watch, run_proxyctl, watching

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
