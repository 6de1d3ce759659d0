"""What HAProxy can do, by version, and what a change costs on it; pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import assert_never

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
from proxyctl.core.labels.declaration import Membership
from proxyctl.core.model import Desired, Features
from proxyctl.core.rules import Inability

ADDS_COOKIES = (3, 0)  # the first HAProxy whose `add server` takes a cookie
RANDOM_BY_RING = True  # `balance=random` picks points of its hash ring, which is uneven: decision 0020


@dataclasses.dataclass(frozen=True, slots=True)
class HAProxyRules:
    """Implements `core.rules.Rules`."""

    features: Features

    @property
    def checks_health(self) -> bool:
        """True: HAProxy makes the HTTP check itself."""
        return True

    def inabilities(self, membership: Membership) -> Iterator[Inability]:  # noqa: ARG002 - part of the protocol
        """Yield nothing: every HAProxy that is supported has all that labels can ask for."""
        yield from ()

    def reload_reason(self, change: Change, after: Desired) -> str:
        """Return why `change` needs a reload of this HAProxy; an empty string when run time is enough.

        The limits are those of HAProxy's management guide, section 9.3, `add server` and `set server`.
        """
        match change:
            case ServerAdded(name, _):
                pool = after.pool(name)
                if pool is not None and pool.sticky and not self.features.since(*ADDS_COOKIES):
                    return "before HAProxy 3.0 a server with a cookie cannot be added at run time"
            case ServerChanged(_, was, now):
                if was.backup != now.backup:
                    return "a server's backup role is fixed when HAProxy loads it"
                if (was.maxconn is None) != (now.maxconn is None):
                    return "a server's maxconn can be changed at run time, not given or taken away"
            case ServerRemoved():
                pass
            case PoolAdded(pool) | PoolRemoved(pool) | PoolChanged(_, pool):
                return f"pool {pool.name}: backends are made and changed only by a reload"
            case ListenerAdded(listener) | ListenerRemoved(listener) | ListenerChanged(_, listener):
                return f"port {listener.port}: listeners and routes are made and changed only by a reload"
            case _:
                assert_never(change)
        return ""
