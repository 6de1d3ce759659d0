"""Samples added up."""

from __future__ import annotations

import pytest

from proxyctl.check.load.sample import Sample
from proxyctl.check.measures import tally as module
from proxyctl.check.measures.tally import Tally

SAMPLES = [
    Sample(0.0, 0.001, None, 200, "web1", 0.0005),
    Sample(0.1, 0.3, "http_503", 503, "web1", 0.3),
    Sample(0.2, 0.001, "reset"),
    Sample(0.25, 0.005, None, 200, "web2", 0.004),
]


def tallied(*samples: Sample) -> Tally:
    """Return the tally of these samples."""
    tally = Tally()
    for sample in samples:
        tally.add(sample)
    return tally


def test_counts() -> None:
    """Requests, failures by kind and servers are counted; a failed request counts for its server too."""
    tally = tallied(*SAMPLES)
    assert (tally.requests, tally.failed) == (4, 2)
    assert tally.errors == {"http_503": 1, "reset": 1}
    assert tally.servers == {"web1": 2, "web2": 1}
    assert tally.by_server["web1"].errors == {"http_503": 1}
    assert [failure.at for failure in tally.failures] == [0.1, 0.2]
    assert tally.seconds == pytest.approx(0.4)
    assert [piece.requests for piece in tally.timeline.closed()] == [1, 0, 2, 0, 1]


def test_latency_is_that_of_good_requests() -> None:
    """Fast failures do not improve the latency, of all or of a server; the first byte is apart."""
    tally = Tally()
    for milliseconds in range(1, 101):
        tally.add(Sample(0.0, milliseconds / 1000, None, 200, "web1", milliseconds / 2000))
        tally.add(Sample(0.0, 0.00001, "http_503", 503, "web1", 0.00001))
    for served in (tally.all, tally.by_server["web1"]):
        assert served.latency.figures()["p50"] == pytest.approx(50, rel=1e-3)
        assert served.first_byte.figures()["p50"] == pytest.approx(25, rel=1e-3)
        assert served.latency.total == 100


def test_failures_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long outage is counted whole and kept in part."""
    monkeypatch.setattr(module, "KEPT_FAILURES", 10)
    tally = tallied(*[Sample(0.0, 0.1, "refused")] * 25)
    assert (tally.errors["refused"], len(tally.failures)) == (25, 10)
    tally.merge(tally)
    assert (tally.errors["refused"], len(tally.failures)) == (50, 10)


def test_merge() -> None:
    """Tallies of two processes merged are the tally of all their samples, failures in the order of their ends."""
    left, right, both = tallied(*SAMPLES[::2]), tallied(*SAMPLES[1::2]), tallied(*SAMPLES)
    left.merge(right)
    assert (left.all, left.by_server, left.seconds) == (both.all, both.by_server, both.seconds)
    assert left.timeline.closed() == both.timeline.closed()
    assert [failure.error for failure in left.failures] == ["reset", "http_503"]
    assert left.gaps.found() == both.gaps.found() != tallied(*SAMPLES[::2]).gaps.found()
    assert (left.targets, left.keys) == (both.targets, both.keys)
