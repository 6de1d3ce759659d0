"""After any sequence of changes and faults, what is applied is what the true world asks for.

The real source, reconciler and applier, between a fake engine on the wire and ports in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from proxyctl.core import crashes
from proxyctl.core.decide.desired import desired
from proxyctl.core.labels.declaration import Options
from proxyctl.core.model import Desired, Features, Server, Target, Tuning
from proxyctl.engines import templates
from proxyctl.providers.docker.source import DockerSource
from proxyctl.reconcile.apply import Applier
from proxyctl.reconcile.journal import Journal
from proxyctl.reconcile.ports import Ports
from proxyctl.reconcile.reconciler import Reconciler
from proxyctl.reconcile.refusals import Refusals
from proxyctl.state.generations import GenerationFolder
from proxyctl.state.overrides import Overrides
from proxyctl.state.port import Inputs
from tests.core.worlds import HAPROXY, NGINX, rules, state_of
from tests.in_memory import (
    GATEWAY,
    MemoryEngine,
    MemoryGateway,
    MemoryProber,
    MemoryResolver,
    MemoryRoad,
    MemorySevering,
)
from tests.providers.docker.fake_engine import HOWS, UNCLOSED, FakeEngine, running
from tests.providers.docker.following import NET, following, forgiving, fresh, one_resync, until
from tests.providers.docker.world import Box

pytestmark = pytest.mark.filterwarnings(UNCLOSED)

INPUTS = {f: Inputs(Options(), Tuning(), templates.load(f.engine, None), "0" * 32) for f in (HAPROXY, NGINX)}
RESYNC = 0.05
Key = tuple[str, str, str, int, int]
"""Pool, name, address, port and weight of a server."""


class Stage:
    """A world, who watches it, and what can happen: each step has a number that says to whom or how long."""

    def __init__(self, docker: FakeEngine, features: Features, folder: Path) -> None:
        self.docker, self.world, self.features = docker, docker.world, features
        self.folder = folder
        generations = GenerationFolder(folder / "proxy")
        generations.prepare()
        self.engine = MemoryEngine(features, generations)
        self.refusals = Refusals()
        self.applier = Applier(self.engine, generations, self.refusals)
        self.source: DockerSource
        self.joined: dict[tuple[str, str], int] = {}
        self.wrongs: list[str] = []
        self.engine.applied.append(self._judge)
        self._made = 0

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Run source and reconciler beside the block."""
        holder: list[Reconciler] = []

        def wake(reason: str) -> None:
            for reconciler in holder:
                reconciler.wake(reason)

        prober = MemoryProber(self._answers, wake)
        self.world.tell.append(lambda _: prober.look())
        async with following(self.docker, resync=RESYNC, wake=wake) as self.source:
            ports = Ports(
                source=self.source,
                resolver=MemoryResolver(self._addresses),
                prober=prober,
                gateway=MemoryGateway(lambda: self.docker.reachable),
                gateway_id=lambda: GATEWAY,
                road=MemoryRoad(),
                engine=self.engine,
                severing=MemorySevering(),
                overrides=Overrides(self.folder),
                pin=lambda: None,
                read_inputs=lambda: INPUTS[self.features],
                grace=10,
            )
            made = rules(self.features)
            reconciler = Reconciler(ports, self.applier, self.refusals, made, Journal(), spacing=0, resync=RESYNC)
            holder.append(reconciler)
            wake("start")
            task = asyncio.create_task(reconciler.run())
            try:
                yield
                assert not task.done(), task.exception()
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    # ------------------------------------------------------------------ what is true

    def wanted(self) -> set[Key]:
        """Return the servers that the truth asks for, without any of the code that is tested."""
        return {_key(box) for box in self._asking() if box.well}

    def wanted_or_not(self) -> set[Key]:
        """Return those that are being stopped: whoever missed that event cannot know it."""
        return {_key(box) for box in self._asking() if box.stopping}

    def _asking(self) -> list[Box]:
        boxes = self.world.boxes.values()
        return [b for b in boxes if "proxyctl.enable" in b.labels and b.networks.get(NET)]

    def serving(self) -> set[Key]:
        """Return the servers that get requests from the proxy."""
        return {
            (p.name, s.name, s.address, s.port, s.weight)
            for p in self.engine.does.pools
            for s in p.servers
            if not s.draining
        }

    def settled(self) -> bool:
        """Whether the proxy does what is true, and looking again would change nothing."""
        assert self.source.snapshot is not None
        serving, wanted = self.serving(), self.wanted()
        if not wanted <= serving <= wanted | self.wanted_or_not():
            return False
        previous = self.applier.applied.desired if self.applier.applied else Desired()
        options = INPUTS[self.features].options
        again = desired(state_of(self.source.snapshot, options=options, features=self.features, previous=previous))
        return self.applier.applied is not None and again.desired == self.applier.applied.desired

    def _answers(self, target: Target) -> bool:
        return any(b.state == "running" and target.address in b.networks.values() for b in self.world.boxes.values())

    def _addresses(self) -> dict[str, str]:
        """What Docker's DNS says on the network: names and short ids of those that run."""
        boxes = [b for b in self.world.boxes.values() if b.networks.get(NET)]
        return {name: b.networks[NET] for b in boxes for name in (b.name, b.id[:12])}

    def _judge(self, before: Desired, after: Desired) -> None:
        """Note every server that loses its requests though it should have them, and should all the time."""
        had, has = _live(before), _live(after)
        for key in had.keys() - has.keys():
            box = self.world.boxes.get(had[key].container)
            still = box is not None and box.well and key == (box.name, box.networks.get(NET))
            if had[key].container in self.world.oomed and had[key].container in self.source._stopping:
                continue  # Docker may tell it late, when others have seen it run: it may end all the same
            if still and self.world.left.get(key, -1) < self.joined[key]:
                self.wrongs.append(f"{key} lost its requests at {self.world.age}, had them since {self.joined[key]}")
        self.joined |= dict.fromkeys(has.keys() - had.keys(), self.world.age)

    # ------------------------------------------------------------------ changes

    def run(self, n: int) -> None:
        """A new container; every fifth asks for nothing, every third has a HEALTHCHECK."""
        self._made += 1
        pool = "web" if n % 2 else "api"
        labels = {"proxyctl.pool": pool, "proxyctl.path": f"/{pool}", "proxyctl.weight": str(1 + n % 3)}
        if n != 4:
            labels["proxyctl.enable"] = "true"
        self.world.run(f"box{self._made}", NET, labels, checked=n % 3 == 0)

    def start(self, n: int) -> None:
        """Start one that has ended."""
        self._pick(n, lambda b: not b.up, self.world.start)

    def stop(self, n: int) -> None:
        """`docker stop`."""
        self._pick(n, lambda b: b.state == "running", self.world.stop)

    def term(self, n: int) -> None:
        """The beginning of a stop."""
        self._pick(n, lambda b: b.state == "running", lambda b: self.world.signal(b, 15))

    def hup(self, n: int) -> None:
        """Another signal."""
        self._pick(n, lambda b: b.state == "running", lambda b: self.world.signal(b, 1))

    def die(self, n: int) -> None:
        """Its end, of itself or after a stop signal."""
        self._pick(n, lambda b: b.state == "running", self.world.die)

    def kill(self, n: int) -> None:
        """`docker kill`."""
        self._pick(n, lambda b: b.up, self.world.kill)

    def restart(self, n: int) -> None:
        """`docker restart`."""
        self._pick(n, lambda b: b.state == "running", self.world.restart)

    def pause(self, n: int) -> None:
        """`docker pause`."""
        self._pick(n, lambda b: b.state == "running" and not b.stopping, self.world.pause)

    def unpause(self, n: int) -> None:
        """`docker unpause`."""
        self._pick(n, lambda b: b.state == "paused", self.world.unpause)

    def oom(self, n: int) -> None:
        """It runs out of memory and survives."""
        self._pick(n, lambda b: b.state == "running", self.world.oom)

    def rename(self, n: int) -> None:
        """`docker rename`."""
        self._made += 1
        self._pick(n, lambda b: True, lambda b: self.world.rename(b, f"box{self._made}"))

    def remove(self, n: int) -> None:
        """`docker rm --force`."""
        self._pick(n, lambda b: True, self.world.remove)

    def recreate(self, n: int) -> None:
        """The same name with another weight, as `docker compose up` does."""

        def again(box: Box) -> None:
            self.world.remove(box)
            self.world.run(box.name, NET, {**box.labels, "proxyctl.weight": str(1 + n)}, checked=box.checked)

        self._pick(n, lambda b: True, again)

    def health(self, n: int) -> None:
        """The HEALTHCHECK changes its mind."""
        self._pick(
            n,
            lambda b: b.checked and b.state == "running",
            lambda b: self.world.become(b, "unhealthy" if b.health == "healthy" else "healthy"),
        )

    def disconnect(self, n: int) -> None:
        """`docker network disconnect`."""
        self._pick(n, lambda b: NET in b.networks, lambda b: self.world.disconnect(b, NET))

    def connect(self, n: int) -> None:
        """`docker network connect`, to the network or to another one."""
        network = NET if n % 2 else "elsewhere"
        self._pick(n, lambda b: network not in b.networks, lambda b: self.world.connect(b, network))

    def _pick(self, n: int, fits: Callable[[Box], bool], change: Callable[[Box], object]) -> None:
        boxes = [b for b in self.world.boxes.values() if fits(b)]
        if boxes:
            change(boxes[n % len(boxes)])

    # ------------------------------------------------------------------ faults

    def end_streams(self, n: int) -> None:
        """The event stream ends."""
        self.docker.end_streams(cut=n % 2 == 0)

    def lose(self, n: int) -> None:
        """Events are lost."""
        self.docker.lose(n)

    def repeat(self, n: int) -> None:
        """Events come twice."""
        self.docker.repeat(n)

    def shuffle(self, n: int) -> None:
        """Events come in another order."""
        self.docker.shuffle(n)

    def delay(self, n: int) -> None:
        """Events come late."""
        self.docker.delay(n * 0.02)

    def silence(self, n: int) -> None:
        """The stream says nothing more."""
        self.docker.silence()

    def babble(self, n: int) -> None:
        """The stream says something that is no JSON."""
        self.docker.babble()

    def no_list(self, n: int) -> None:
        """Listings fail."""
        self.docker.trouble(HOWS[n % len(HOWS)], ("list",))

    def no_inspect(self, n: int) -> None:
        """Inspects fail."""
        self.docker.trouble(HOWS[n % len(HOWS)], ("inspect",))

    def no_events(self, n: int) -> None:
        """No new stream can be opened."""
        self.docker.trouble(HOWS[n % len(HOWS)], ("events",))

    def nothing(self, n: int) -> None:
        """Every request fails."""
        self.docker.trouble(HOWS[n % len(HOWS)])

    def vanish(self, n: int) -> None:
        """The socket goes, or nobody listens."""
        self.docker.vanish() if n % 2 else self.docker.refuse()

    def heal(self, n: int) -> None:
        """All faults end."""
        self.docker.heal()


