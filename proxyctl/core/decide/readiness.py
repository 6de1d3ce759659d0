"""Joins what DNS and the containers answered into one finding for each target: ready, or why not. Pure.

The same for `watch`, `plan`, `render` and `explain`. Next: `world`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from proxyctl.core import codes
from proxyctl.core.model import Desired, Finding, Target


def unproven(targets: Iterable[Target], previous: Desired) -> tuple[Target, ...]:
    """Return the targets whose names have to be asked for: a server of `previous` has proved its name.

    So neither a silent DNS nor a restart of proxyctl takes a server out.
    """
    served = {(s.container, s.address) for pool in previous.pools for s in pool.servers}
    return tuple(t for t in targets if (t.container, t.address) not in served)


def merged(answers: Mapping[Target, Finding], names: Mapping[Target, str | None]) -> dict[Target, Finding]:
    """Return the finding of each target; where its name is asked for, its answer counts only once the name resolves.

    `names` has an empty string (the name resolves), the reason why not, or None (DNS has not answered yet).
    """
    found = {t: f for t, f in answers.items() if names.get(t, "") == ""}
    for target, reason in names.items():
        if reason is None:
            found[target] = Finding(ok=False, reason=f"Docker's DNS has not said yet where {target.name} is")
        elif reason:
            found[target] = Finding(ok=False, reason=reason, late=True, code=codes.NO_NAME)
    return found


def undecided(targets: Iterable[Target], found: Mapping[Target, Finding]) -> bool:
    """Return whether some target is neither ready nor late: it may be ready in a moment."""
    return any(t not in found or not (found[t].ok or found[t].late) for t in targets)
