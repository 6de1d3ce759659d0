"""Who served how much."""

from __future__ import annotations

import itertools
import random

import pytest

from proxyctl.check.verdicts.balance import (
    Work,
    backup,
    balance,
    can_be_exact,
    exact_balance,
    faulty_server,
    leastconn,
    ring_balance,
)


def test_balance_good() -> None:
    """A good balance says what was expected of it and how much the requests could have shown."""
    verdict = balance({"web1": 1000, "web2": 1000, "web3": 1000}, {"web1": 1, "web2": 1, "web3": 1})
    assert (verdict.name, verdict.ok, verdict.value, verdict.expected) == ("balance", True, 1.0, "p > 1e-4")
    assert verdict.detail == (
        "as expected, effect size 0.00; with 3000 requests a share that is off by 3.7 points shows"
    )


def test_balance_bad() -> None:
    """A bad balance names the server that is furthest off."""
    verdict = balance({"web1": 900, "web2": 100}, {"web1": 3, "web2": 1})
    assert not verdict.ok
    assert verdict.detail.startswith("web1 got 900 instead of 750, effect size 0.35; ")


def test_balance_strangers() -> None:
    """Servers that should get nothing are named with what they got."""
    verdict = balance({"web1": 9, "web8": 2, "web9": 1}, {"web1": 1, "web8": 0})
    assert (verdict.ok, verdict.value, verdict.detail) == (False, 0.0, "web8, web9 got 3 and should get nothing")


# ------------------------------------------------------------------ exact


def smooth(weights: dict[str, int], requests: int, rng: random.Random, workers: int) -> dict[str, int]:
    """Serve as nginx does: smooth weighted round robin in each process, each request to a process by chance."""
    credit = [dict.fromkeys(weights, 0) for _ in range(workers)]
    for process in credit:  # each somewhere in its cycle
        for _ in range(rng.randrange(sum(weights.values()))):
            _turn(weights, process)
    counts = dict.fromkeys(weights, 0)
    for _ in range(requests):
        counts[_turn(weights, credit[rng.randrange(workers)])] += 1
    return counts


def _turn(weights: dict[str, int], credit: dict[str, int]) -> str:
    for name, weight in weights.items():
        credit[name] += weight
    best = max(credit, key=credit.__getitem__)
    credit[best] -= sum(weights.values())
    return best


WEIGHTS = [{"a": 1, "b": 1}, {"a": 3, "b": 1}, {"a": 1, "b": 1, "c": 1}, {"a": 5, "b": 3, "c": 1}, {"a": 20, "b": 10}]


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_exact_never_accuses_round_robin(weights: dict[str, int], workers: int) -> None:
    """A round robin is within one cycle for each process that counts for itself, from wherever it begins."""
    rng = random.Random(f"{weights} {workers}")
    for _ in range(100):
        verdict = exact_balance(smooth(weights, rng.randrange(1, 400), rng, workers), dict(weights), workers)
        assert verdict.ok, verdict


@pytest.mark.parametrize(
    ("counts", "weights", "cycles", "ok", "off"),
    [
        ({"a": 334, "b": 333, "c": 333}, {"a": 1.0, "b": 1.0, "c": 1.0}, 1, True, 0.67),
        ({"a": 336, "b": 332, "c": 332}, {"a": 1.0, "b": 1.0, "c": 1.0}, 1, False, 2.67),
        ({"a": 336, "b": 332, "c": 332}, {"a": 1.0, "b": 1.0, "c": 1.0}, 4, True, 2.67),
        ({"a": 302, "b": 98}, {"a": 6.0, "b": 2.0}, 1, False, 2.0),
        ({"a": 301, "b": 99}, {"a": 3.0, "b": 1.0}, 1, True, 1.0),
        ({"a": 250, "b": 750}, {"a": 3.0, "b": 1.0}, 1, False, 500.0),
        ({"a": 10, "x": 1}, {"a": 1.0, "x": 0.0}, 1, False, 1.0),
        ({}, {"a": 1.0}, 1, True, 0.0),
    ],
)
def test_exact(counts: dict[str, int], weights: dict[str, float], cycles: int, ok: bool, off: float) -> None:
    """Two requests too many of a thousand are seen, where chi-squared would not see fifty."""
    verdict = exact_balance(counts, weights, cycles)
    assert (verdict.name, verdict.ok) == ("balance", ok)
    assert verdict.value == pytest.approx(off, abs=0.01)


def test_exact_says_what_it_could_show() -> None:
    """The verdict names the furthest server and how little these requests would have shown."""
    verdict = exact_balance({"a": 30, "b": 10}, {"a": 3.0, "b": 1.0}, 1)
    assert (verdict.expected, verdict.detail) == (
        "within 1 cycle",
        "as expected; with 40 requests a share that is off by 7.5 points shows",
    )
    assert exact_balance({"a": 1, "x": 3}, {"a": 1.0}, 2).detail == "x got 3 and should get nothing"
    assert exact_balance({"a": 1}, {"a": 1.0}, 2).expected == "within 2 cycles"


def test_can_be_exact() -> None:
    """Only whole weights make cycles."""
    assert can_be_exact({"a": 3.0, "b": 0.0})
    assert not can_be_exact({"a": 0.5, "b": 1.0})
    assert not can_be_exact({"a": 0.0})


# ------------------------------------------------------------------ leastconn