CHANGES = (
    *("run", "start", "stop", "term", "hup", "die", "kill", "restart", "pause", "unpause", "rename", "remove"),
    *("recreate", "health", "disconnect", "connect", "oom"),
)
FAULTS = (
    *("end_streams", "lose", "repeat", "shuffle", "delay", "silence", "babble"),
    *("no_list", "no_inspect", "no_events", "nothing", "vanish", "heal"),
)
Step = tuple[str, int]
Round = tuple[Step, list[Step], int]
"""A fault, then changes, then how long the others have, in hundredths of a second."""

NUMBERS = st.integers(0, 19)
ROUND = st.tuples(
    st.tuples(st.sampled_from(FAULTS), NUMBERS),
    st.lists(st.tuples(st.sampled_from(CHANGES), NUMBERS), max_size=4),
    st.sampled_from([0, 1, 3, 8, 12]),
)
ROUNDS = st.tuples(ROUND, ROUND, ROUND, ROUND, ROUND)


def _key(box: Box) -> Key:
    pool, weight = box.labels["proxyctl.pool"], int(box.labels["proxyctl.weight"])
    return pool, box.name, box.networks[NET], 80, weight


def _live(state: Desired) -> dict[tuple[str, str], Server]:
    return {(s.name, s.address): s for p in state.pools for s in p.servers if not s.draining}


