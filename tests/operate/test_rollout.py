"""`proxyctl.operate.rollout`: new containers in the place of the old ones, or everything as before. In memory."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Unpack

import pytest

from proxyctl.api.client import NoWatch, WatchEnded
from proxyctl.api.port import Changes, Overridden
from proxyctl.core.model import Problem
from proxyctl.core.status import ServerState, Status
from proxyctl.errors import ContainerGone, DockerUnavailable, ProxyctlError
from proxyctl.operate import draining, rollout
from proxyctl.operate.rollout import Done, RolledBack, Rollout, Wish
from proxyctl.providers.docker.successor import Old, Others, Successor
from proxyctl.state import rollouts
from tests import statuses


class Host:
    """A Docker and a `watch` in memory, with the containers web1 and web2 in pool web; notes what is done, in order.

    Implements `operate.port.Docker` and `Watch`. A new container's state in the pool is `joins[name]`, or `up`. Once
    all have been started, each question for the status does the next step of `later` first. A server in `busy` runs
    that many questions longer. `second` are the states in a further pool of the same containers.
    """

    def __init__(self, state: Path) -> None:
        self.state = state
        self.busy: dict[str, int] = {}
        self.second: dict[str, ServerState] = {}
        self.raises: dict[str, list[Exception]] = {}
        self.done: list[str] = []
        self.states: dict[str, ServerState] = {"web1": "up", "web2": "up"}
        self.joins: dict[str, ServerState | None] = {}
        self.ends: dict[str, str] = {}
        self.problems: tuple[Problem, ...] = ()
        self.published: dict[str, Any] = {}
        self.fails: dict[str, str] = {}
        self.later: list[Callable[[Host], object]] = []
        self.reasons: dict[str, str] = {}
        self.drain = 30.0
        self.mac = ""
        self.gone: set[str] = set()

    def _do(self, what: str) -> None:
        if self.raises.get(what):
            raise self.raises[what].pop(0)
        if what in self.fails:
            raise ProxyctlError(self.fails[what])
        self.done.append(what)

    # ------------------------------------------------------------------ Docker

    def old(self, id_: str) -> Old:
        """Return a plain container."""
        name = id_.removeprefix("id-")
        if name in self.gone:
            raise ContainerGone(name)
        host = {"PortBindings": self.published, "NetworkMode": "web"}
        config = {"MacAddress": self.mac} if self.mac else {}
        inspect = {"Id": id_, "Name": f"/{name}", "Config": config, "HostConfig": host, "NetworkSettings": {}}
        return Old({**inspect, "NetworkSettings": {"Networks": {"web": {}}}}, {})

    def image_id(self, image: str) -> str:
        """Find it here."""
        self._do(f"look for {image}")
        return "sha256:new"

    def others(self) -> Others:
        """Return the names that there are."""
        return Others(frozenset(self.states))

    def config_hash(self, old: Old, image: str) -> str:
        """Return none: nobody here is compose's."""
        return ""

    def make(self, successor: Successor) -> str:
        """Make one."""
        self._do(f"make {successor.name}")
        return f"id-{successor.name}"

    def start(self, id_: str, name: str) -> None:
        """Start one, which is in the pool then."""
        self._do(f"start {name}")
        state = self.joins.get(name, "up")
        if state is not None:
            self.states[name] = state

    def end(self, id_: str) -> str:
        """Return how it ended."""
        if self.raises.get("end"):
            raise self.raises["end"].pop(0)
        return self.ends.get(id_.removeprefix("id-"), "")

    def stop(self, id_: str, seconds: int) -> None:
        """Stop one, which leaves the pool then."""
        self._do(f"stop {id_.removeprefix('id-')} {seconds}")
        self.states.pop(id_.removeprefix("id-"), None)

    def remove(self, id_: str, *, volumes: bool) -> None:
        """Remove one."""
        self._do(f"remove {id_.removeprefix('id-')}" + " with its volumes" * volumes)
        self.states.pop(id_.removeprefix("id-"), None)

    # ------------------------------------------------------------------ watch

    def status(self) -> Status:
        """Return the pool."""
        if self.later and "start web2-r2" in self.done:
            self.later.pop(0)(self)
        servers = tuple(statuses.server(n, state=s, reason=self.reasons.get(n, "")) for n, s in self.states.items())
        pool = dataclasses.replace(statuses.pool("web"), servers=servers, drain_seconds=self.drain)
        further = dataclasses.replace(
            statuses.pool("api"), servers=tuple(statuses.server(n, state=s) for n, s in self.second.items())
        )
        return statuses.status(pool, *[further] * bool(self.second), problems=self.problems)

    def finished(self, server: str) -> bool:
        """Return whether nothing runs on a server any more."""
        self.busy[server] = self.busy.get(server, 0) - 1
        return self.busy[server] < 0

    def override(self, server: str, **changes: Unpack[Changes]) -> Overridden:
        """Drain a server."""
        self._do(f"{'drain' if changes['drain'] else 'ready'} {server}")
        if server in self.states:
            self.states[server] = "draining" if changes["drain"] else "up"
        return Overridden(server, ("web",), (), draining=True, changes=changes)


