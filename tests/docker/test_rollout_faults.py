"""A `proxyctl rollout` that fails, is cut off, interrupted or refused: everything is as before, and one line says why.

A rollout asks Docker and `watch`, and knows no engine, so one engine shows it.
"""

from __future__ import annotations

import gc
import re
import signal
import socket
import threading
from pathlib import Path

import pytest

from proxyctl.api.client import Client
from proxyctl.operate.rollout import RolledBack, Rollout, Wish
from proxyctl.providers.docker.client import connect
from proxyctl.providers.docker.containers import Containers
from tests.docker.relay import Relay
from tests.docker.rolling import MakeImage, names, one_engine, rollout
from tests.docker.watching import BACKEND, LABEL, Watch, eventually

pytestmark = pytest.mark.docker


@pytest.fixture
def watch(running: Watch) -> Watch:
    """The one that all tests here share."""
    return running


@one_engine
def test_one_rollout_of_a_pool_at_a_time(watch: Watch, make_image: MakeImage) -> None:
    """A second one of the same pool is refused with who has it; one of another pool goes on beside it."""
    for pool in ("web", "api"):
        watch.run(f"{pool}1", labels={"pool": pool, "path": f"/{pool}"})
    watch.until(web1="up", api1="up")
    with rollout(watch, "web", "--image", make_image('ENTRYPOINT ["sleep", "1000"]')) as first:
        eventually(lambda: "web1-r2" in names(watch), "the first rollout to begin")
        second = watch.ctl_process("rollout", "web", "--image", BACKEND)
        told = (
            rf"proxyctl: pool web is being rolled out already, by process {first.pid} since 20.* UTC \(to .*:2\): .*\n"
        )
        assert re.fullmatch(told, second.stderr), second.stderr
        assert second.returncode == 1
        other = watch.ctl("rollout", "api", "--image", BACKEND)
        assert other.returncode == 0, other.stderr
        first.send_signal(signal.SIGINT)
        output, _ = first.communicate(timeout=60)
        assert first.returncode == 4, output
    again = watch.ctl("rollout", "web", "--image", BACKEND)
    assert again.returncode == 0, again.stderr
    assert set(names(watch)) == {"web1-r2", "api1-r2"}


BAD = {
    "crashes": ('ENTRYPOINT ["sh", "-c", "echo no database >&2; exit 3"]', ": no database"),
    "listens nowhere": ('ENTRYPOINT ["sleep", "1000"]', "does not serve after 2 s: "),
    "listens elsewhere": ("ENV ECHO_PORT=9999", "does not serve after 2 s: "),
    "is unhealthy": ('HEALTHCHECK --interval=200ms --retries=1 CMD ["false"]', "its HEALTHCHECK"),
    "cannot start": ('ENTRYPOINT ["/none"]', "/none"),
}


@one_engine
def test_a_bad_image_leaves_everything_as_it_was(watch: Watch, make_image: MakeImage) -> None:
    """Exit 4, one line that says why, nothing of ours left; the next rollout works. Five bad images take their 25 s."""
    watch.run("web1", labels={"pool": "web"}, restart_policy={"Name": "always"})
    watch.until(web1="up")
    before = names(watch)
    for kind, (change, reason) in BAD.items():
        ran = watch.ctl("rollout", "web", "--image", make_image(change), "--wait", "2s")
        last = ran.stderr.strip().rpartition("\n")[2]
        assert (kind, ran.returncode) == (kind, 4), ran.stderr
        assert last.startswith("proxyctl: rolled back, the old ones serve on: "), last
        assert reason in last, (kind, last)
        assert names(watch) == before, kind
    good = watch.ctl("rollout", "web", "--image", BACKEND)
    assert good.returncode == 0, good.stderr
    assert set(watch.served_by(4)) == {next(iter(names(watch)))}


@one_engine
def test_a_watch_that_dies_in_the_middle_is_waited_for_and_then_rolled_back(
    watch: Watch, make_image: MakeImage
) -> None:
    """Killed while new ones wait: exit 4, all as before. Started again in time, it goes on as if nothing had been."""
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    before = names(watch)
    with rollout(watch, "web", "--image", make_image('ENTRYPOINT ["sleep", "1000"]'), "--wait", "3s") as process:
        eventually(lambda: "web1-r2" in names(watch), "the new one")
        watch.stop(signal.SIGKILL)
        output, _ = process.communicate(timeout=100)
    assert process.returncode == 4, output
    assert "no `proxyctl watch` answers" in output.strip().rpartition("\n")[2]
    assert names(watch) == before
    watch.start()
    watch.until(web1="up")
    late = make_image('ENTRYPOINT ["sh", "-c", "sleep 3; exec proxyctl echo"]')
    with rollout(watch, "web", "--image", late, "--wait", "60s") as process:
        eventually(lambda: "web1-r2" in names(watch), "the new one")
        watch.stop(signal.SIGKILL)
        watch.start()
        output, _ = process.communicate(timeout=100)
    assert process.returncode == 0, output
    eventually(lambda: watch.servers() == {"web1-r2": "up"}, "the new one alone")


