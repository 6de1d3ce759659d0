"""Algorithms that go by a key (`source`, `uri`, sticky cookies): the same key meets the same server.

`by_key` says how often each server served each key; `owners` is who serves each key, for two moments to be compared.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Final, TypeVar

from proxyctl.check.verdicts.verdict import Verdict, shares

Key = TypeVar("Key", bound=Hashable)

MEANT_PER_SERVER: Final = 20  # keys, below which chance alone can leave a server with hardly any

_LISTED: Final = 3
_LEAST_PART: Final = 0.1  # of its due: rings of hashes are uneven, 25 % with 16 points for a server, as HAProxy has
_RING: Final = 2.0  # times its share: four standard deviations of the same
_CHANCE: Final = 4.0  # standard deviations
_NEEDLESS: Final = 0.05  # of all keys; a ring that only gained or lost a server has none


def consistent(by_key: Mapping[Key, Mapping[str, int]]) -> Verdict:
    """Judge that each key met one server; the value is how many met several."""
    torn = {key: served for key, served in by_key.items() if sum(1 for count in served.values() if count) > 1}
    listed = [f"key {key} met {' and '.join(sorted(torn[key]))}" for key in list(torn)[:_LISTED]]
    more = f" and {len(torn) - _LISTED} more" if len(torn) > _LISTED else ""
    repeated = sum(1 for served in by_key.values() if sum(served.values()) > 1)
    detail = "; ".join(listed) + more if torn else f"{repeated} keys were asked more than once"
    return Verdict("consistent", not torn, len(torn), "== 0", detail)


def owners(by_key: Mapping[Key, Mapping[str, int]]) -> dict[Key, str]:
    """Return which server serves each key, the one that did so most often."""
    return {key: max(sorted(served), key=served.__getitem__) for key, served in by_key.items() if served}


def spread(keys: Mapping[Key, str], expected: Mapping[str, float]) -> Verdict | None:
    """Judge that each server has keys; None where there are too few keys to tell.

    Rings of hashes are uneven, so that only hardly any keys is wrong. The value is the least part of its due that a
    server has.
    """
    due_shares = {name: share for name, share in shares(expected).items() if share}
    have = {name: sum(1 for owner in keys.values() if owner == name) for name in due_shares}
    if not due_shares or len(keys) * min(due_shares.values()) < MEANT_PER_SERVER:
        return None
    parts = {name: have[name] / (due_shares[name] * len(keys)) for name in due_shares}
    least = min(parts, key=parts.__getitem__)
    shown = ", ".join(f"{name} {count}" for name, count in have.items())
    return Verdict("spread", parts[least] >= _LEAST_PART, round(parts[least], 3), f">= {_LEAST_PART}", f"keys: {shown}")


def moved(before: Mapping[Key, str], after: Mapping[Key, str], expected: Mapping[str, float]) -> Verdict:
    """Judge that a change of servers moved no more keys than it had to, as a consistent hash promises.

    `expected` are the weights after a server has joined, or before one has left. Only keys of that server need to move;
    the value is which part of all did. Rings are uneven, so that twice its share is still right. A hash that is not
    consistent moves most of them, and many between servers that stayed, which tells it apart where servers are few.
    """
    both = before.keys() & after.keys()
    changed = set(before.values()) ^ set(after.values())
    share = sum(part for name, part in shares(expected).items() if name in changed)
    went = [key for key in both if before[key] != after[key]]
    needless = sum(1 for key in went if before[key] not in changed and after[key] not in changed)
    value = len(went) / len(both) if both else 0.0
    limit = min(1.0, _RING * share + _CHANCE * math.sqrt(share * (1 - share) / len(both))) if both else 0.0
    detail = f"{len(went)} of {len(both)} keys moved, {needless} of them between servers that stayed"
    good = bool(both) and value <= limit and needless <= _NEEDLESS * len(both)
    return Verdict("moved", good, round(value, 3), f"<= {limit:.3f}", detail)