class Clock:
    """Stands for the module `time`: a sleep takes no time."""

    now = 1000.0

    def monotonic(self) -> float:
        """Return the seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let them pass."""
        self.now += seconds


@dataclasses.dataclass
class Play:
    """One rollout on a host, and what it said."""

    host: Host
    interrupted: Callable[[], bool] = lambda: False
    said: list[str] = dataclasses.field(default_factory=list)

    def run(self, pool: str = "web", *, count: int | None = None, wait: float = 5.0) -> Done:
        """Run it to its end."""
        with pytest.MonkeyPatch.context() as patch:
            clock = Clock()
            patch.setattr(rollout, "time", clock)
            patch.setattr(draining, "time", clock)
            made = Rollout(self.host, self.host, self.said.append, self.interrupted)
            return made.run(Wish(pool, "shop:2", count, wait))


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """A rollout that was not run yet."""
    return Play(Host(tmp_path))


ALL_NEW = ["look for shop:2", "make web1-r2", "start web1-r2", "make web2-r2", "start web2-r2"]
PARTING = (("drain", ""), ("stop", " 0"), ("remove", ""))


def test_the_old_ones_go_when_all_new_ones_serve(play: Play) -> None:
    """Each old one is drained, stopped and removed without its volumes, one after the other."""
    assert play.run() == Done(("web1-r2", "web2-r2"), ("web1", "web2"))
    gone = [f"{verb} {name}{rest}" for name in ("web1", "web2") for verb, rest in PARTING]
    assert play.host.done == [*ALL_NEW, *gone]
    started = [f"{name}: started from shop:2" for name in ("web1-r2", "web2-r2")]
    assert play.said == [
        *started,
        "all new ones (2) serve after 0.0 s",
        *(f"{name}: drained, stopped and removed" for name in ("web1", "web2")),
    ]


def test_a_count_says_how_many_come(play: Play) -> None:
    """Three for two: each old one has its successors in turn."""
    assert play.run(count=3).new == ("web1-r2", "web2-r2", "web1-r3")


def away(host: Host) -> None:
    """Let no `watch` answer."""
    raise NoWatch("no `proxyctl watch` answers")


def becomes(name: str, state: ServerState) -> Callable[[Host], None]:
    """Let a new container be in another state from now on."""
    return lambda host: host.states.update({name: state})


def test_one_that_serves_late_is_waited_for(play: Play) -> None:
    """Also while `watch` is away for a moment; each new one that serves before all do is told once."""
    play.host.joins = {"web2-r2": "starting"}
    play.host.later = [away, lambda _: None, lambda _: None, becomes("web2-r2", "up")]
    assert play.run().new == ("web1-r2", "web2-r2")
    told = [line for line in play.said if "serve" in line]
    assert told == ["web1-r2: serves after 0.1 s", "all new ones (2) serve after 0.3 s"]


def test_all_new_ones_have_to_serve_at_the_same_time(play: Play) -> None:
    """One that served and fails while the others start is not enough; requests may run on it, so it is drained."""
    play.host.joins = {"web2-r2": "starting"}
    play.host.later = [lambda _: None, becomes("web1-r2", "down"), becomes("web2-r2", "up")]
    with pytest.raises(RolledBack, match=r"web1-r2 does not serve after 0\.25 s: it is down"):
        play.run(wait=0.25)
    assert {"drain web1-r2", "drain web2-r2"} <= set(play.host.done)


def test_a_new_one_has_to_serve_wherever_the_old_one_does(play: Play) -> None:
    """A container may be in several pools: none of them is left without it."""
    play.host.second = {"web1": "up", "web2": "down"}
    with pytest.raises(RolledBack, match=r"web1-r2 does not serve after 0\.05 s: it is not in pool api"):
        play.run(wait=0.05)
    play.host.second |= {"web1-r2": "up"}
    assert play.run().new == ("web1-r2", "web2-r2")


