"""Docker cannot be asked for a while: the pools stay, it shows, the truth is caught up. A real engine, a relay."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import pytest

from proxyctl.errors import GatewayError
from proxyctl.gateway.access import DockerAccess
from proxyctl.providers.docker.client import PatientClient
from tests.docker.relay import Relay
from tests.docker.watching import Watch, eventually

pytestmark = [  # the source is the same for both engines
    pytest.mark.docker,
    pytest.mark.parametrize("module_watch", ["haproxy"], indirect=True),
]
RESYNC = 2.0


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    """A relay that is up."""
    made = Relay(tmp_path_factory.mktemp("relay") / "docker.sock")
    made.up()
    yield made
    made.cut()


@pytest.fixture(scope="module")
def module_watch(module_watch: Watch, relay: Relay) -> Watch:
    """The shared one, which sees Docker through the relay and lists once an hour."""
    module_watch.env["DOCKER_HOST"] = relay.host
    module_watch.flags = ("--resync", "1h")
    return module_watch


def listing(running: Watch, relay: Relay, every: str) -> Iterator[Watch]:
    """Give the shared one with this `--resync`, started again if need be; the relay is mended afterwards."""
    if running.flags != ("--resync", every):
        running.stop()
        running.start("--resync", every)
    yield running
    relay.mend()


@pytest.fixture
def watch(running: Watch, relay: Relay) -> Iterator[Watch]:
    """The shared one, where no listing comes by itself."""
    yield from listing(running, relay, "1h")


@pytest.fixture
def often(running: Watch, relay: Relay) -> Iterator[Watch]:
    """The shared one, with a listing every `RESYNC` seconds."""
    yield from listing(running, relay, f"{RESYNC:g}s")


def test_while_docker_is_away_the_pool_stays_and_afterwards_the_truth_is_caught_up(watch: Watch, relay: Relay) -> None:
    """No answer is not an empty answer; what happened meanwhile is there after the return, without a restart.

    It takes its 6 s: `watch` asks again less and less often while Docker is away.
    """
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    relay.cut()
    eventually(lambda: not (watch.status() or {"events_connected": True})["events_connected"], "the loss to show")
    assert watch.served_by(4) == {"web1": 4}
    # what was asked at the moment of the loss broke off; the next question is refused
    eventually(lambda: "nobody answers at DOCKER_HOST=" in str((watch.status() or {})["stale_reason"]), "the reason")
    shown = " ".join(watch.ctl("status").stdout.split())
    assert "STALE: " in shown
    assert "nobody answers at" in shown
    watch.run_each(web2={"pool": "web"}, web3={"pool": "web"})
    watch.container("web1").remove(force=True)
    relay.up()
    watch.until(web2="up", web3="up")
    assert set(watch.served_by(6)) == {"web2", "web3"}
    assert watch.alive()


def test_a_stream_that_ends_as_if_nothing_were_wrong_is_opened_anew(watch: Watch, relay: Relay) -> None:
    """docker-py's iterator just ends when the socket drops; joins are seen afterwards all the same, within seconds."""
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    up: dict[str, Any] = {"web1": "up"}
    for n in (2, 3):
        relay.drop_connections()
        watch.run(f"web{n}", labels={"pool": "web"})
        up[f"web{n}"] = "up"
        watch.until(**up)
    assert watch.problems() == []


def test_events_that_never_came_are_found_by_the_next_listing(often: Watch, relay: Relay) -> None:
    """A stream that stays open and says nothing: a resync repairs the pool and opens the stream anew."""
    often.run("web1", labels={"pool": "web"})
    often.until(web1="up")
    told = len(often.log.read_text())
    relay.silence_events()
    often.run("web2", labels={"pool": "web"})
    often.until(web1="up", web2="up")
    eventually(lambda: "without an event" in often.log.read_text()[told:], "the stream to be opened anew")
    often.run("web3", labels={"pool": "web"})
    often.until(web1="up", web2="up", web3="up")


def missing(watch: Watch) -> set[str]:
    """Return the names of the containers that are reported as missing and not yet believed to be gone."""
    reported = [p["container"] for p in watch.problems() if "is not in Docker's list" in p["reason"]]
    return {name.removeprefix(f"{watch.network}-") for name in reported}