async def play(docker: FakeEngine, features: Features, rounds: tuple[Round, ...]) -> None:
    """Do what the rounds say, end the faults, and hold the outcome against the truth."""
    stage = Stage(docker, features, docker.path.parent)
    for n in range(6):
        stage.run(n)
    async with stage.watched():
        await until(stage.settled, "the first servers")
        for fault, changes, pace in rounds:
            for name, n in (fault, *changes):
                getattr(stage, name)(n)
            await asyncio.sleep(pace / 100)  # not a wait: how far the others come is part of the sequence
        docker.heal()
        await one_resync(stage.source)
        await one_resync(stage.source)  # what a late event was about during the first counts for that one
        await until(lambda: stage.source._stopping.due == math.inf, "the end of every doubt about memory")
        assert forgiving(stage.source.snapshot, docker) == forgiving(await fresh(docker), docker)
        await until(stage.settled, f"{sorted(stage.wanted())} instead of {sorted(stage.serving())}")
        assert stage.wrongs == []


QUIET: Round = (("repeat", 0), [], 12)


# No shrinking: how a sequence ends depends on the machine's pace too, so what is smaller need not fail.
@settings(max_examples=20, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate])
@given(st.sampled_from([HAPROXY, NGINX]), ROUNDS)
@example(HAPROXY, ((("no_list", 0), [], 12),))
@example(NGINX, ((("no_list", 3), [], 12),))
@example(HAPROXY, ((("no_inspect", 0), [("hup", 0), ("hup", 1)], 12),))
@example(HAPROXY, ((("shuffle", 7), [("restart", 1)], 12),))
@example(HAPROXY, (QUIET, (("silence", 0), [("stop", 1), ("run", 1)], 12)))
@example(NGINX, ((("vanish", 1), [("kill", 1), ("run", 1), ("recreate", 2)], 12), QUIET))
def test_after_any_sequence_what_is_applied_is_what_is_true(
    tmp_path_factory: pytest.TempPathFactory, features: Features, rounds: tuple[Round, ...]
) -> None:
    """One resync after the last fault the snapshot is the true one and the proxy serves exactly who should.

    And meanwhile no server lost its requests that had served all the time. Takes 15 s: each of some 26 sequences
    goes on until a resync after its last fault.
    """
    with (
        running(tmp_path_factory.mktemp("fake") / "docker.sock", timeout=0.15) as docker,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(crashes, "LEAST", 0.0)  # a crash loop waits for twice as long as it ran: for no time here
        asyncio.run(play(docker, features, rounds))