def test_a_watch_that_dies_before_all_serve_rolls_back(play: Play) -> None:
    """Without its answer each new one may have served, so each is given the pool's drain to end."""
    play.host.later = [away] * 1000
    with pytest.raises(RolledBack, match=r"does not serve after 0\.05 s: no `proxyctl watch` answers"):
        play.run(wait=0.05)
    assert {"stop web1-r2 0", "stop web2-r2 0"} <= set(play.host.done)
    play.host.done.clear()
    play.host.fails = {f"drain {name}": "no `proxyctl watch` answers" for name in ("web1-r2", "web2-r2")}
    play.host.drain = 4.6
    with pytest.raises(RolledBack):
        play.run(wait=0.05)
    assert {"stop web1-r2 5", "stop web2-r2 5"} <= set(play.host.done)


def test_what_a_new_one_does_not_take_over_is_told(play: Play) -> None:
    """Two containers cannot share a MAC address."""
    play.host.mac = "02:42:ac:11:00:02"
    play.run()
    assert "web1-r2 gets another MAC address than web1: two containers cannot share one" in play.said


def test_one_that_serves_in_maintenance_serves(play: Play) -> None:
    """A pool in maintenance is rolled out like any other."""
    play.host.joins = {"web1-r2": "maintenance", "web2-r2": "maintenance"}
    assert play.run().old == ("web1", "web2")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        ({"joins": {"web2-r2": "down"}}, "web2-r2 does not serve after 0.05 s: it is down"),
        ({"joins": {"web2-r2": None}}, "web2-r2 does not serve after 0.05 s: it is not in pool web"),
        (
            {"joins": {"web2-r2": None}, "problems": (Problem("web2-r2", "", "its check fails", code="P206"),)},
            "web2-r2 does not serve after 0.05 s: its check fails",
        ),
        (
            {"joins": {"web2-r2": None}, "problems": (Problem("web2-r2", "", "an odd label", "warning", code="P107"),)},
            "web2-r2 does not serve after 0.05 s: it is not in pool web",
        ),
        (
            {"joins": {"web2-r2": "down"}, "reasons": {"web2-r2": "its check got 503"}},
            "web2-r2 does not serve after 0.05 s: its check got 503",
        ),
        (
            {"joins": {"web2-r2": "starting"}, "ends": {"web2-r2": "it ended with exit code 1"}},
            "web2-r2: it ended with exit code 1",
        ),
        ({"fails": {"start web2-r2": "no space"}}, "no space"),
    ],
)
def test_when_a_new_one_does_not_serve_all_is_as_before(play: Play, spoil: dict[str, Any], reason: str) -> None:
    """New ones are removed with their volumes, those that served are drained first; old ones are never touched."""
    for name, value in spoil.items():
        setattr(play.host, name, value)
    with pytest.raises(RolledBack, match=f"^rolled back, the old ones serve on: {reason}$") as raised:
        play.run(wait=0.05)
    assert raised.value.exit_code == 4
    assert play.host.states == {"web1": "up", "web2": "up"}
    undone = [what for what in play.host.done if what.split()[0] in {"drain", "stop", "remove"}]
    assert undone == [
        "drain web1-r2",
        "stop web1-r2 0",
        "remove web1-r2 with its volumes",
        "remove web2-r2 with its volumes",
    ]


def test_a_container_that_is_gone_is_no_old_one(play: Play) -> None:
    """`watch` may show a server for a moment after its container was removed, as right after another rollout."""
    play.host.gone = {"web1"}
    assert play.run().old == ("web2",)


def test_what_cannot_be_begun_leaves_no_trace(play: Play) -> None:
    """An unknown or empty pool, and a published port that two cannot share, are refused before anything is made."""
    with pytest.raises(ProxyctlError, match="no pool is named wbe; known are web"):
        play.run("wbe")
    play.host.published = {"80/tcp": [{"HostPort": "8080"}]}
    with pytest.raises(ProxyctlError, match="web1 publishes host port 8080"):
        play.run()
    play.host.states = {}
    with pytest.raises(ProxyctlError, match="pool web has no container whose configuration a new one could take over"):
        play.run()
    assert play.host.done == []


# ------------------------------------------------------------------ the drain


def test_nothing_is_stopped_while_requests_run_on_it(play: Play) -> None:
    """However long they take, up to the pool's drain: then it is told, and the container is stopped."""
    play.host.busy = {"web1": 50, "web2": 10_000}
    play.run()
    assert play.host.busy["web1"] == -1, "asked until it said so"
    notice = "web2: its drain of 30 s is over, and something still runs on it"
    assert [line for line in play.said if "drain of" in line] == [notice]


