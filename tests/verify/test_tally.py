"""Samples added up."""

from __future__ import annotations

import pytest

from proxyctl.edges.load.sample import Sample
from proxyctl.verify import tally as module
from proxyctl.verify.tally import Tally


def test_counts() -> None:
    """Requests, failures by kind and servers are counted; a failed request counts for its server too."""
    tally = Tally()
    tally.add(Sample(0.0, 0.001, server="web1", status=200))
    tally.add(Sample(0.1, 0.001, "http_503", 503, "web1"))
    tally.add(Sample(0.2, 0.001, "reset"))
    assert (tally.requests, tally.failed) == (3, 2)
    assert tally.errors == {"http_503": 1, "reset": 1}
    assert tally.servers == {"web1": 2}
    assert [failure.at for failure in tally.failures] == [0.1, 0.2]
    assert tally.seconds > 0


def test_latency_is_that_of_good_requests() -> None:
    """Percentiles are exact to three digits, and fast failures do not improve them."""
    tally = Tally()
    for milliseconds in range(1, 1001):
        tally.add(Sample(0.0, milliseconds / 1000))
        tally.add(Sample(0.0, 0.00001, "refused"))
    assert tally.latency_ms() == {
        "p50": pytest.approx(500, rel=1e-3),
        "p90": pytest.approx(900, rel=1e-3),
        "p99": pytest.approx(990, rel=1e-3),
        "p99.9": pytest.approx(999, rel=1e-3),
        "max": pytest.approx(1000, rel=1e-3),
    }


@pytest.mark.parametrize(("latency", "shown"), [(0.0, 0.001), (86_400.0, 3_600_000)])
def test_latency_out_of_range(latency: float, shown: float) -> None:
    """A latency beyond the histogram is counted at its end, not dropped."""
    tally = Tally()
    tally.add(Sample(0.0, latency))
    assert tally.latency_ms()["max"] == pytest.approx(shown, rel=1e-3)


def test_no_latency() -> None:
    """Without a good request there are no percentiles."""
    tally = Tally()
    assert set(tally.latency_ms().values()) == {None}
    tally.add(Sample(0.0, 0.1, "timeout"))
    assert set(tally.latency_ms().values()) == {None}


def test_failures_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long outage is counted whole and kept in part."""
    monkeypatch.setattr(module, "KEPT_FAILURES", 10)
    tally = Tally()
    for _ in range(25):
        tally.add(Sample(0.0, 0.1, "refused"))
    assert (tally.errors["refused"], len(tally.failures)) == (25, 10)
