"""The ports in memory, for tests of what happens between them: an engine that holds a `Desired` and does plans.

Honest ones: they raise and answer as their Protocols say, and keep what the real ones keep. What is true comes from
the fake Docker's `World`, or from the test.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping

from proxyctl.core.model import (
    ConfigFiles,
    Desired,
    Features,
    Finding,
    Pool,
    Problem,
    Running,
    Server,
    ServerCount,
    Target,
)
from proxyctl.core.plan import Plan, apply
from proxyctl.core.usage import Usage
from proxyctl.engines.haproxy import printed as haproxy
from proxyctl.engines.nginx import printed as nginx
from proxyctl.engines.port import Printer
from proxyctl.errors import DockerUnavailable, ReloadFailed, ResolveError, RuntimeRefused
from proxyctl.gateway.port import Ensured
from proxyctl.providers.port import Wake
from proxyctl.state.port import Generations

PRINTERS: dict[str, Printer] = {"nginx": nginx.printed, "haproxy": haproxy.printed}


GATEWAY = "gateway-id"
"""The short id of the gateway."""


class MemoryEngine:
    """Implements `ports.Engine`: a proxy that does what it is told, and tells `applied` (before, after) each time."""

    def __init__(self, features: Features, generations: Generations) -> None:
        self.kind = features.engine
        self.printer: Printer = PRINTERS[self.kind]
        self.does = Desired()
        self.applied: list[Callable[[Desired, Desired], None]] = []
        self._features, self._generations = features, generations
        self.revision = self._topology = ""

    async def features(self) -> Features:
        """Return what was given."""
        return self._features

    async def check(self, folder: str, files: ConfigFiles) -> None:
        """Accept everything."""

    async def reload(self, revision: str) -> None:
        """Do what the current generation says."""
        current = self._generations.current()
        if current is None or current.revision != revision:
            raise ReloadFailed(f"current is not {revision}")
        self.revision, self._topology = current.revision, current.topology
        self._do(current.desired)

    async def change(self, plan: Plan, files: ConfigFiles) -> None:
        """Carry out a plan that begins with what is."""
        if _effect(plan.before) != _effect(self.does) or plan.reasons:
            message = "the plan is one for another state, or for a reload"
            raise RuntimeRefused(message)
        self._do(apply(plan, self.does))

    async def cut(self, servers: Iterable[tuple[str, str]]) -> None:
        """Nothing runs on."""

    async def finished(self, pool: str, server: Server) -> bool:
        """Nothing runs on."""
        return True

    async def running(self) -> Running | None:
        """Tell revision, topology and servers; as nginx does, without servers."""
        servers = tuple((pool.name, s) for pool in self.does.pools for s in pool.servers)
        return Running(self.revision, self._topology, servers if self.kind == "haproxy" else None)

    async def quiet(self, keepalive_min: float) -> None:
        """Nothing has an earlier configuration here."""

    async def usage(self) -> tuple[Usage, ...]:
        """Be seen by nobody."""
        return ()

    async def counts(self) -> tuple[ServerCount, ...]:
        """Count nothing."""
        return ()

    def _do(self, desired: Desired) -> None:
        before, self.does = self.does, desired
        for tell in self.applied:
            tell(before, desired)


def _effect(desired: Desired) -> Desired:
    """Return what a proxy can know of it: not which container stands behind a server."""

    def bare(pool: Pool) -> Pool:
        return dataclasses.replace(pool, servers=tuple(dataclasses.replace(s, container="") for s in pool.servers))

    return dataclasses.replace(desired, pools=tuple(bare(p) for p in desired.pools))


class MemoryGateway:
    """Implements `port.Lifecycle`: it runs always, and can be looked after while Docker answers."""

    problems: tuple[Problem, ...] = ()

    def __init__(self, docker_answers: Callable[[], bool]) -> None:
        self._docker_answers = docker_answers

    async def ensure(self, serving: Collection[str] | None = None) -> Ensured:
        """Find it running."""
        if not self._docker_answers():
            message = "inspecting the gateway: Docker does not answer"
            raise DockerUnavailable(message)
        return ""


class MemoryRoad:
    """Implements `port.Road`: finds what the test says, and notes which ports it was asked for."""

    def __init__(self) -> None:
        self.problems: tuple[Problem, ...] = ()
        self.asked: list[set[int]] = []

    async def look(self, listens: Collection[int]) -> tuple[Problem, ...]:
        """Return the problems."""
        self.asked.append(set(listens))
        return self.problems


class MemorySevering:
    """Implements `ports.Severing`: there are no connections."""

    async def sever(self, addresses: Collection[str]) -> None:
        """End none."""


class MemoryResolver:
    """Implements `ports.Resolver` by a table that the test keeps true."""

    def __init__(self, addresses: Callable[[], Mapping[str, str]]) -> None:
        self._addresses = addresses
        self.silent = False

    async def resolve(self, name: str) -> tuple[str, ...]:
        """Return the address of a name, the gateway's always; answer nothing when the test says so."""
        if self.silent:
            message = "connection refused"
            raise ResolveError(message)
        if name == GATEWAY:
            return ("10.0.0.254",)
        address = self._addresses().get(name)
        if address is None:
            message = "NXDOMAIN"
            raise ResolveError(message)
        return (address,)


class MemoryProber:
    """Implements `ports.Prober`: asks `answers` of each target until it does once, as the real one by a connect."""

    def __init__(self, answers: Callable[[Target], bool], wake: Wake) -> None:
        self._answers, self._wake = answers, wake
        self._known: dict[Target, Finding] = {}

    def follow(self, targets: Iterable[Target]) -> None:
        """Replace the targets."""
        self._known = {t: self._known.get(t, Finding(ok=False, reason="refused")) for t in targets}
        self.look()

    def findings(self) -> Mapping[Target, Finding]:
        """Return what was found."""
        return self._known

    def look(self) -> None:
        """Ask again those that did not answer; the world calls this when it changes."""
        joined = {t: Finding(ok=True) for t, f in self._known.items() if not f.ok and self._answers(t)}
        if joined:
            self._known |= joined
            self._wake("an answer")
