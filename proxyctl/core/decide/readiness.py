"""What DNS and the servers themselves said of the targets, in one: who is ready, who is not, and why. Pure.

The same for `watch` and for those verbs that say what it would do. Next: `desired`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from proxyctl.core.model import Desired, Finding, Target


def unproven(wanted: Iterable[Target], previous: Desired) -> tuple[Target, ...]:
    """Return whose name has to be asked for: who serves in `previous` at that address has proved it.

    A DNS that is silent now, or a restart of proxyctl, takes nobody out.
    """
    served = {(s.container, s.address) for pool in previous.pools for s in pool.servers}
    return tuple(t for t in wanted if (t.container, t.address) not in served)


def merged(answers: Mapping[Target, Finding], names: Mapping[Target, str | None]) -> dict[Target, Finding]:
    """Return what is known of each target: what it answers counts only once its name does, where that is asked for.

    `names` has an empty string (fine), a reason (not fine) or None (DNS has not said yet).
    """
    found = {t: f for t, f in answers.items() if names.get(t, "") == ""}
    for target, reason in names.items():
        if reason is None:
            found[target] = Finding(ok=False, reason=f"Docker's DNS has not said yet where {target.name} is")
        elif reason:
            found[target] = Finding(ok=False, reason=reason, late=True)
    return found


def undecided(wanted: Iterable[Target], found: Mapping[Target, Finding]) -> bool:
    """Whether some target may still be ready in a moment, without anything being wrong with it."""
    return any(t not in found or not (found[t].ok or found[t].late) for t in wanted)