@one_engine
def test_a_proxy_that_does_not_confirm_keeps_the_old_one(watch: Watch) -> None:
    """`watch` dies when the new one serves already: the old one is not stopped, and nothing of the rollout is left.

    It takes its 25 s: so long the drain may be confirmed.
    """
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    before = names(watch)

    def say(text: str) -> None:
        if "all new ones" in text:
            watch.stop(signal.SIGKILL)

    with pytest.raises(RolledBack, match="web1: the proxy has not confirmed its drain: no `proxyctl watch` answers"):
        Rollout(Containers(connect()), Client(watch.state), say, lambda: False).run(Wish("web", BACKEND, None, 60))
    assert names(watch) == before
    watch.start()
    watch.until(web1="up")


@one_engine
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of a connection that was cut
def test_docker_that_goes_away_in_the_middle_is_waited_for(
    watch: Watch, make_image: MakeImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is back when the new one has to go: nothing is left."""
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    before, dead = names(watch), make_image('ENTRYPOINT ["sleep", "1000"]')
    relay = Relay(tmp_path / "relay.sock")
    relay.up()
    monkeypatch.setenv("DOCKER_HOST", relay.host)
    back = threading.Timer(6, relay.up)

    def say(text: str) -> None:
        if "started from" in text:
            relay.cut()
            back.start()

    with pytest.raises(RolledBack, match="web1-r2 does not serve after 2 s: ") as raised:
        Rollout(Containers(connect()), Client(watch.state), say, lambda: False).run(Wish("web", dead, None, 2))
    back.join()
    relay.cut()
    gc.collect()  # of connections that were cut: here, and not in the middle of the next test
    assert "removes what is left" not in str(raised.value)
    assert names(watch) == before


@one_engine
def test_a_rollout_that_never_serves_ends_after_its_wait(watch: Watch, make_image: MakeImage) -> None:
    """The reason is what status says of the new one; the old one was never touched."""
    watch.run("web1", labels={"pool": "web", "health.path": "/healthz", "health.interval": "200ms"})
    watch.until(web1="up")
    before = names(watch)
    ran = watch.ctl("rollout", "web", "--image", make_image("ENV ECHO_UNHEALTHY=1"), "--wait", "1500ms")
    assert ran.returncode == 4
    assert f"{watch.network}-web1-r2 does not serve after 1.5 s: " in ran.stderr
    assert names(watch) == before
    assert set(watch.served_by(4)) == {"web1"}


@one_engine
def test_ctrl_c_rolls_back(watch: Watch, make_image: MakeImage) -> None:
    """SIGINT while it waits: exit 4, the new one is gone, the old one was never touched."""
    watch.run("web1", labels={"pool": "web", "health.path": "/healthz", "health.interval": "200ms"})
    watch.until(web1="up")
    before = names(watch)
    with rollout(watch, "web", "--image", make_image("ENV ECHO_UNHEALTHY=1")) as process:
        eventually(lambda: "web1-r2" in watch.servers(), "the new one to wait in the pool")
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=100)
    assert process.returncode == 4, output
    assert output.strip().endswith("rolled back, the old ones serve on: interrupted")
    assert names(watch) == before
    watch.until(web1="up")


@one_engine
def test_what_cannot_be_rolled_out_is_refused_before_anything_happens(watch: Watch) -> None:
    """An unknown pool, an image that is not here, a published port: one line each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    watch.run("web1", labels={"pool": "web"})
    watch.run("pub1", labels={"pool": "pub", "path": "/pub"}, ports={"8080/tcp": ("127.0.0.1", port)})
    watch.until(web1="up", pub1="up")
    before = names(watch)
    unknown = watch.ctl("rollout", "wbe", "--image", BACKEND)
    assert (unknown.returncode, unknown.stderr) == (1, "proxyctl: no pool is named wbe; known are pub, web\n")
    missing = watch.ctl("rollout", "web", "--image", "nowhere/nothing:1")
    assert missing.returncode == 4
    assert "image nowhere/nothing:1 is not here: pull or build it first" in missing.stderr
    wrong = watch.ctl("rollout", "web", "--image", BACKEND, "--wait", "soon")
    assert wrong.returncode == 2
    assert "--wait" in wrong.stderr
    published = watch.ctl("rollout", "pub", "--image", BACKEND)
    assert published.returncode == 1
    assert published.stderr.startswith(f"proxyctl: {watch.network}-pub1 publishes host port {port}, which two")
    assert names(watch) == before


@one_engine
def test_a_network_that_cannot_be_shared_is_refused(watch: Watch) -> None:
    """One that lives in another's network, and one that another lives in: one line each, before anything is made."""
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    watch.client.containers.run(
        BACKEND,
        command=["--port", "9000"],
        name=f"{watch.network}-lodger",
        detach=True,
        network_mode=f"container:{watch.network}-web1",
        labels={LABEL: "1"},
    )
    before = names(watch)
    ran = watch.ctl("rollout", "web", "--image", BACKEND)
    assert (ran.returncode, names(watch)) == (1, before)
    host, lodger = f"{watch.network}-web1", f"{watch.network}-lodger"
    assert ran.stderr.startswith(f"proxyctl: {lodger} lives in the network of {host}, and would lose it: ")
