"""Windows in which nothing ended."""

from __future__ import annotations

from typing import Any

import pytest

from proxyctl.check.verdicts.stalls import Gap, is_excused, stalls, stalls_verdict

OPEN: dict[str, Any] = {"rate": 500.0, "typical": 0.002, "connections": None}
CLOSED: dict[str, Any] = {"rate": 3000.0, "typical": 0.002, "connections": 10}


@pytest.mark.parametrize(
    ("gap", "circumstances", "stalled"),
    [
        pytest.param(Gap(5.0, 0.2), OPEN, True, id="a stall"),
        pytest.param(Gap(5.0, 0.12), OPEN, False, id="short"),
        pytest.param(Gap(5.0, 0.2), OPEN | {"rate": 50.0}, False, id="hardly anything was due"),
        pytest.param(Gap(5.0, 0.5), OPEN | {"typical": 0.2}, False, id="slow servers, whose answers come in bursts"),
        pytest.param(Gap(5.0, 0.2, 10), CLOSED, True, id="closed loop, all were held"),
        pytest.param(Gap(5.0, 0.2, 2), CLOSED, False, id="closed loop, all waited for slow servers"),
    ],
)
def test_stalls(gap: Gap, circumstances: dict[str, Any], stalled: bool) -> None:
    """A window is a stall when many should have ended in it, and slow servers do not explain it."""
    assert (stalls([gap], [], **circumstances) == (gap,)) is stalled


@pytest.mark.parametrize(
    ("deaf", "stalled"),
    [
        pytest.param((4.9, 5.2), False, id="all the time"),
        pytest.param((5.1, 5.19), False, id="until its end"),
        pytest.param((5.16, 5.22), True, id="only at its very end"),
        pytest.param((5.0, 5.06), True, id="at its beginning: what had ended would have been seen"),
        pytest.param((1.0, 2.0), True, id="before"),
        pytest.param((5.25, 5.4), True, id="after"),
    ],
)
def test_deaf(deaf: tuple[float, float], stalled: bool) -> None:
    """What the generator did not hear is not blamed on the proxy."""
    assert bool(stalls([Gap(5.0, 0.2)], [deaf], **OPEN)) is stalled


@pytest.mark.parametrize(
    ("seconds", "deaf", "excused"),
    [
        ([0.2], [], False),
        ([0.2], [(1.0, 1.05)], True),
        ([0.4], [(1.0, 1.05)], False),
        ([0.2, 0.2], [(1.0, 1.05)], False),
        ([], [(1.0, 1.05)], False),
    ],
)
def test_excused(seconds: list[float], deaf: list[tuple[float, float]], excused: bool) -> None:
    """One stall is excused where the generator was held up for a third of it; several, and longer ones, are not."""
    assert is_excused(tuple(Gap(float(i), s) for i, s in enumerate(seconds)), deaf) is excused


def test_verdict() -> None:
    """The verdict says when and how long, and how many more."""
    assert stalls_verdict(()).ok
    one = stalls_verdict((Gap(5.0, 0.2),))
    assert (one.ok, one.value, one.detail) == (False, 1, "nothing ended for 200 ms at 5.00 s")
    assert stalls_verdict(tuple(Gap(float(i), 0.2) for i in range(7))).detail.endswith("200 ms at 4.00 s and 2 more")
