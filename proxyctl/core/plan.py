"""From the applied state to the desired state: the list of changes, and which of them cost a reload.

Here a reload is decided: `make` asks the engine's rules for the cost of each change, and the plan carries the reasons.
Whether the reload is deferred is decided in `reconcile.reach`. A pass makes its plan once; `proxyctl plan` prints the
same. `apply(diff(a, b), a) == b` holds for every two states. Next: `reconcile.apply`.
"""

from __future__ import annotations

import dataclasses
from typing import Literal, Protocol, assert_never

from proxyctl.core.changes import (
    Change,
    ListenerAdded,
    ListenerChanged,
    ListenerRemoved,
    PoolAdded,
    PoolChanged,
    PoolRemoved,
    ServerAdded,
    ServerChanged,
    ServerRemoved,
)
from proxyctl.core.model import ConfigFiles, Desired, Pool, Server, Snapshot

How = Literal["unchanged", "runtime", "reload"]


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """All changes from `before` to `after`, in a fixed order, and what they cost. A plan without changes is false.

    `how` says how the proxy takes all changes together, `reasons` why that is a reload. `costs` says for each change,
    in the order of `changes`, why it alone would need a reload; an empty string where run time is enough.
    """

    before: Desired
    after: Desired
    changes: tuple[Change, ...]
    how: How = "runtime"
    reasons: tuple[str, ...] = ()
    costs: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes)

    @property
    def urgent(self) -> bool:
        """Whether requests have to stop going to a pool or an address, so that the reload must not be deferred.

        A draining server gets no new requests, so its removal is not urgent.
        """
        return any(
            isinstance(c, PoolRemoved)
            or (isinstance(c, ServerRemoved) and not c.server.draining)
            or (isinstance(c, ServerChanged) and (c.after.draining or c.after.address != c.before.address))
            for c in self.changes
        )

    def vacated(self, snapshot: Snapshot) -> frozenset[str]:
        """Return the addresses of servers in `before` that no container has now: nothing there ends a connection.

        A container that is only missing from Docker's list counts as being there.
        """
        servers = (s for p in self.before.pools for s in p.servers if s.container not in snapshot.missing)
        there = {a.address for c in snapshot.containers for a in c.attachments}
        return frozenset({s.address for s in servers} - there - {""})

    @property
    def removed(self) -> tuple[tuple[str, Server], ...]:
        """The (pool, server) pairs of servers that leave while their pool stays."""
        return tuple((c.pool, c.server) for c in self.changes if isinstance(c, ServerRemoved))

    @property
    def joins(self) -> bool:
        """Whether a server joins a pool that was there already."""
        return any(isinstance(c, ServerAdded) for c in self.changes)


def diff(before: Desired, after: Desired) -> Plan:
    """Return the changes that turn `before` into `after`."""
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
    """Return `state` with the changes of `plan` carried out; the model of what an engine does."""
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


class Confirmed(Protocol):
    """The state that the running proxy was last confirmed to be in."""

    @property
    def desired(self) -> Desired:
        """The listeners and pools of that state."""

    @property
    def revision(self) -> str:
        """The hash of the files that print that state."""

    @property
    def topology(self) -> str:
        """The hash of the same files without servers."""


class ReloadRules(Protocol):
    """What a change costs on one proxy binary."""

    def reload_reason(self, change: Change, after: Desired) -> str:
        """Return why `change`, on the way to `after`, needs a reload; an empty string when run time is enough."""


def make(applied: Confirmed | None, desired: Desired, files: ConfigFiles, rules: ReloadRules) -> Plan:
    """Return the plan from `applied` (None: no confirmed state) to `desired`, which is printed as `files`.

    One reason is enough for a reload of the whole: then no part of the plan is carried out at run time.
    """
    plan = diff(applied.desired if applied else Desired(), desired)
    costs = tuple(rules.reload_reason(change, desired) for change in plan.changes)
    if applied and files.revision == applied.revision:
        return dataclasses.replace(plan, how="unchanged", costs=costs)
    reasons = _reasons(applied, plan, costs, files)
    return dataclasses.replace(plan, how="reload" if reasons else "runtime", reasons=reasons, costs=costs)


def _reasons(applied: Confirmed | None, plan: Plan, costs: tuple[str, ...], files: ConfigFiles) -> tuple[str, ...]:
    """Return why the whole plan takes a reload; empty when run time is enough."""
    if applied is None:
        return ("the proxy does not yet run a known generation",)
    if any(costs):
        return tuple(sorted({cost for cost in costs if cost}))
    if files.topology != applied.topology:
        return ("templates or settings changed",)
    if not plan:
        # A template changed the text of a server and nothing else. The proxy does not report that text, so a run-time
        # change could not be confirmed.
        return ("templates changed",)
    return ()
