"""Noise is called noise, and what is worse is seen: by simulation with fixed seeds."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections.abc import Callable

import pytest

from proxyctl.check.verdicts.compare import compare, too_short
from proxyctl.check.verdicts.difference import Difference
from proxyctl.check.verdicts.runs import Block, Run, Times
from tests.check.verdicts.runs import run

WEIGHTS = {"web0": 1.0, "web1": 1.0, "web2": 1.0}


def words(a: Run, b: Run) -> dict[str, str]:
    """Return what is said of each figure."""
    return {one.name.split()[0]: one.word for one in compare(a, b)}


def named(a: Run, b: Run, name: str) -> Difference:
    """Return one figure."""
    return next(one for one in compare(a, b, visible=True) if one.name.split()[0] == name)


@pytest.mark.parametrize(
    "make",
    [
        run,
        lambda rng: run(rng, 600, errors=0.02),
        lambda rng: run(rng, drift=0.3),
        lambda rng: run(rng, stalls=3),
        lambda rng: run(rng, choose=lambda i: f"web{i % 3}"),
    ],
    ids=["independent", "errors", "drift", "stalls", "round robin"],
)
def test_equal_runs_are_noise(make: Callable[[random.Random], Run]) -> None:
    """Two runs of the same thing differ by noise: fewer than 1 in 1,000 comparisons say else.

    Each of 20 runs with each other are 190 comparisons per case, 950 in all, all of them noise. What 6,000
    independent pairs gave is in docs/decisions/0023.
    """
    rng = random.Random(23)
    runs = [make(rng) for _ in range(20)]
    wrong = [
        (i, k, one.name, one.p)
        for (i, a), (k, b) in itertools.combinations(enumerate(runs), 2)
        for one in compare(a, b, least=0.0)
        if one.word == "real"
    ]
    assert wrong == []


def test_a_tenth_slower_is_seen() -> None:
    """A p99 that is 10 % slower is seen each time with 50,000 requests, and so are p50 and the rate that falls."""
    for seed in range(3):
        rng = random.Random(seed)
        before, after = run(rng, 50_000), run(rng, 50_000, slower=1.1)
        by_name = {one.name: one for one in compare(before, after)}
        assert {name: by_name[name].is_worse for name in ("p50", "p99", "rate")} == {
            "p50": True,
            "p99": True,
            "rate": True,
        }
        back = {one.name: one for one in compare(after, before)}
        assert (back["p99"].word, back["p99"].is_worse) == ("real", False)


def test_what_would_have_been_seen() -> None:
    """Each judged figure tells the change that would have been called real; such a change is then called so."""
    rng = random.Random(7)
    a, b = run(rng, 20_000), run(rng, 20_000)
    seen = {one.name: one.visible for one in compare(a, b, visible=True)}
    assert seen["max"] is None
    p99, rate, errors = seen["p99"], seen["rate"], seen["errors"]
    assert p99
    assert rate
    assert errors
    assert 0.03 < p99 < 0.2
    assert 0.01 < rate < 0.1
    assert 0.0003 < errors < 0.002
    slower = run(rng, 20_000, slower=1 + 1.6 * p99)
    assert named(a, slower, "p99").word == "real"
    assert named(a, run(rng, 20_000, errors=errors * 3), "errors").word == "real"


def test_what_cannot_be_seen() -> None:
    """Where no change of a percentile could have been seen, none is promised."""
    rng = random.Random(8)
    assert named(run(rng, 1000), run(rng, 1000), "p50").visible
    few = named(run(rng, 25), run(rng, 25), "p50")
    assert (few.word, few.visible) == ("noise", None)


def test_errors() -> None:
    """Errors that appear are seen, a single one is noise, and one hiccup with many is noise too."""
    rng = random.Random(3)
    none, some = run(rng), run(rng, errors=0.03)
    assert named(none, some, "errors").is_worse
    assert not named(some, none, "errors").is_worse
    assert words(none, run(rng, errors=0.0005))["errors"] == "noise"
    first, *rest = none.blocks
    hiccup = dataclasses.replace(none, blocks=(dataclasses.replace(first, errors=60), *rest))
    assert words(none, hiccup)["errors"] == "noise"


def test_shares() -> None:
    """A server that is starved is seen; it is worse where it leads away from weights that both had to follow."""
    rng = random.Random(4)
    fair, starved = run(rng), run(rng, choose=lambda i: f"web{i % 2}")
    difference = named(fair, starved, "share")
    assert (difference.name, difference.word, difference.is_worse, difference.b) == ("share web2", "real", False, 0.0)
    judged = [dataclasses.replace(one, expected=WEIGHTS) for one in (fair, starved)]
    assert named(judged[0], judged[1], "share").is_worse
    assert not named(judged[1], judged[0], "share").is_worse
    assert named(judged[1], judged[0], "share").change is None
    other = dataclasses.replace(starved, expected={"web0": 1.0, "web1": 1.0})
    assert not named(judged[0], other, "share").is_worse


def test_small_differences_are_slight() -> None:
    """With enough requests everything differs; less than `least` is told and is not worse."""
    rng = random.Random(5)
    a, b = run(rng, 30_000), run(rng, 30_000, slower=1.03)
    (p50,) = (one for one in compare(a, b) if one.name == "p50")
    assert (p50.word, p50.is_worse) == ("slight", False)
    (p50,) = (one for one in compare(a, b, least=0.01) if one.name == "p50")
    assert (p50.word, p50.is_worse) == ("real", True)


def test_the_level_is_over_all_figures() -> None:
    """Seven judged figures share the level; a stricter one calls less real."""
    rng = random.Random(6)
    a, b = run(rng, 4000), run(rng, 4000, slower=1.1)
    differences = compare(a, b)
    assert {one.limit for one in differences} == {1e-3 / 7}
    assert sum(one.p is not None for one in differences) == 7
    real = [sum(one.word == "real" for one in compare(a, b, level=level)) for level in (1e-1, 1e-3, 1e-30)]
    assert real[0] >= real[1] > real[2] == 0


def test_constant_latency() -> None:
    """Times without any variation are compared too: the same is the same, and 10 % more is more."""

    def constant(us: int) -> Run:
        times = Times.of({us: 50})
        return Run(tuple(Block(0.1, 50, latency=times) for _ in range(20)), Times.of({us: 1000}), us / 1000)

    assert words(constant(2000), constant(2000))["p99"] == "noise"
    assert named(constant(1984), constant(2176), "p99").is_worse
    assert named(constant(1984), constant(2176), "max").word == "not judged"


def test_short_and_empty_runs() -> None:
    """A run of few blocks has no rate or latency that is judged, its errors are; one without anything has nothing."""
    times = Times.of({2000: 500})
    short = Run((Block(0.1, 500, latency=times),) * 3, Times.of({2000: 1500}))
    broken = Run((Block(0.1, 500, 500),) * 3, Times())
    empty = Run((), Times())
    assert too_short(short)
    assert not too_short(run(random.Random(9)))
    assert words(short, short) == dict.fromkeys(("rate", "p50", "p90", "p99", "p99.9", "max"), "not judged") | {
        "errors": "noise"
    }
    assert named(short, broken, "errors").is_worse
    assert named(short, broken, "p50").b is None
    assert named(broken, broken, "errors").visible is None
    assert set(words(empty, short).values()) == {"not judged"}
    assert named(empty, empty, "rate").change is None


def test_blocks_without_a_good_request() -> None:
    """Where no block has any times, a percentile is not judged."""
    bare = Run((Block(0.1, 10),) * 20, Times.of({2000: 200}))
    assert words(bare, bare)["p50"] == "not judged"
