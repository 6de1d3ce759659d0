"""How much of its limits a gateway uses, and when that is a problem; pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Literal

from proxyctl.core import codes
from proxyctl.core.model import Problem

NEAR = 0.8
"""The part of a limit from which on its use is a problem: time enough to act before clients wait."""


_MORE = {
    "connections": "raise `[proxy] maxconn` in proxyctl.toml, or look for clients that hold them",
    "open files": "raise Docker's limit `nofile`, and make the gateway anew",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Usage:
    """How many of `most` are in use now; one of each kind, that of the process with the highest share."""

    what: Literal["connections", "open files"]
    used: int
    most: int

    @property
    def share(self) -> float:
        """The part that is in use."""
        return self.used / self.most if self.most else 0.0


def near(usages: Iterable[Usage]) -> Iterator[Problem]:
    """Yield a problem for each limit that is nearly reached.

    The words leave out how many are in use, so that it stays the same problem while that goes up and down.
    """
    for usage in usages:
        if usage.share >= NEAR:
            told = f"the gateway uses more than {NEAR:.0%} of the {usage.most} {usage.what} that it may have"
            yield Problem("", "", f"{told}: {_MORE[usage.what]}", "warning", code=codes.NEAR_LIMIT)
