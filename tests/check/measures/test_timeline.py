"""What happened when."""

from __future__ import annotations

import pytest

from proxyctl.check.measures import timeline as module
from proxyctl.check.measures.timeline import Block, Slice, Timeline


def test_slices() -> None:
    """Requests count in the slice in which they ended, and a slice in which nothing ended is there too."""
    timeline = Timeline()
    timeline.add(0.05, 0.002, "web1")
    timeline.add(0.07, 0.004, "web2")
    timeline.add(0.25, None, "web1")
    timeline.add(0.26, None, None)
    assert timeline.closed() == (
        Slice(0.0, 2, 0, 1.984, 3.968, 4.0, {"web1": 1, "web2": 1}),
        Slice(0.1),
        Slice(0.2, 2, 2, None, None, None, {"web1": 1}),
    )


def test_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of any length has a bounded number of slices, and each request is in the right one."""
    monkeypatch.setattr(module, "MOST_SLICES", 10)
    timeline = Timeline()
    for tenth in range(100):
        timeline.add(tenth / 10 + 0.05, 0.001, "web1")
    slices = timeline.closed()
    assert timeline.width == 1.6
    assert [piece.requests for piece in slices] == [16] * 6 + [4]
    assert [piece.at for piece in slices] == pytest.approx([i * 1.6 for i in range(7)])


@pytest.mark.parametrize("turned", [False, True])
def test_merge(monkeypatch: pytest.MonkeyPatch, turned: bool) -> None:
    """Two timelines merged are the one of all their requests, in the wider slices of the two."""
    monkeypatch.setattr(module, "MOST_SLICES", 10)
    both, one, other = Timeline(), Timeline(), Timeline()
    for end, name in ((0.05, "web1"), (0.15, "web2"), (1.55, "web1"), (0.95, "web2")):
        both.add(end, 0.003, name)
        (one if end > 1 else other).add(end, 0.003, name)
    first, second = (other, one) if turned else (one, other)
    first.merge(second)
    assert first.width == both.width == 0.2
    assert first.closed() == both.closed()


def test_before_the_start() -> None:
    """A clock that is a little off does not lose a request."""
    timeline = Timeline()
    timeline.add(-0.001, 0.001, None)
    assert timeline.closed()[0].requests == 1
    assert Timeline().closed() == ()


def test_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The latency of good requests is kept in a few blocks of equally many slices, the last may be shorter."""
    monkeypatch.setattr(module, "MOST_BLOCKS", 2)
    timeline = Timeline()
    for end, latency in ((0.05, 0.002), (0.15, 0.004), (0.16, None), (0.35, 0.004), (0.45, 0.002)):
        timeline.add(end, latency, None)
    assert timeline.blocks() == (Block(0.0, {1984: 1, 3968: 1}), Block(0.3, {1984: 1, 3968: 1}))
    assert Timeline().blocks() == ()
