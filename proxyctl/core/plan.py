"""From the applied state to the desired one: a list of changes, and what each one costs on an engine.

`apply(diff(a, b), a) == b` holds for every two states. Which changes HAProxy takes without a reload, and why
the others need one, is decided here so that `proxyctl plan` can say it beforehand. Next: `render`.
"""

from __future__ import annotations

import dataclasses
from typing import Protocol, assert_never

from proxyctl.core.model import ConfigFiles, Desired, Features, Listener, Pool, Server, Snapshot


@dataclasses.dataclass(frozen=True, slots=True)
class ServerAdded:
    """A server joins a pool that stays."""

    pool: str
    server: Server


@dataclasses.dataclass(frozen=True, slots=True)
class ServerRemoved:
    """A server leaves a pool that stays."""

    pool: str
    server: Server


@dataclasses.dataclass(frozen=True, slots=True)
class ServerChanged:
    """A server of the same name has another address, weight, role or limit, or drains."""

    pool: str
    before: Server
    after: Server


@dataclasses.dataclass(frozen=True, slots=True)
class PoolAdded:
    """A new pool, with its servers."""

    pool: Pool


@dataclasses.dataclass(frozen=True, slots=True)
class PoolRemoved:
    """A pool goes, with its servers."""

    pool: Pool


@dataclasses.dataclass(frozen=True, slots=True)
class PoolChanged:
    """A pool's own settings; both sides are without servers, whose changes are listed apart."""

    before: Pool
    after: Pool


@dataclasses.dataclass(frozen=True, slots=True)
class ListenerAdded:
    """The gateway listens on one more port."""

    listener: Listener


@dataclasses.dataclass(frozen=True, slots=True)
class ListenerRemoved:
    """The gateway stops listening on a port."""

    listener: Listener


@dataclasses.dataclass(frozen=True, slots=True)
class ListenerChanged:
    """The routes of a port, or what it speaks."""

    before: Listener
    after: Listener


Change = (
    ServerAdded
    | ServerRemoved
    | ServerChanged
    | PoolAdded
    | PoolRemoved
    | PoolChanged
    | ListenerAdded
    | ListenerRemoved
    | ListenerChanged
)


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """All changes from `before` to `after`, in a fixed order; empty when they are equal."""

    before: Desired
    after: Desired
    changes: tuple[Change, ...]

    def __bool__(self) -> bool:
        return bool(self.changes)

    @property
    def urgent(self) -> bool:
        """Whether it must not wait for the spacing of reloads: somebody who gets requests has to get none.

        A server that drains gets none already, so its removal is not urgent.
        """
        return any(
            isinstance(c, PoolRemoved)
            or (isinstance(c, ServerRemoved) and not c.server.draining)
            or (isinstance(c, ServerChanged) and (c.after.draining or c.after.address != c.before.address))
            for c in self.changes
        )

    def vacated(self, snapshot: Snapshot) -> frozenset[str]:
        """Return the addresses of servers before this plan at which no container is any more: nothing ends there.

        A container that is merely missing in Docker's list counts as being there.
        """
        servers = (s for p in self.before.pools for s in p.servers if s.container not in snapshot.missing)
        there = {a.address for c in snapshot.containers for a in c.attachments}
        return frozenset({s.address for s in servers} - there - {""})

    @property
    def removed(self) -> tuple[tuple[str, Server], ...]:
        """The (pool, server) pairs that leave pools that stay."""
        return tuple((c.pool, c.server) for c in self.changes if isinstance(c, ServerRemoved))

    def reload_reasons(self, features: Features) -> tuple[str, ...]:
        """Return why this plan cannot be carried out at run time; empty when it can."""
        reasons = (reload_reason(c, self.after, features) for c in self.changes)
        return tuple(sorted({r for r in reasons if r}))


def diff(before: Desired, after: Desired) -> Plan:
    """List what turns `before` into `after`."""
    changes: list[Change] = []
    old_pools, new_pools = {p.name: p for p in before.pools}, {p.name: p for p in after.pools}
    for name in sorted(old_pools | new_pools):
        if name not in old_pools:
            changes.append(PoolAdded(new_pools[name]))
        elif name not in new_pools:
            changes.append(PoolRemoved(old_pools[name]))
        else:
            changes += _pool_changes(old_pools[name], new_pools[name])
    old_ports, new_ports = {x.port: x for x in before.listeners}, {x.port: x for x in after.listeners}
    for port in sorted(old_ports | new_ports):
        if port not in old_ports:
            changes.append(ListenerAdded(new_ports[port]))
        elif port not in new_ports:
            changes.append(ListenerRemoved(old_ports[port]))
        elif old_ports[port] != new_ports[port]:
            changes.append(ListenerChanged(old_ports[port], new_ports[port]))
    return Plan(before, after, tuple(changes))


