"""The labs there are, in the order of the course."""

from __future__ import annotations

from collections.abc import Sequence

from proxyctl.errors import UsageError
from proxyctl.labs import clip1, clip2, clip3, clip4, clip5, clip6
from proxyctl.labs.step import Lab

LABS: tuple[Lab, ...] = (
    clip1.LAB,
    clip2.LAB,
    clip3.LAB,
    clip4.LAB,
    clip5.LAB,
    clip6.LAB,
)


def chosen(ids: Sequence[str]) -> tuple[Lab, ...]:
    """Return the labs named, in the order given, `all` for all; raise UsageError naming what there is."""
    by_id = {lab.id: lab for lab in LABS}
    for id_ in ids:
        if id_ != "all" and id_ not in by_id:
            raise UsageError(f"no lab {id_!r}: there are {', '.join(by_id)}, and `all`")
    chosen_ids = by_id if "all" in ids else dict.fromkeys(ids)
    return tuple(by_id[id_] for id_ in chosen_ids)