def by_load(latency: dict[str, float], connections: int, requests: int, *, blind: bool = False) -> dict[str, Work]:
    """Serve a closed loop by least connections, or in turn where it is blind; return what each server did."""
    now, served = 0.0, dict.fromkeys(latency, 0)
    ends: list[tuple[float, str]] = []
    turn = itertools.cycle(latency)
    for _ in range(requests):
        if len(ends) >= connections:
            ends.sort()
            now = ends.pop(0)[0]
        open_ = {name: sum(1 for _, n in ends if n == name) for name in latency}
        name = next(turn) if blind else min(open_, key=open_.__getitem__)
        ends.append((now + latency[name], name))
        served[name] += 1
    scale = SECONDS / now
    return {n: Work(served[n], latency[n] * scale, served[n] * latency[n] * scale) for n in latency}


SECONDS = 10.0
SLOW = {"fast": 0.01, "quick": 0.012, "slow": 0.1}
ALL_ALIKE = {"fast": 1.0, "quick": 1.0, "slow": 1.0}


@pytest.mark.parametrize("connections", [4, 12, 24, 60])
def test_leastconn(connections: int) -> None:
    """A slow server gets as many fewer requests as it is slower; a proxy that takes turns is caught."""
    good = leastconn(by_load(SLOW, connections, 4000), ALL_ALIKE, SECONDS)
    assert good.ok, good
    assert good.detail.startswith("under way on average: fast ")
    bad = leastconn(by_load(SLOW, connections, 4000, blind=True), ALL_ALIKE, SECONDS)
    assert not bad.ok, bad


def test_leastconn_of_idle_servers_is_not_accused() -> None:
    """Servers that are done at once are chosen in turn, whatever their weights; a single long wait says nothing."""
    alike = {name: Work(1000, 0.002, 2.0) for name in ("a", "b", "c")}
    assert leastconn(alike, {"a": 3, "b": 2, "c": 1}, 0.3).ok
    waited = alike | {"c": Work(1000, 0.0021, 9.0)}
    assert leastconn(waited, {"a": 3, "b": 2, "c": 1}, 0.3).ok


@pytest.mark.parametrize(
    ("work", "weights", "detail"),
    [
        ({"a": 5, "x": 3}, {"a": 1.0, "x": 0.0}, "x got 3 and should get nothing"),
        ({"a": 100}, {"a": 1.0, "b": 1.0}, "b got nothing"),
    ],
)
def test_leastconn_starves_nobody(work: dict[str, int], weights: dict[str, float], detail: str) -> None:
    """Who should serve and never does is named, and so is who serves and should not."""
    verdict = leastconn({n: Work(c, 0.001, 0.1) for n, c in work.items()}, weights, 1.0)
    assert (verdict.ok, verdict.detail) == (False, detail)


def test_leastconn_says_what_it_cannot_tell() -> None:
    """With few requests, one server or little load the verdict says that it shows little."""
    few = {"a": Work(9, 0.001, 0.01)}
    assert leastconn(few, {"a": 1.0, "b": 1.0}, 1.0).detail == "too few requests to tell"
    assert leastconn(few, {"a": 1.0}, 1.0).detail == "too few requests to tell"
    idle = leastconn({n: Work(9, 0.001, 0.01) for n in "ab"}, {"a": 1.0, "b": 1.0}, 1.0)
    assert "there is little to choose: more --concurrency than 4" in idle.detail


# ------------------------------------------------------------------ rings


def test_ring_balance() -> None:
    """Rings as uneven as HAProxy's pass; swapped weights, a starved server and strangers do not."""
    weights = {"a": 3.0, "b": 2.0, "c": 1.0}
    assert ring_balance({"a": 2095, "b": 1251, "c": 439}, weights).ok  # HAProxy 3.2, seen
    assert ring_balance({"a": 5336, "b": 3194, "c": 1265}, weights).ok  # the same, with two draws
    assert not ring_balance({"a": 250, "b": 750}, {"a": 3.0, "b": 1.0}).ok
    assert not ring_balance({"a": 600, "b": 400, "c": 0}, {"a": 3.0, "b": 2.0, "c": 2.0}).ok
    assert ring_balance({"a": 9, "x": 1}, {"a": 1.0, "x": 0.0}).detail == "x got 1 and should get nothing"
    assert ring_balance({}, weights).ok


# ------------------------------------------------------------------ backups and faulty servers


def test_backup() -> None:
    """A backup that was used while others were up is named."""
    assert backup({"a": 5}, ("z",)).detail == "not used: z"
    verdict = backup({"a": 5, "z": 2}, ("y", "z"))
    assert (verdict.ok, verdict.value, verdict.detail) == (False, 2, "z served 2")


def test_faulty_server() -> None:
    """One server that fails 1 in 500 is told from the others, and failures that are spread are not."""
    requests = {"a": 10_000, "b": 10_000, "c": 10_000}
    bad = faulty_server(requests, {"b": 20})
    assert bad is not None
    assert not bad.ok
    assert bad.detail == "b failed 20 of 10000 requests, the others 0 of 20000"
    good = faulty_server(requests, {"a": 7, "b": 9, "c": 4})
    assert good is not None
    assert good.ok


def test_faulty_server_needs_others_and_failures() -> None:
    """Nobody is accused where there is nobody to compare with, or where nothing failed."""
    assert faulty_server({"a": 100}, {"a": 50}) is None
    assert faulty_server({"a": 100, "b": 100}, {}) is None


def test_false_alarms_of_faulty_server() -> None:
    """Servers that fail alike are not accused, in 2,000 runs of a fixed seed."""
    rng = random.Random(5)
    requests = {"a": 3000, "b": 1000, "c": 500}
    for _ in range(2000):
        failed = {n: sum(rng.random() < 0.01 for _ in range(count // 10)) for n, count in requests.items()}
        verdict = faulty_server(requests, failed)
        assert verdict is None or verdict.ok
