"""Answers to "why is my container not in the pool?" and "who serves this URL?".

Calls the functions that decide, so an answer cannot differ from what the proxy does. Pure.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence

from proxyctl.core import layout
from proxyctl.core.decide import places
from proxyctl.core.decide.members import Member, judge
from proxyctl.core.decide.outcome import Outcome
from proxyctl.core.decide.unserved import served, why
from proxyctl.core.decide.world import World
from proxyctl.core.labels import reading
from proxyctl.core.labels.declaration import Options
from proxyctl.core.model import (
    Container,
    Desired,
    Finding,
    Listener,
    Pool,
    Problem,
    Route,
    Server,
    Snapshot,
    Target,
)
from proxyctl.core.routing import match, open_path
from proxyctl.errors import UsageError

_URL = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<host>[A-Za-z0-9_.-]+)(?::(?P<port>[0-9]{1,5}))?(?P<path>/[^?#\s]*)?(?:[?#]\S*)?"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Condition:
    """One condition for a container to be in a pool: whether it holds, and `text` for a person."""

    ok: bool
    text: str

    def __str__(self) -> str:
        return f"{'✔' if self.ok else '✘'} {self.text}"


@dataclasses.dataclass(frozen=True, slots=True)
class ContainerExplanation:
    """Why a container is in its pools or not; the conditions come in the order in which they are checked.

    `found` is false when Docker has no such container. `in_pool` is true while some pool has it, even as a draining
    server. `warnings` do not keep it out.
    """

    name: str
    found: bool
    in_pool: bool
    conditions: tuple[Condition, ...] = ()
    warnings: tuple[Problem, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """The explanation for a person."""
        verdict = "is in the pool" if self.in_pool else "is in no pool"
        warnings = (f"! {p.label}: {p.reason}" for p in self.warnings)
        return (f"{self.name} {verdict}", *map(str, self.conditions), *warnings)


@dataclasses.dataclass(frozen=True, slots=True)
class UrlExplanation:
    """What a request for `url` meets. `host` is the pattern that matched, empty for any.

    `port` is the gateway's. `routed` is false where the gateway has no route; `served` where it has one, and the pool
    has nobody to serve it, or is in maintenance.
    """

    url: str
    routed: bool
    served: bool
    port: int
    host: str = ""
    path: str = ""
    pool: str = ""
    servers: tuple[Server, ...] = ()
    lines: tuple[str, ...] = ()


def explain_container(
    name: str,
    world: World,
    problems: Sequence[Problem],
    desired: Desired,
    refused: Mapping[str, Sequence[str]] | None = None,
) -> ContainerExplanation:
    """Return why the container of that name (or id, from 4 characters on) is in a pool or not.

    `problems` are from the outcome of `world`, `desired` is what the proxy does or should do. `refused` is what the
    proxy refused, by pool: only a running `watch` knows that.
    """
    survey = world.survey
    container = next((c for c in survey.snapshot.containers if _named(c, name)), None)
    if container is None:
        text = f"Docker has no container {name} with labels of proxyctl"
        return ContainerExplanation(name, found=False, in_pool=False, conditions=(Condition(ok=False, text=text),))
    members, wrong = judge(container, survey.snapshot, survey.options, survey.rules, survey.pin)
    own = tuple(p for p in problems if p.container == container.name)
    errors = {p for p in wrong + own if p.severity == "error" and p.label}
    conditions = list(_about(container, survey.snapshot, survey.options, errors))
    if crashing := world.crashing.get(container.name):
        conditions.append(Condition(ok=False, text=crashing))
    for member in members:
        texts = (refused or {}).get(member.membership.pool.name, ())
        conditions += [Condition(ok=False, text=text) for text in texts]
        conditions += _membership(member, desired, world, multiple=len(members) > 1, refused=bool(texts))
    in_pool = any(s.container == container.id for p in desired.pools for s in p.servers)
    warnings = tuple(p for p in own if p.severity == "warning")
    return ContainerExplanation(
        container.name, found=True, in_pool=in_pool, conditions=tuple(conditions), warnings=warnings
    )


def _named(container: Container, name: str) -> bool:
    if layout.GATEWAY_LABEL in dict(container.labels):
        return False
    return container.name == name or (len(name) >= 4 and container.id.startswith(name))  # noqa: PLR2004


def _about(container: Container, snapshot: Snapshot, options: Options, errors: set[Problem]) -> Iterator[Condition]:
    """Yield the conditions of the container as a whole."""
    state = "is being stopped" if container.live and container.stopping else f"is {container.state}"
    yield Condition(container.live and not container.stopping, state)
    declaration = reading.parse(container, options)
    key = f"{options.label_prefix}.enable"
    if declaration.takes_part:
        yield Condition(ok=True, text=f"is enabled by {key}" if declaration.asked else "is enabled by default")
    elif declaration.one_off:
        yield Condition(ok=False, text="is a one-off container of compose: `watch --one-offs` lets such take part")
        return
    elif not errors:
        yield Condition(ok=False, text=f"is not enabled: give it the label {key}=true")
        return
    for problem in sorted(errors):
        yield Condition(ok=False, text=f"{problem.label}: {problem.reason}")
    if not errors:
        yield Condition(ok=True, text="its labels are valid")
    yield Condition(*places.described(container, declaration.network, snapshot))
    health = "has no HEALTHCHECK" if container.health == "none" else f"its HEALTHCHECK says {container.health}"
    yield Condition(container.health in {"none", "healthy"}, health)


def _membership(
    member: Member, desired: Desired, world: World, *, multiple: bool, refused: bool
) -> Iterator[Condition]:
    """Yield the conditions of one of its ports."""
    target, name = member.target, member.membership.pool.name
    if member.container.live and target.address:
        yield _answer(target, world.findings.get(target))
    pool = desired.pool(name)
    if pool is None:
        if not refused:
            yield Condition(ok=False, text=f"pool {name} has no route")
        return
    server = next((s for s in pool.servers if s.container == target.container), None)
    if server is None:
        yield Condition(ok=False, text=f"is not in pool {name}")
    else:
        ok, doing = _doing(server, world.failing.get((name, server.name)))
        yield Condition(ok, f"is in pool {name}{f' with port {server.port}' * multiple}: {doing}")
    if pool.maintenance:
        yield Condition(ok=False, text=f"pool {name} is in maintenance: `proxyctl maintenance {name} off` opens it")
    for listener in desired.listeners:
        for route in (r for r in listener.routes if r.pool == name):
            yield Condition(ok=True, text=f"pool {name} takes {_described(listener, route)}")


def _doing(server: Server, failing: str | None) -> tuple[bool, str]:
    if server.draining:
        return False, "drains, it gets nothing new"
    if failing is not None:
        return False, f"gets nothing, for it fails the health check: {failing}"
    return True, f"takes requests with weight {server.weight}"


def _answer(target: Target, finding: Finding | None) -> Condition:
    endpoint = f"{target.address}:{target.port}"
    if finding and finding.ok and finding.reason:
        return Condition(ok=True, text=f"{target.name} at {endpoint} is taken as ready: {finding.reason}")
    if finding and finding.ok:
        return Condition(ok=True, text=f"{target.name} resolves and {endpoint} answers")
    reason = finding.reason if finding else "it has not been asked yet"
    return Condition(ok=False, text=f"{endpoint} is not ready: {reason}")


def _described(listener: Listener, route: Route) -> str:
    if listener.protocol == "tcp":
        return f"tcp port {listener.port}"
    stripped = ", without the prefix" if route.strip_prefix else ""
    return f"{route.host or 'any host '}{route.path} on port {listener.port}{stripped}"


def explain_url(
    url: str, desired: Desired, published: Mapping[int, int], outcome: Outcome, world: World
) -> UrlExplanation:
    """Return the route, pool and servers that a request for `url` meets; raise UsageError when it is not a URL.

    `published` maps ports of the host to ports of the gateway; any other port is taken as the gateway's own. `desired`
    is what the proxy does or should do, `outcome` and `world` say what keeps servers from serving.
    """
    parts = _URL.fullmatch(url)
    if not parts:
        raise UsageError(f'"{url}" is not a URL such as http://shop.example:8080/api')
    host, path = parts["host"].lower(), parts["path"] or "/"
    asked = int(parts["port"] or (443 if parts["scheme"] == "https" else 80))
    port = published.get(asked, asked)
    lines = [f"port {asked} of this host is port {port} of the gateway"]
    if asked not in published:
        lines = [f"port {asked} is not published on this host: the gateway has it on its network only"]
    listener = next((x for x in desired.listeners if x.port == port), None)
    if listener is None:
        lines.append(f"nothing listens on port {port} of the gateway")
        return UrlExplanation(url, routed=False, served=False, port=port, lines=tuple(lines))
    found = match(listener, host, path)
    pool = desired.pool(found[1].pool) if found else None
    if found is None or pool is None:
        lines.append(f"no route on port {port} takes {host}{path}: the gateway answers 404")
        return UrlExplanation(url, routed=False, served=False, port=port, lines=tuple(lines))
    site, route = found
    lines.append(f"route: {_described(listener, route)}")
    lines.append(f"pool: {pool.name}, balance {pool.balance}, servers: {len(pool.servers)}")
    lines += [f"server: {_server(s, world.failing.get((pool.name, s.name)))}" for s in pool.servers]
    if pool.maintenance:
        lines.append(_closed(listener, route, pool))
    able = served(pool, world)
    if not able:
        answer = "new connections are closed" if listener.protocol == "tcp" else "the gateway answers 503"
        lines.append(f"no server takes new requests: {answer}: {why(pool, outcome, world)}")
    return UrlExplanation(
        url,
        routed=True,
        served=able and (not pool.maintenance or path == open_path(route, pool)),
        port=port,
        host=site.host,
        path=route.path,
        pool=pool.name,
        servers=pool.servers,
        lines=tuple(lines),
    )


def _closed(listener: Listener, route: Route, pool: Pool) -> str:
    """Return what a pool in maintenance does with a request, in a sentence."""
    off = f"`proxyctl maintenance {pool.name} off` opens it"
    if listener.protocol == "tcp":
        return f"maintenance: new connections are closed; {off}"
    spared = open_path(route, pool)
    return f"maintenance: the gateway answers 503{f', except for {spared}' if spared else ''}; {off}"


def _server(server: Server, failing: str | None) -> str:
    role = ", draining" if server.draining else ", backup" if server.backup else ""
    fails = "" if failing is None else f", fails its health check: {failing}"
    return f"{server.name} at {server.address}:{server.port}, weight {server.weight}{role}{fails}"
