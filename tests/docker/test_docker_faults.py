"""Docker cannot be asked for a while: the pools stay, it shows, the truth is caught up. A real engine, a relay."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.docker.relay import Relay
from tests.docker.watching import Watch, eventually, watching

pytestmark = pytest.mark.docker


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    """A relay that is up."""
    made = Relay(tmp_path / "docker.sock")
    made.up()
    yield made
    made.cut()


@pytest.fixture
def watch(docker_client: docker.DockerClient, network: str, tmp_path: Path, relay: Relay) -> Iterator[Watch]:
    """A watch that sees Docker through the relay; the source is the same for both engines."""
    with watching(docker_client, network, "haproxy", tmp_path / "state") as made:
        made.env["DOCKER_HOST"] = relay.host
        yield made


def test_while_docker_is_away_the_pool_stays_and_afterwards_the_truth_is_caught_up(watch: Watch, relay: Relay) -> None:
    """No answer is not an empty answer; what happened meanwhile is there after the return, without a restart."""
    watch.start()
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    relay.cut()
    eventually(lambda: not (watch.status() or {"events_connected": True})["events_connected"], "the loss to show", 20)
    assert watch.served_by(4) == {"web1": 4}
    # what was asked at the moment of the loss broke off; the next question is refused
    eventually(lambda: "nobody answers at DOCKER_HOST=" in str((watch.status() or {})["stale_reason"]), "the reason")
    shown = " ".join(watch.ctl("status").stdout.split())
    assert "STALE: " in shown
    assert "nobody answers at" in shown
    watch.run("web2", labels={"pool": "web"})
    watch.run("web3", labels={"pool": "web"})
    watch.container("web1").remove(force=True)
    relay.up()
    watch.until(web2="up", web3="up", within=40)
    assert set(watch.served_by(6)) == {"web2", "web3"}
    assert watch.alive()


def test_a_stream_that_ends_as_if_nothing_were_wrong_is_opened_anew(watch: Watch, relay: Relay) -> None:
    """docker-py's iterator just ends when the socket drops; joins are seen afterwards all the same, within seconds."""
    watch.start("--resync", "1h")
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    for n in (2, 3):
        relay.drop_connections()
        watch.run(f"web{n}", labels={"pool": "web"})
        watch.until(within=15, **{f"web{m}": "up" for m in range(1, n + 1)})
    assert watch.problems() == []


def test_events_that_never_came_are_found_by_the_next_listing(watch: Watch, relay: Relay) -> None:
    """A stream that stays open and says nothing: a resync repairs the pool and opens the stream anew."""
    watch.start("--resync", "2s")
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    relay.silence_events()
    watch.run("web2", labels={"pool": "web"})
    watch.until(web1="up", web2="up", within=20)
    eventually(lambda: "without an event" in watch.log.read_text(), "the stream to be opened anew")
    watch.run("web3", labels={"pool": "web"})
    watch.until(web1="up", web2="up", web3="up", within=20)


RESYNC = 2.0


def missing(watch: Watch) -> set[str]:
    """Return the names of the containers that are reported as missing and not yet believed to be gone."""
    reported = [p["container"] for p in watch.problems() if "is not in Docker's list" in p["reason"]]
    return {name.removeprefix(f"{watch.network}-") for name in reported}


def test_most_of_a_pool_is_not_believed_to_be_gone_before_the_next_listing(watch: Watch, relay: Relay) -> None:
    """They are reported and stay as they are; less than half goes at once, and what returns is there again."""
    watch.start("--resync", f"{RESYNC:g}s")
    for n in (1, 2, 3):
        watch.run(f"web{n}", labels={"pool": "web"})
    watch.run("other", labels={"pool": "other", "host": "other.test"})
    watch.until("web", web1="up", web2="up", web3="up")
    watch.until("other", other="up")
    hidden = [f"{watch.network}-{n}" for n in ("web1", "web2", "other")]

    relay.hide(*hidden)
    eventually(lambda: missing(watch) == {"web1", "web2", "other"}, "the report")
    assert watch.servers("web") == {"web1": "up", "web2": "up", "web3": "up"}
    assert watch.served_by(6) == {"web1": 2, "web2": 2, "web3": 2}
    assert watch.served_by(2, host="other.test") == {"other": 2}
    relay.hide()
    eventually(lambda: missing(watch) == set(), "the report to be taken back")
    assert watch.servers("web") == {"web1": "up", "web2": "up", "web3": "up"}

    relay.hide(hidden[0])
    watch.until("web", web2="up", web3="up")
    assert missing(watch) == set()
    relay.hide()
    watch.until("web", web1="up", web2="up", web3="up")

    relay.hide(*hidden)
    eventually(lambda: missing(watch) == {"web1", "web2", "other"}, "the report")
    start = time.monotonic()
    watch.until("web", web3="up")
    assert time.monotonic() - start > RESYNC * 0.75
    assert missing(watch) == set()
    eventually(lambda: watch.servers() == {"web3": "up"}, "the other to go")


def test_an_engine_that_lists_nothing_at_the_start_empties_no_pool(watch: Watch, relay: Relay) -> None:
    """What the proxy served is held against the first listing; whose end is told by an event is gone at once."""
    watch.start("--resync", f"{RESYNC:g}s")
    for n in (1, 2):
        watch.run(f"web{n}", labels={"pool": "web"})
    watch.until("web", web1="up", web2="up")
    watch.stop()
    relay.hide(*(f"{watch.network}-web{n}" for n in (1, 2)))
    watch.start("--resync", "1h")  # a further listing would be believed: none comes before this test wants one
    eventually(lambda: missing(watch) == {"web1", "web2"}, "the report")
    assert watch.served_by(4) == {"web1": 2, "web2": 2}
    watch.container("web1").remove(force=True)
    watch.until("web", web2="up")
    relay.hide()
    relay.drop_connections()  # a stream that is opened anew is followed by a listing
    eventually(lambda: missing(watch) == set(), "the report to be taken back")
    assert watch.served_by(2) == {"web2": 2}
