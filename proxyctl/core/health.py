"""When a checked server counts as up: `rise` and `fall`, as HAProxy counts them, and which answers pass.

Pure; the prober hands in one result after the other.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Vitals:
    """What the checks so far say. `streak` counts the newest results in a row that contradict `up`.

    `proven` turns true with the first success: that one success is enough for `up`, later on `rise` are needed.
    """

    up: bool = False
    streak: int = 0
    proven: bool = False


def judge(before: Vitals, *, passed: bool, rise: int, fall: int) -> Vitals:
    """Return the vitals after one more result."""
    if passed == before.up:
        return dataclasses.replace(before, streak=0)
    streak = before.streak + 1
    needed = fall if before.up else rise if before.proven else 1
    if streak < needed:
        return dataclasses.replace(before, streak=streak)
    return Vitals(up=passed, proven=True)


def accepts(accepted: str, status: int) -> bool:
    """Return whether `status` is one of `accepted`, a list like `2xx,3xx` or `200,204`."""
    text = str(status)
    return any(
        want == text or (want.endswith("xx") and want[:1] == text[:1])
        for want in (part.strip() for part in accepted.split(","))
    )