def test_no_answer_about_what_runs_is_not_taken_for_nothing(play: Play) -> None:
    """The proxy may be silent for a moment: the wait goes on, for the pool's drain."""
    play.host.drain = 0.2
    answers: list[bool | Exception] = [ProxyctlError("HAProxy does not answer"), False, True]

    def finished(_: str) -> bool:
        answer = answers.pop(0) if answers else True
        if isinstance(answer, Exception):
            raise answer
        return answer

    play.host.finished = finished  # type: ignore[assignment, method-assign]
    play.run()
    assert answers == []


@pytest.mark.parametrize("away", [NoWatch, WatchEnded])
def test_a_drain_is_asked_for_again_while_watch_starts_anew(play: Play, away: type[Exception]) -> None:
    """For `CONFIRMED` seconds: its drain is confirmed before the old one is stopped."""
    play.host.raises = {"drain web1": [away("no `proxyctl watch` answers")] * 100}
    assert play.run().old == ("web1", "web2")
    assert play.host.done.index("drain web1") < play.host.done.index("stop web1 0")


def test_an_old_one_whose_drain_is_not_confirmed_is_not_stopped(play: Play) -> None:
    """All is as before: no `watch` has heard of it, so there is nothing to take back, and the new ones go."""
    play.host.raises = {"drain web1": [NoWatch("no `proxyctl watch` answers")] * 1000}
    with pytest.raises(RolledBack, match="on: web1: the proxy has not confirmed its drain: no `proxyctl watch`"):
        play.run()
    assert play.host.states == {"web1": "up", "web2": "up"}
    assert "ready web1" not in play.host.done


def test_a_drain_that_the_proxy_does_not_do_is_taken_back(play: Play) -> None:
    """`watch` has kept it, so it would come true later."""
    play.host.fails = {"drain web1": "the proxy has not done it within 6 s, the decision is kept"}
    with pytest.raises(RolledBack, match="web1: the proxy has not confirmed its drain: the proxy has not done it"):
        play.run()
    assert play.host.states == {"web1": "up", "web2": "up"}
    assert play.host.done.index("ready web1") < play.host.done.index("remove web1-r2 with its volumes")


def test_the_new_ones_stay_while_the_old_ones_may_drain(play: Play) -> None:
    """Else nobody would serve: a `watch` that died may have kept the drain."""
    play.host.raises = {"drain web1": [WatchEnded("it ended")] * 1000, "ready web1": [NoWatch("nobody")] * 1000}
    with pytest.raises(
        ProxyctlError, match="the new ones stay, and the old ones \\(web1, web2\\), of which web1"
    ) as raised:
        play.run()
    assert not isinstance(raised.value, RolledBack)
    assert set(play.host.states) == {"web1", "web2", "web1-r2", "web2-r2"}


def test_an_old_one_that_has_left_the_proxy_needs_no_drain(play: Play) -> None:
    """Somebody removed it meanwhile: no server has its name, while others are known."""

    def gone(host: Host) -> None:
        host.states.pop("web1", None)

    play.host.later = [gone]
    play.host.fails = {"drain web1": "no server is named web1; known are web2"}
    assert play.run().old == ("web1", "web2")


def test_what_an_operator_drained_stays_drained_when_the_rollout_fails(play: Play) -> None:
    """Only what the rollout itself asked for is taken back."""
    play.host.states["web1"] = "draining"
    play.host.fails = {"drain web1": "the proxy has not done it"}
    with pytest.raises(RolledBack):
        play.run()
    assert "ready web1" not in play.host.done


# ------------------------------------------------------------------ interrupted, or cut off


def test_ctrl_c_before_all_serve_rolls_back(play: Play) -> None:
    """The new ones are removed, and it is told that somebody wanted so."""
    play.host.joins = {"web2-r2": "starting"}
    play.interrupted = lambda: "start web2-r2" in play.host.done
    with pytest.raises(RolledBack, match="interrupted"):
        play.run()
    assert play.host.states == {"web1": "up", "web2": "up"}


def test_ctrl_c_while_they_are_made_makes_no_more(play: Play) -> None:
    """The one that is there already is removed."""
    play.interrupted = lambda: "start web1-r2" in play.host.done
    with pytest.raises(RolledBack, match="interrupted"):
        play.run()
    assert "make web2-r2" not in play.host.done
    assert play.host.states == {"web1": "up", "web2": "up"}