def _pool_changes(old: Pool, new: Pool) -> list[Change]:
    changes: list[Change] = []
    bare_old, bare_new = _bare(old), _bare(new)
    if bare_old != bare_new:
        changes.append(PoolChanged(bare_old, bare_new))
    old_servers, new_servers = {s.name: s for s in old.servers}, {s.name: s for s in new.servers}
    for name in sorted(old_servers | new_servers):
        if name not in old_servers:
            changes.append(ServerAdded(new.name, new_servers[name]))
        elif name not in new_servers:
            changes.append(ServerRemoved(new.name, old_servers[name]))
        elif old_servers[name] != new_servers[name]:
            changes.append(ServerChanged(new.name, old_servers[name], new_servers[name]))
    return changes


def _bare(pool: Pool) -> Pool:
    return dataclasses.replace(pool, servers=())


def apply(plan: Plan, state: Desired) -> Desired:
    """Carry out the changes of `plan` on `state`; the model of what an engine does."""
    pools = {p.name: p for p in state.pools}
    listeners = {x.port: x for x in state.listeners}
    for change in plan.changes:
        match change:
            case ServerAdded(pool, server) | ServerChanged(pool, _, server):
                others = tuple(s for s in pools[pool].servers if s.name != server.name)
                pools[pool] = dataclasses.replace(pools[pool], servers=(*others, server))
            case ServerRemoved(pool, server):
                others = tuple(s for s in pools[pool].servers if s.name != server.name)
                pools[pool] = dataclasses.replace(pools[pool], servers=others)
            case PoolAdded(new):
                pools[new.name] = new
            case PoolRemoved(gone):
                del pools[gone.name]
            case PoolChanged(_, new):
                pools[new.name] = dataclasses.replace(new, servers=pools[new.name].servers)
            case ListenerAdded(listener) | ListenerChanged(_, listener):
                listeners[listener.port] = listener
            case ListenerRemoved(listener):
                del listeners[listener.port]
            case _:
                assert_never(change)
    return Desired(tuple(listeners.values()), tuple(pools.values()))


def reload_reason(change: Change, after: Desired, features: Features) -> str:  # noqa: PLR0911 - a table
    """Return why `change` needs a reload on this binary; an empty string when run time is enough.

    HAProxy's limits are those of its management guide, section 9.3, `add server` and `set server`.
    """
    if features.engine == "nginx":
        return "nginx reads its servers only when it loads its configuration"
    match change:
        case ServerAdded(name, _):
            pool = after.pool(name)
            if pool is not None and pool.sticky and not features.since(3, 0):
                return "before HAProxy 3.0 a server with a cookie cannot be added at run time"
            return ""
        case ServerChanged(_, was, now) if was.backup != now.backup:
            return "a server's backup role is fixed when HAProxy loads it"
        case ServerChanged(_, was, now) if (was.maxconn is None) != (now.maxconn is None):
            return "a server's maxconn can be changed at run time, not given or taken away"
        case ServerChanged() | ServerRemoved():
            return ""
        case PoolAdded(pool) | PoolRemoved(pool) | PoolChanged(_, pool):
            return f"pool {pool.name}: backends are made and changed only by a reload"
        case ListenerAdded(listener) | ListenerRemoved(listener) | ListenerChanged(_, listener):
            return f"port {listener.port}: listeners and routes are made and changed only by a reload"
        case _:
            assert_never(change)


class Confirmed(Protocol):
    """What the running proxy was last confirmed to do."""

    @property
    def desired(self) -> Desired:
        """What was asked of it."""

    @property
    def revision(self) -> str:
        """The hash of how that was printed."""

    @property
    def topology(self) -> str:
        """The same without servers."""


def reload_reasons(
    applied: Confirmed | None, desired: Desired, files: ConfigFiles, features: Features
) -> tuple[str, ...]:
    """Return why a proxy that does `applied` cannot do `desired`, printed as `files`, without a reload; empty: it can.

    One reason is enough for the whole: then run time is used for no part of it.
    """
    if applied is None:
        return ("the proxy does not yet run a known generation",)
    if files.revision == applied.revision:
        return ()
    changes = diff(applied.desired, desired)
    if reasons := changes.reload_reasons(features):
        return reasons
    if files.topology != applied.topology:
        return ("templates or settings changed",)
    if not changes:
        # only a server's text changed, by a template: the running proxy knows nothing of it
        return ("templates changed",)
    return ()


def same_servers(running: tuple[tuple[str, Server], ...], desired: Desired) -> bool:
    """Whether a proxy's own list of (pool, server) is what `desired` asks for, in all that has an effect."""

    def effect(pool: str, server: Server) -> tuple[str, str, str, int, int]:
        return pool, server.name, server.address, server.port, effective_weight(server)

    wanted = {effect(pool.name, server) for pool in desired.pools for server in pool.servers}
    return wanted == {effect(pool, server) for pool, server in running}


def effective_weight(server: Server) -> int:
    """Return the weight in effect: a draining server has none, on both engines."""
    return 0 if server.draining else server.weight
