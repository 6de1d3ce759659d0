"""`proxyctl.operate.rollout`: new containers in the place of the old ones, or everything as before. In memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Unpack

import pytest

from proxyctl.api.port import Changes, Overridden
from proxyctl.core.model import Problem
from proxyctl.core.status import ServerState, Status
from proxyctl.errors import ContainerGone, ProxyctlError
from proxyctl.operate import rollout
from proxyctl.operate.rollout import Done, RolledBack, Rollout, Wish
from proxyctl.providers.docker.successor import Old, Successor
from tests import statuses


class Host:
    """A Docker and a `watch` in memory, with the containers web1 and web2 in pool web; notes what is done, in order.

    Implements `operate.port.Docker` and `Watch`. A new container's state in the pool is `joins[name]`, or `up`. Once
    all have been started, each question for the status does the next step of `later` first.
    """

    def __init__(self) -> None:
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

    def taken(self) -> tuple[set[str], dict[tuple[str, str], int]]:
        """Return the names that there are."""
        return set(self.states), {}

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
        return statuses.status(pool, problems=self.problems)

    def override(self, server: str, **changes: Unpack[Changes]) -> Overridden:
        """Drain a server."""
        self._do(f"drain {server}" if changes == {"drain": True} else f"override {server} {changes}")
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

    host: Host = dataclasses.field(default_factory=Host)
    interrupted: Callable[[], bool] = lambda: False
    said: list[str] = dataclasses.field(default_factory=list)

    def run(self, pool: str = "web", *, count: int | None = None, wait: float = 5.0) -> Done:
        """Run it to its end."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rollout, "time", Clock())
            made = Rollout(self.host, self.host, self.said.append, self.interrupted)
            return made.run(Wish(pool, "shop:2", count, wait))


ALL_NEW = ["look for shop:2", "make web1-r2", "start web1-r2", "make web2-r2", "start web2-r2"]


def test_the_old_ones_go_when_all_new_ones_serve() -> None:
    """Each old one is drained, stopped within the pool's drain and removed without its volumes, one after the other."""
    play = Play()
    assert play.run() == Done(("web1-r2", "web2-r2"), ("web1", "web2"))
    gone = [f"{verb} {name}{rest}" for name in ("web1", "web2") for verb, rest in PARTING]
    assert play.host.done == [*ALL_NEW, *gone]
    started = [f"{name}: started from shop:2" for name in ("web1-r2", "web2-r2")]
    assert play.said == [
        *started,
        "all new ones (2) serve after 0.0 s",
        *(f"{name}: drained, stopped and removed" for name in ("web1", "web2")),
    ]


PARTING = (("drain", ""), ("stop", " 30"), ("remove", ""))


def test_a_count_says_how_many_come() -> None:
    """Three for two: each old one has its successors in turn."""
    assert Play().run(count=3).new == ("web1-r2", "web2-r2", "web1-r3")


def away(host: Host) -> None:
    """Let no `watch` answer."""
    raise ProxyctlError("no `proxyctl watch` answers")


def becomes(name: str, state: ServerState) -> Callable[[Host], None]:
    """Let a new container be in another state from now on."""
    return lambda host: host.states.update({name: state})


def test_one_that_serves_late_is_waited_for() -> None:
    """Also while `watch` is away for a moment; each new one that serves before all do is told once."""
    play = Play()
    play.host.joins = {"web2-r2": "starting"}
    play.host.later = [away, lambda _: None, lambda _: None, becomes("web2-r2", "up")]
    assert play.run().new == ("web1-r2", "web2-r2")
    told = [line for line in play.said if "serve" in line]
    assert told == ["web1-r2: serves after 0.1 s", "all new ones (2) serve after 0.3 s"]


def test_all_new_ones_have_to_serve_at_the_same_time() -> None:
    """One that served and fails while the others start is not enough; requests may run on it, so it is drained."""
    play = Play()
    play.host.joins = {"web2-r2": "starting"}
    play.host.later = [lambda _: None, becomes("web1-r2", "down"), becomes("web2-r2", "up")]
    with pytest.raises(RolledBack, match=r"web1-r2 does not serve after 0\.25 s: it is down"):
        play.run(wait=0.25)
    assert {"drain web1-r2", "drain web2-r2"} <= set(play.host.done)


def test_without_an_answer_of_watch_a_new_one_may_have_served() -> None:
    """So each is stopped as one that has."""
    play = Play()
    play.host.later = [away] * 100
    with pytest.raises(RolledBack, match=r"does not serve after 0\.05 s: no `proxyctl watch` answers"):
        play.run(wait=0.05)
    assert {"stop web1-r2 30", "stop web2-r2 30"} <= set(play.host.done)


def test_a_stop_takes_as_long_as_the_drain_of_the_pool() -> None:
    """In whole seconds, as Docker takes them, and at least one."""
    for drain, seconds in ((4.6, 5), (0.1, 1)):
        play = Play()
        play.host.drain = drain
        play.run()
        assert f"stop web1 {seconds}" in play.host.done


def test_what_a_new_one_does_not_take_over_is_told() -> None:
    """Two containers cannot share a MAC address."""
    play = Play()
    play.host.mac = "02:42:ac:11:00:02"
    play.run()
    assert "web1-r2 gets another MAC address than web1: two containers cannot share one" in play.said


