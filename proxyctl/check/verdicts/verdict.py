"""A verdict: a figure, whether it is good, and what was expected.

`statistics` is the mathematics; `balance`, `consistency` and `stalls` judge; `threshold` is one `--expect`.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Final

from proxyctl.errors import UsageError

DEFAULT_P: Final = 1e-4
"""A correct proxy is accused by chance less than once in so many: 1 in 10,000."""


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that was judged; `value` is None where it could not be measured."""

    name: str
    ok: bool
    value: float | None
    expected: str
    detail: str = ""


def shares(weights: Mapping[str, float]) -> dict[str, float]:
    """Return the weights scaled to a sum of 1, sorted by name; all 0 where they sum up to nothing."""
    total = math.fsum(weights.values())
    return {name: weights[name] / total if total else 0.0 for name in sorted(weights)}


def parse_weights(text: str) -> dict[str, float]:
    """Return what `web1=3,web2=1` means; raise UsageError."""
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, _, value = (piece.strip() for piece in part.rpartition("="))
        try:
            weights[name] = float(value)
        except ValueError:
            name = ""
        if not name or not 0 <= weights[name] < float("inf"):
            raise UsageError(f"the weights {text!r} are not like web1=3,web2=1")
    if not any(weights.values()):
        raise UsageError(f"the weights {text!r} give nothing to anyone")
    return weights


def number(value: float) -> str:
    """Write a figure as people do: 1e-4, 0.05, 1234."""
    text = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}" if abs(value) >= 1e-3 else f"{value:.1e}"  # noqa: PLR2004
    return re.sub(r"(\.0)?e-0?", "e-", text) if value else "0"
