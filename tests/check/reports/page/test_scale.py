"""Axes: where values are, and which ones have a tick."""

from __future__ import annotations

import pytest

from proxyctl.check.reports.page import scale
from proxyctl.check.reports.page.scale import Scale


def test_linear_and_logarithmic() -> None:
    """A value is as far along as it is between the ends, or as its logarithm is; beyond the ends it is at the end."""
    assert [Scale(0, 10, 200)(value) for value in (-1, 0, 2.5, 10, 11)] == [0, 0, 50, 200, 200]
    assert [Scale(1, 100, 200, log=True)(value) for value in (0, 1, 10, 100)] == [0, 0, 100, 200]
    assert Scale(3, 3, 200)(3) == 0


@pytest.mark.parametrize(
    ("high", "most", "ticks"),
    [
        (10, 5, (0, 2, 4, 6, 8, 10)),
        (1, 4, (0, 0.5, 1)),
        (0.3, 3, (0, 0.1, 0.2, 0.3)),
        (1001, 4, (0, 500, 1000, 1500)),
        (0, 4, (0, 0.5, 1)),
    ],
)
def test_up_to(high: float, most: int, ticks: tuple[float, ...]) -> None:
    """Ticks are round, the last is the end of the axis, and all values are on it."""
    axis, found = scale.up_to(high, 100, most)
    assert found == ticks
    assert axis.high == ticks[-1] >= high


@pytest.mark.parametrize(
    ("low", "high", "ends", "ticks"),
    [
        (1.9, 4.2, (1.5, 5), (2, 5)),
        (1, 1000, (1, 1000), (1, 10, 100, 1000)),
        (0.3, 2.5, (0.3, 3), (0.5, 1, 2)),
        (2, 2, (2, 3), (2,)),
        (7, 41_000, (6, 50_000), (10, 100, 1000, 10_000)),
    ],
)
def test_decades(low: float, high: float, ends: tuple[float, float], ticks: tuple[float, ...]) -> None:
    """A logarithmic axis ends just beyond its values; its ticks are powers of ten, and between few of them 2 and 5."""
    axis, found = scale.decades(low, high, 100)
    assert (axis.low, axis.high) == ends
    assert found == ticks


@pytest.mark.parametrize(
    ("length", "written"),
    [
        (1.0, ["0 s", "0.1 s", "0.2 s"]),
        (0.004, ["0 s", "0.0005 s", "0.001 s"]),
        (30.0, ["0 s", "5 s", "10 s"]),
        (600.0, ["0:00", "1:00", "2:00"]),
        (5000.0, ["0:00", "10:00", "20:00"]),
        (90_000.0, ["0 h", "3 h", "6 h"]),
        (9_000_000.0, ["0 h", "277.778 h", "555.556 h"]),
    ],
)
def test_seconds(length: float, written: list[str]) -> None:
    """A time axis has at most ten steps, as people count time; those of minutes are written so."""
    ticks = scale.seconds(length, 10)
    assert [scale.clock(at, ticks) for at in ticks][:3] == written
    assert len(ticks) <= 11


@pytest.mark.parametrize(
    ("ms", "short", "exact"),
    [
        (0.0, "0 ms", "0 ms"),
        (0.25, "250 µs", "250 µs"),
        (2.0, "2 ms", "2.00 ms"),
        (12.345, "12.3 ms", "12.3 ms"),
        (999.9, "1000 ms", "1000 ms"),
        (1500.0, "1.5 s", "1.50 s"),
        (3_600_000.0, "3600 s", "3600 s"),
    ],
)
def test_milliseconds(ms: float, short: str, exact: str) -> None:
    """A time has three digits and the unit that suits it."""
    assert (scale.milliseconds(ms), scale.milliseconds(ms, exact=True)) == (short, exact)


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0"), (0.5, "0.5"), (2.5, "2.5"), (1000, "1,000"), (20_000, "20k"), (2_500_000, "2.5M")],
)
def test_count(value: float, written: str) -> None:
    """A count is short."""
    assert scale.count(value) == written