def test_most_of_a_pool_is_not_believed_to_be_gone_before_the_next_listing(often: Watch, relay: Relay) -> None:
    """They are reported and stay as they are; less than half goes at once, and what returns is there again.

    It takes its 8 s: four containers, a start with another `--resync`, and that time before the last are believed gone.
    """

    def listed_without(*names: str) -> None:
        relay.hide(*names)
        relay.drop_connections()  # a stream that is opened anew is followed by a listing

    webs = {f"web{n}": {"pool": "web"} for n in (1, 2, 3)}
    often.run_each(**webs, other={"pool": "other", "host": "other.test"})
    often.until("web", web1="up", web2="up", web3="up")
    often.until("other", other="up")
    hidden = [f"{often.network}-{n}" for n in ("web1", "web2", "other")]

    listed_without(*hidden)
    eventually(lambda: missing(often) == {"web1", "web2", "other"}, "the report")
    assert often.servers("web") == {"web1": "up", "web2": "up", "web3": "up"}
    assert often.served_by(6) == {"web1": 2, "web2": 2, "web3": 2}
    assert often.served_by(2, host="other.test") == {"other": 2}
    listed_without()
    eventually(lambda: missing(often) == set(), "the report to be taken back")
    assert often.servers("web") == {"web1": "up", "web2": "up", "web3": "up"}

    listed_without(hidden[0])
    often.until("web", web2="up", web3="up")
    assert missing(often) == set()
    listed_without()
    often.until("web", web1="up", web2="up", web3="up")

    listed_without(*hidden)
    eventually(lambda: missing(often) == {"web1", "web2", "other"}, "the report")
    start = time.monotonic()
    often.until("web", web3="up")
    assert time.monotonic() - start > RESYNC * 0.75
    eventually(lambda: missing(often) == set(), "the report to be taken back")
    eventually(lambda: often.servers() == {"web3": "up"}, "the other to go")


def test_an_engine_that_lists_nothing_at_the_start_empties_no_pool(watch: Watch, relay: Relay) -> None:
    """What the proxy served is held against the first listing; whose end is told by an event is gone at once."""
    watch.run_each(web1={"pool": "web"}, web2={"pool": "web"})
    watch.until("web", web1="up", web2="up")
    watch.stop()
    relay.hide(*(f"{watch.network}-web{n}" for n in (1, 2)))
    watch.start()  # a further listing would be believed: none comes before this test wants one
    eventually(lambda: missing(watch) == {"web1", "web2"}, "the report")
    assert watch.served_by(4) == {"web1": 2, "web2": 2}
    watch.container("web1").remove(force=True)
    watch.until("web", web2="up")
    relay.hide()
    relay.drop_connections()  # a stream that is opened anew is followed by a listing
    eventually(lambda: missing(watch) == set(), "the report to be taken back")
    assert watch.served_by(2) == {"web2": 2}


def test_a_listing_of_12_seconds_is_waited_for(often: Watch, relay: Relay) -> None:
    """`watch` starts by it, says so, and then runs with it: joins and drains come by events, nothing reconnects.

    It takes its 30 s: twice the 12 s that are known of machines which have too much to do.
    """
    often.run("web1", labels={"pool": "web"})
    often.until(web1="up")
    often.stop()
    told = len(often.log.read_text())
    relay.slow(12, "/containers/json")
    began = time.monotonic()
    often.start("--resync", f"{RESYNC:g}s")
    assert often.served_by(2) == {"web1": 2}
    eventually(lambda: (often.status() or {})["synced_seconds_ago"] is not None, "the first listing")
    assert time.monotonic() - began > 11
    assert often.log.read_text()[told:].count("docker takes long to list its containers") == 1
    listings = relay.listings
    eventually(lambda: relay.listings >= listings, "the listing that runs")
    began = time.monotonic()
    often.run("web2", labels={"pool": "web"})
    often.until(web1="up", web2="up", within=6)
    often.container("web1").kill("SIGTERM")
    often.until(web2="up", within=6)
    eventually(lambda: relay.listings > listings, "the end of a listing")
    said = often.log.read_text()[told:]
    assert "the connection to docker" not in said
    assert "opened anew" not in said
    assert often.status()["events_connected"]  # type: ignore[index]


def test_inspects_of_12_seconds_hold_up_no_drain(watch: Watch, relay: Relay) -> None:
    """A container that is told to stop gets nothing more after a second, long before Docker describes it."""
    watch.run("web1", labels={"pool": "web"}, command=["--linger", "60s"])
    watch.run("web2", labels={"pool": "web"})
    watch.until(web1="up", web2="up")
    relay.slow(12, f"/containers/{watch.container('web1').id}/json")
    began = time.monotonic()
    watch.container("web1").kill("SIGTERM")
    watch.until(web1="draining", web2="up", within=8)
    assert time.monotonic() - began < 8
    watch.run("web3", labels={"pool": "web"})
    eventually(lambda: watch.servers().get("web3") == "up", "web3", within=5)
    assert set(watch.served_by(4)) == {"web2", "web3"}


