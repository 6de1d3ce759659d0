"""Plays scenarios one after the other, on the pool's own containers or on throw-away ones, and says how each went."""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal

from proxyctl.check.load.shots import KeyBy
from proxyctl.check.report import Report
from proxyctl.check.reports.xml import Case, Suite, to_xml
from proxyctl.check.scenarios.events import SCENARIOS, Scenario
from proxyctl.check.scenarios.stage import BY_KEY, LABEL, WITHIN, Place, Stage, Target, Unfit, Unmet
from proxyctl.core.routing import under
from proxyctl.errors import ProxyctlError, UsageError
from proxyctl.gateway.access import DockerAccess
from proxyctl.gateway.netns import GatewayView
from proxyctl.operate.port import Watch
from proxyctl.providers.docker import images, throwaways
from proxyctl.providers.docker.client import Client

EPHEMERAL_SERVERS = 3
_OUTSIDE = (
    "balance=source shows with clients of many addresses only; they are played inside the gateway's network, which "
    "takes root on the host that it runs on"
)
_SHOWN = 3  # failures that are listed in a result


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """How one scenario went; `seen` is what happened, or why it failed or was skipped."""

    name: str
    status: Literal["ok", "failed", "skipped"]
    expected: str
    seen: str
    requests: int = 0
    failed: int = 0
    seconds: float = 0.0


def chosen(names: Iterable[str], *, ephemeral: bool) -> tuple[Scenario, ...]:
    """Return the scenarios of these names, `all` being every one that leaves a pool as it was; raise UsageError."""
    known = {s.name: s for s in SCENARIOS}
    found: list[Scenario] = []
    for name in names:
        if name == "all":
            found += [s for s in SCENARIOS if ephemeral or not s.lasting]
        elif name in known:
            found.append(known[name])
        else:
            raise UsageError(f"there is no scenario {name}; there are {', '.join(known)} and all")
    return tuple(dict.fromkeys(found))


def play(scenario: Scenario, stage: Stage) -> Result:
    """Play one scenario and take back what it changed."""
    begun = time.monotonic()
    status: Literal["ok", "failed", "skipped"] = "ok"
    try:
        with stage.playing():
            seen = scenario.play(stage)
    except Unfit as exc:
        return Result(scenario.name, "skipped", scenario.expected, str(exc))
    except (Unmet, ProxyctlError) as exc:
        status, seen = "failed", str(exc)
    report = stage.report()
    if report.failed:
        status, seen = "failed", f"{_lost(report)}; {seen}"
    if stage.leftovers:
        status, seen = "failed", f"{seen}; not taken back: {'; '.join(stage.leftovers)}"
    seconds = round(time.monotonic() - begun, 1)
    return Result(scenario.name, status, scenario.expected, seen, report.requests, report.failed, seconds)


def _lost(report: Report) -> str:
    shown = [f"{f.error} at {f.at:.2f} s{f' by {f.server}' if f.server else ''}" for f in report.failures[:_SHOWN]]
    more = f" and {report.failed - len(shown)} more" if report.failed > len(shown) else ""
    return f"{report.failed} of {report.requests} requests failed: {', '.join(shown)}{more}"


# ------------------------------------------------------------------ where it plays


def target(client: Client, watch: Watch, place: Place, token: str, path: str = "") -> Target:
    """Return where the pool answers: its first route, at a published port or at the gateway's own address.

    `path` is asked for instead of the route's own, and must be below it. Raise UsageError.
    """
    status = watch.status()
    pool = status.pool(place.pool)
    if pool is None:
        known = ", ".join(p.name for p in status.pools)
        raise UsageError(f"--pool {place.pool}: there is no such pool; known are {known or 'none'}")
    if pool.protocol == "tcp" or not pool.routes:
        raise UsageError(f"--pool {place.pool}: a scenario sends HTTP, and this pool has no HTTP route")
    route = pool.routes[0]
    below = route.path.rstrip("/")
    if path and not path.startswith("/"):
        raise UsageError(f"--path {path}: it begins with /")
    if path and not under(path, below):
        raise UsageError(f"--path {path}: the route of pool {place.pool} takes paths that begin with {below}/")
    gateway = DockerAccess(client, place.network)
    gateway.inspect()
    authority = gateway.authority(route.listen)
    host, path = (route.host or "").replace("*", "check", 1), path or route.path
    kind = pool.balance
    if kind != "source":
        return Target(f"http://{authority}{path}", host, token, KeyBy(kind) if kind in BY_KEY else None)
    return _from_inside(f"http://127.0.0.1:{route.listen}{path}", host, token, gateway.state["Pid"])


def _from_inside(url: str, host: str, token: str, pid: int) -> Target:
    """Return a target for clients with addresses of their own, which only loopback has: that of the gateway."""
    unfit = "" if GatewayView(lambda: pid).direct else _OUTSIDE
    return Target(url, host, token, KeyBy("source"), pid, unfit)


@contextlib.contextmanager
def throwaway(
    client: Client,
    watch: Watch,
    place: Place,
    image: str,
    own: Mapping[str, str],
    interrupted: Callable[[], bool],
    within: float = WITHIN,
) -> Iterator[Place]:
    """Give a pool of containers that are made for this block and removed after it, with a host of its own.

    `own` are labels of the user's, without their prefix.
    """
    name = f"check-{secrets.token_hex(3)}"
    prefix = place.prefix
    given = {"drain": "10s", **own, "enable": "true", "pool": name, "host": f"{name}.test"}
    labels = {f"{prefix}.{key}": value for key, value in given.items()} | {LABEL: name}
    if not images.id_of(client, image):
        raise UsageError(f"--image {image}: it is not here: pull it, or build it with `make setup`")
    try:
        names = [f"{name}-{number}" for number in range(1, EPHEMERAL_SERVERS + 1)]
        throwaways.start(client, image, names, network=place.network, labels=labels)
        _until_all_serve(watch, name, interrupted, within)
        yield dataclasses.replace(place, pool=name, ephemeral=True)
    finally:
        throwaways.remove(client, f"{LABEL}={name}")


def _until_all_serve(watch: Watch, pool: str, interrupted: Callable[[], bool], within: float) -> None:
    def states() -> list[str]:
        found = watch.status().pool(pool)
        return [s.state for s in found.servers] if found else []

    deadline = time.monotonic() + within
    while states() != ["up"] * EPHEMERAL_SERVERS:
        if interrupted():
            raise KeyboardInterrupt
        if time.monotonic() > deadline:
            problems = watch.status().problems
            why = next((p.reason for p in problems if p.container.startswith(pool)), f"they are {states()}")
            raise ProxyctlError(f"the throw-away containers do not serve within {within:g} s: {why}")
        time.sleep(0.05)


def to_junit(results: Iterable[Result], begun: float) -> str:
    """Return a JUnit file with a case for each scenario; `begun` is Unix time."""
    cases = tuple(
        Case(
            r.name,
            "proxyctl.check.scenario",
            r.seconds,
            failure=r.seen if r.status == "failed" else None,
            skipped=r.seen if r.status == "skipped" else None,
            output=r.seen if r.status == "ok" else "",
        )
        for r in results
    )
    suite = Suite("scenario", cases, sum(c.seconds for c in cases), begun)
    return to_xml("proxyctl check scenario", [suite])
