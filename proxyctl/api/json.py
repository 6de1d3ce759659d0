"""The JSON of the API and of `--json`: made and read here alone, with the keys that are the public contract.

A key may be added, none may change its name or meaning. Readers ignore keys that they do not know, so that a `watch`
and a verb of two versions understand each other.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import pydantic

from proxyctl.api.port import Maintained, Overridden, Pinned, Released
from proxyctl.core.model import Problem
from proxyctl.core.status import Event, PoolStatus, RouteStatus, ServerStatus, Status
from proxyctl.errors import ProxyctlError

T = TypeVar("T")


def to_json(status: Status) -> dict[str, Any]:
    """Return a status as `status --json` prints it."""
    return {
        "network": status.network,
        "engine": status.engine,
        "version": status.version,
        "revision": status.revision,
        "generation": status.generation,
        "synced_seconds_ago": status.synced_seconds_ago,
        "events_connected": status.events_connected,
        "stale": status.stale,
        "stale_reason": status.stale_reason,
        "pools": [_pool(p) for p in status.pools],
        "problems": [problem_to_json(p) for p in status.problems],
        "elsewhere": list(status.elsewhere),
        "joined": list(status.joined),
    }


def problem_to_json(problem: Problem) -> dict[str, Any]:
    """Return a problem as `status --json` and `plan --json` print it."""
    return {
        "code": problem.code,
        "container": problem.container,
        "label": problem.label,
        "reason": problem.reason,
        "severity": problem.severity,
    }


def health_to_json(status: Status) -> dict[str, Any]:
    """Return what `/healthz` answers."""
    return {
        "ok": status.well,
        "synced_seconds_ago": status.synced_seconds_ago,
        "events_connected": status.events_connected,
        "stale_reason": status.stale_reason,
        "problems": [problem_to_json(p) for p in status.problems],
    }


def events_to_json(events: Iterable[Event]) -> dict[str, Any]:
    """Return what `/api/v1/events` answers, oldest first."""
    return {"events": [{"id": e.id, "at": e.at, "kind": e.kind, "text": e.text} for e in events]}


def overridden_to_json(answer: Overridden) -> dict[str, Any]:
    """Return the answer to a drain or a weight, which repeats what was asked."""
    return {
        "server": answer.server,
        "pools": list(answer.pools),
        "waiting": list(answer.waiting),
        "draining": answer.draining,
        **answer.changes,
    }


def maintained_to_json(answer: Maintained) -> dict[str, Any]:
    """Return the answer to a change of maintenance."""
    return {"pool": answer.pool, "maintenance": answer.maintenance}


def pinned_to_json(answer: Pinned) -> dict[str, Any]:
    """Return the answer to a rollback."""
    return {"held": answer.number, "since": answer.since, "changes": list(answer.changes)}


def released_to_json(answer: Released) -> dict[str, Any]:
    """Return the answer to the release of a pin."""
    return {"held": None, "released": answer.number}


def from_json(document: Mapping[str, Any]) -> Status:
    """Return the status in a `watch`'s answer; raise ProxyctlError that names the first wrong key."""
    try:
        found: Status = _adapter(Status).validate_python(_with_codes(document))
    except pydantic.ValidationError as exc:
        raise _misread("status", exc) from exc
    return found


def _with_codes(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a status in which every problem has a code; a `watch` of version 0.1 says none."""
    problems = document.get("problems")
    if not isinstance(problems, list):
        return document
    return {**document, "problems": [{"code": "", **p} if isinstance(p, dict) else p for p in problems]}


def events_from_json(document: Mapping[str, Any]) -> tuple[Event, ...]:
    """Return the events in a `watch`'s answer, oldest first; raise ProxyctlError like `from_json`."""
    try:
        return tuple(_adapter(_Events).validate_python(document).events)
    except pydantic.ValidationError as exc:
        raise _misread("events", exc) from exc


@dataclasses.dataclass(frozen=True, slots=True)
class _Events:
    events: tuple[Event, ...]


@functools.cache
def _adapter(kind: type[T]) -> pydantic.TypeAdapter[T]:
    return pydantic.TypeAdapter(kind)


def _misread(what: str, exc: pydantic.ValidationError) -> ProxyctlError:
    first = exc.errors()[0]
    place = ".".join(map(str, first["loc"]))
    return ProxyctlError(
        f"the {what} of `proxyctl watch` cannot be read ({place}: {first['msg']}): is it of this version?"
    )


def _pool(pool: PoolStatus) -> dict[str, Any]:
    return {
        "name": pool.name,
        "protocol": pool.protocol,
        "balance": pool.balance,
        "sticky": pool.sticky,
        "maintenance": pool.maintenance,
        "drain_seconds": pool.drain_seconds,
        "routes": [_route(r) for r in pool.routes],
        "servers": [_server(s) for s in pool.servers],
        "refused": list(pool.refused),
    }


def _route(route: RouteStatus) -> dict[str, Any]:
    return {"host": route.host, "path": route.path, "listen": route.listen, "strip_prefix": route.strip_prefix}


def _server(server: ServerStatus) -> dict[str, Any]:
    return {
        "name": server.name,
        "container": server.container,
        "address": server.address,
        "state": server.state,
        "weight": server.weight,
        "backup": server.backup,
        "requests": server.requests,
        "reason": server.reason,
    }