def test_a_stream_without_a_header_is_no_reason_not_to_serve(watch: Watch, relay: Relay) -> None:
    """Docker is listed every 5 s until the first event opens the stream; `status` says so.

    It takes its 10 s: that is how long such a stream is waited for before it is a problem.
    """
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    relay.hold_events()
    watch.stop()
    watch.start()
    eventually(lambda: watch.served_by(2) == {"web1": 2}, "web1 to serve", within=5)
    eventually(lambda: "P601" in {p["code"] for p in watch.problems()} or watch.status()["events_connected"], "P601")  # type: ignore[index]
    watch.run("web2", labels={"pool": "web"})
    watch.until(web1="up", web2="up", within=10)
    eventually(lambda: (watch.status() or {})["events_connected"], "the stream")
    eventually(lambda: not watch.problems(), "the end of the problem")


def test_docker_is_noticed_within_a_second_after_its_return(watch: Watch, relay: Relay) -> None:
    """However long it was away, and so however long the pauses are by then.

    It takes its 12 s, after which a pause would be 4 to 8 s.
    """
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    relay.cut()
    eventually(lambda: not (watch.status() or {"events_connected": True})["events_connected"], "the loss to show")
    time.sleep(12)
    relay.up()
    eventually(lambda: (watch.status() or {})["events_connected"], "the return", within=1.5)


def test_a_socket_that_takes_only_get_is_enough_for_a_gateway_that_exists(watch: Watch, relay: Relay) -> None:
    """As root on the host: adopted, reloaded, followed; what the proxy refuses beside that is known without."""
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    watch.stop()
    relay.refuse(r"^(POST|PUT|DELETE) |/networks/|/images/|/_ping|/info")
    watch.start()
    watch.run("web2", labels={"pool": "web"})
    watch.run("web3", labels={"pool": "other", "host": "new.test"})
    watch.until("web", web1="up", web2="up")
    watch.until("other", web3="up")
    assert watch.served_by(2, host="new.test") == {"web3": 2}
    eventually(lambda: [p["code"] for p in watch.problems()] == ["P602"], "a word about the image")
    assert "refuses GET /images/" in watch.problems()[0]["reason"]
    relay.mend()
    relay.drop_connections()
    eventually(lambda: not watch.problems(), "its end")


def test_a_socket_that_takes_only_get_cannot_make_a_gateway(watch: Watch, relay: Relay) -> None:
    """One line says what is refused, and `watch` ends with 1: there is nothing that it could look after."""
    watch.stop()
    watch.gateway.remove(force=True)
    relay.refuse("^POST ")
    told = len(watch.log.read_text())
    watch.start(wait=False)
    assert watch.process is not None
    assert watch.process.wait(30) == 1
    said = " ".join(watch.log.read_text()[told:].split())
    assert "refuses POST /containers/create (403 Forbidden)" in said
    relay.mend()
    watch.start()


def test_a_refused_exec_says_what_depends_on_it(watch: Watch, relay: Relay) -> None:
    """Where proxyctl is not root on the host, it can change nothing without: the line says so, and what to allow."""
    relay.refuse("/exec ")
    with contextlib.closing(PatientClient(base_url=relay.host)) as client:
        access = DockerAccess(client, watch.network)
        said = r"refuses POST /containers/\S+/exec \(403 Forbidden\); .*Allow POST and EXEC"
        with pytest.raises(GatewayError, match=said):
            access.run_by_exec(["true"])


def test_without_events_docker_is_listed_every_five_seconds(watch: Watch, relay: Relay) -> None:
    """A proxy that refuses them leaves `watch` with listings: it follows, and `status` says what that costs."""
    watch.run("web1", labels={"pool": "web"})
    watch.until(web1="up")
    relay.refuse("/events")
    relay.drop_connections()
    eventually(lambda: [p["code"] for p in watch.problems()] == ["P601"], "the problem")
    assert "refuses GET /events (403 Forbidden)" in watch.problems()[0]["reason"]
    watch.run("web2", labels={"pool": "web"})
    watch.until(web1="up", web2="up", within=12)
    status = watch.status()
    assert status is not None
    assert (status["stale_reason"], status["events_connected"]) == (None, False)
    relay.mend()
    eventually(lambda: (watch.status() or {})["events_connected"] and not watch.problems(), "the stream")