def test_one_that_serves_in_maintenance_serves() -> None:
    """A pool in maintenance is rolled out like any other."""
    play = Play()
    play.host.joins = {"web1-r2": "maintenance", "web2-r2": "maintenance"}
    assert play.run().old == ("web1", "web2")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        ({"joins": {"web2-r2": "down"}}, "web2-r2 does not serve after 0.05 s: it is down"),
        ({"joins": {"web2-r2": None}}, "web2-r2 does not serve after 0.05 s: it is not in the pool"),
        (
            {"joins": {"web2-r2": None}, "problems": (Problem("web2-r2", "", "its check fails", code="P206"),)},
            "web2-r2 does not serve after 0.05 s: its check fails",
        ),
        (
            {"joins": {"web2-r2": None}, "problems": (Problem("web2-r2", "", "an odd label", "warning", code="P107"),)},
            "web2-r2 does not serve after 0.05 s: it is not in the pool",
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
def test_when_a_new_one_does_not_serve_all_is_as_before(spoil: dict[str, Any], reason: str) -> None:
    """New ones are removed with their volumes, those that served are drained first; old ones are never touched."""
    play = Play()
    for name, value in spoil.items():
        setattr(play.host, name, value)
    with pytest.raises(RolledBack, match=f"^rolled back, the old ones serve on: {reason}$") as raised:
        play.run(wait=0.05)
    assert raised.value.exit_code == 4
    assert play.host.states == {"web1": "up", "web2": "up"}
    undone = [what for what in play.host.done if what.split()[0] in {"drain", "stop", "remove"}]
    assert undone == [
        "drain web1-r2",
        "stop web1-r2 30",
        "remove web1-r2 with its volumes",
        "remove web2-r2 with its volumes",
    ]


def test_a_container_that_is_gone_is_no_old_one() -> None:
    """`watch` may show a server for a moment after its container was removed, as right after another rollout."""
    play = Play()
    play.host.gone = {"web1"}
    assert play.run().old == ("web2",)


def test_what_cannot_be_begun_leaves_no_trace() -> None:
    """An unknown or empty pool, and a published port that two cannot share, are refused before anything is made."""
    play = Play()
    with pytest.raises(ProxyctlError, match="no pool is named wbe; known are web"):
        play.run("wbe")
    play.host.published = {"80/tcp": [{"HostPort": "8080"}]}
    with pytest.raises(ProxyctlError, match="web1 publishes host port 8080"):
        play.run()
    play.host.states = {}
    with pytest.raises(ProxyctlError, match="pool web has no container whose configuration a new one could take over"):
        play.run()
    assert play.host.done == []


def test_ctrl_c_before_all_serve_rolls_back() -> None:
    """The new ones are removed, and it is told that somebody wanted so."""
    play = Play()
    play.host.joins = {"web2-r2": "starting"}
    play.interrupted = lambda: "start web2-r2" in play.host.done
    with pytest.raises(RolledBack, match="interrupted"):
        play.run()
    assert play.host.states == {"web1": "up", "web2": "up"}


def test_ctrl_c_while_they_are_made_makes_no_more() -> None:
    """The one that is there already is removed."""
    play = Play()
    play.interrupted = lambda: "start web1-r2" in play.host.done
    with pytest.raises(RolledBack, match="interrupted"):
        play.run()
    assert "make web2-r2" not in play.host.done
    assert play.host.states == {"web1": "up", "web2": "up"}


def test_a_fault_of_proxyctl_leaves_no_new_ones() -> None:
    """They are removed, and the fault is not taken for a rollout that failed."""
    play = Play()

    def fault(_: Host) -> None:
        raise RuntimeError("a fault")

    play.host.later = [fault]
    with pytest.raises(RuntimeError, match="a fault"):
        play.run()
    assert play.host.states == {"web1": "up", "web2": "up"}


def test_a_new_one_that_cannot_be_removed_is_told() -> None:
    """And keeps no other one."""
    play = Play()
    play.host.joins = {"web1-r2": "down", "web2-r2": "down"}
    play.host.fails = {"remove web1-r2 with its volumes": "Docker does not answer"}
    with pytest.raises(RolledBack):
        play.run(wait=0.05)
    assert play.said[-2:] == ["web1-r2: could not be removed: Docker does not answer", "web2-r2: removed"]


def test_ctrl_c_after_that_names_the_old_ones_that_are_left() -> None:
    """There is no way back then: the new ones serve."""
    play = Play()
    play.interrupted = lambda: "remove web1" in play.host.done
    with pytest.raises(ProxyctlError, match=r"interrupted: the new ones serve, and .* still there: web2$"):
        play.run()
    assert play.host.states == {"web2": "up", "web1-r2": "up", "web2-r2": "up"}


def test_a_watch_that_is_away_does_not_keep_an_old_one() -> None:
    """The stop itself drains it, as any stop does."""
    play = Play()
    play.host.fails = {"drain web1": "no `proxyctl watch` answers"}
    assert play.run().old == ("web1", "web2")
    assert "stop web1 30" in play.host.done


def test_an_old_one_that_cannot_be_stopped_is_named() -> None:
    """With those after it, and with Docker's reason."""
    play = Play()
    play.host.fails = {"stop web1 30": "Docker does not answer"}
    with pytest.raises(ProxyctlError, match="still there: web1, web2: Docker does not answer"):
        play.run()