def test_ctrl_c_while_the_first_one_drains_rolls_back(play: Play) -> None:
    """It takes requests again before the new ones go."""
    play.host.busy = {"web1": 10_000}
    play.interrupted = lambda: "drain web1" in play.host.done
    with pytest.raises(RolledBack, match="interrupted"):
        play.run()
    assert play.host.states == {"web1": "up", "web2": "up"}
    assert play.host.done.index("ready web1") < play.host.done.index("remove web1-r2 with its volumes")


def test_ctrl_c_after_that_names_the_old_ones_that_are_left(play: Play) -> None:
    """There is no way back then: the new ones serve."""
    play.interrupted = lambda: "remove web1" in play.host.done
    left = (
        "^interrupted; the new ones serve, and these old ones are still there: web2: `docker rm --force web2` removes"
    )
    with pytest.raises(ProxyctlError, match=left):
        play.run()
    assert play.host.states == {"web2": "up", "web1-r2": "up", "web2-r2": "up"}


def test_a_fault_of_proxyctl_leaves_no_new_ones(play: Play) -> None:
    """They are removed, and the fault is not taken for a rollout that failed."""

    def fault(_: Host) -> None:
        raise RuntimeError("a fault")

    play.host.later = [fault]
    with pytest.raises(RuntimeError, match="a fault"):
        play.run()
    assert play.host.states == {"web1": "up", "web2": "up"}


def test_docker_that_is_away_for_a_moment_is_waited_for(play: Play) -> None:
    """A new one that nobody can ask about may run; one that has to go goes once Docker is back."""
    play.host.joins = {"web2-r2": "starting"}
    play.host.raises = {
        "end": [DockerUnavailable("Docker does not answer")] * 3,
        "remove web1-r2 with its volumes": [DockerUnavailable("Docker does not answer")] * 20,
    }
    with pytest.raises(RolledBack, match=r"on: web2-r2 does not serve after 5 s: it is starting$"):
        play.run()
    assert play.host.states == {"web1": "up", "web2": "up"}


def test_a_container_whose_making_was_not_answered_is_removed_by_its_name(play: Play) -> None:
    """It may be there. Where Docker refused, the name may be that of somebody else's."""
    play.host.raises = {"make web2-r2": [DockerUnavailable("Docker's connection broke off")]}
    with pytest.raises(RolledBack, match="broke off"):
        play.run()
    assert "remove web2-r2 with its volumes" in play.host.done
    play.host.done.clear()
    play.host.raises = {"make web2-r2": [ProxyctlError("the name is in use")]}
    with pytest.raises(RolledBack, match="in use"):
        play.run()
    assert "remove web2-r2 with its volumes" not in play.host.done


def test_a_new_one_that_cannot_be_removed_is_told(play: Play) -> None:
    """With the command for later; it keeps no other one."""
    play.host.joins = {"web1-r2": "down", "web2-r2": "down"}
    play.host.fails = {"remove web1-r2 with its volumes": "Docker does not answer"}
    with pytest.raises(
        RolledBack, match=r"; `docker rm --force --volumes web1-r2` removes what is left of the new ones$"
    ):
        play.run(wait=0.05)
    assert play.said[-2:] == ["web1-r2: could not be removed: Docker does not answer", "web2-r2: removed"]


def test_an_old_one_that_cannot_be_stopped_is_named(play: Play) -> None:
    """With those after it, and with Docker's reason."""
    play.host.fails = {"stop web1 0": "Docker does not answer"}
    with pytest.raises(
        ProxyctlError, match=r"^Docker does not answer; the new ones serve, .* still there: web1, web2:"
    ):
        play.run()


# ------------------------------------------------------------------ two at once


def test_a_second_rollout_of_a_pool_is_refused(play: Play) -> None:
    """With who has it and since when; nothing is begun. So is one of a pool that shares containers with it."""
    play.host.second = {"web1": "up"}
    for other in ("web", "api"):
        with rollouts.held(play.host.state, {other}, "to shop:9"), pytest.raises(ProxyctlError) as raised:
            play.run()
        told = rf"pool {other} is being rolled out already, by process {os.getpid()} since 20.* UTC \(to shop:9\): wait"
        assert re.match(told, str(raised.value))
        assert play.host.done == []
    with rollouts.held(play.host.state, {"elsewhere"}, "to shop:9"):
        play.host.second = {}
        assert play.run().new
