"""The same key, the same server."""

from __future__ import annotations

import bisect
import hashlib
import random

import pytest

from proxyctl.check.verdicts.consistency import consistent, moved, owners, spread

THREE = {"a": 1.0, "b": 1.0, "c": 1.0}
FOUR = {**THREE, "d": 1.0}


def ring(servers: dict[str, float], keys: range, *, points: int = 16, salt: str = "") -> dict[int, str]:
    """Give keys to servers by a consistent hash, as uneven as HAProxy's, whose servers have 16 points by default."""

    def place(text: str) -> int:
        return int.from_bytes(hashlib.blake2b((salt + text).encode(), digest_size=8).digest())

    circle = sorted((place(f"{name}#{i}"), name) for name in servers for i in range(points))
    at = [point for point, _ in circle]
    return {key: circle[bisect.bisect(at, place(f"key-{key}")) % len(circle)][1] for key in keys}


def modulo(servers: dict[str, float], keys: range) -> dict[int, str]:
    """Give keys to servers by a hash that is not consistent."""
    names = sorted(servers)
    return {key: names[int(hashlib.md5(str(key).encode()).hexdigest(), 16) % len(names)] for key in keys}


def test_consistent() -> None:
    """A key that met two servers is named, and with it how many more did."""
    good = consistent({1: {"a": 5}, 2: {"b": 1}, 3: {"a": 2, "b": 0}})
    assert (good.ok, good.value, good.detail) == (True, 0, "2 keys were asked more than once")
    bad = consistent({key: {"b": 2, "a": 3} for key in range(5)} | {9: {"a": 1}})
    assert (bad.ok, bad.value) == (False, 5)
    assert bad.detail == "key 0 met a and b; key 1 met a and b; key 2 met a and b and 2 more"
    assert consistent({7: {"b": 2, "a": 3}}).detail == "key 7 met a and b"


def test_owners() -> None:
    """Who serves a key is who did so most often."""
    assert owners({1: {"a": 1, "b": 3}, 2: {"c": 1}, 3: {}}) == {1: "b", 2: "c"}


def test_spread() -> None:
    """Keys that all went to one server are seen; too few keys are not judged."""
    bad = spread(dict.fromkeys(range(60), "a"), THREE)
    assert bad is not None
    assert (bad.ok, bad.value, bad.detail) == (False, 0.0, "keys: a 60, b 0, c 0")
    assert spread(dict.fromkeys(range(59), "a"), THREE) is None
    assert spread({1: "a"}, {"a": 0.0}) is None


def test_hash_rings_are_not_accused() -> None:
    """Rings as uneven as real ones spread well enough, and move little enough, 1,000 times of 1,000."""
    keys = range(300)
    for salt in range(500):
        before, after = ring(THREE, keys, salt=str(salt)), ring(FOUR, keys, salt=str(salt))
        spreading = spread(before, THREE)
        assert spreading is not None
        assert spreading.ok, spreading
        assert moved(before, after, FOUR).ok, moved(before, after, FOUR)
        assert moved(after, before, FOUR).ok


def test_moved_catches_modulo() -> None:
    """A hash that is not consistent moves most keys when a server joins, and is caught."""
    keys = range(300)
    verdict = moved(modulo(THREE, keys), modulo(FOUR, keys), FOUR)
    assert not verdict.ok
    assert (verdict.value or 0) > 0.6
    assert "between servers that stayed" in verdict.detail


def test_moved_catches_modulo_of_few_servers() -> None:
    """From two servers to three a modulo moves as much as an uneven ring may: it is known by what moves needlessly."""
    two = dict.fromkeys("ab", 1.0)
    keys = range(150)
    verdict = moved(modulo(two, keys), modulo(THREE, keys), THREE)
    assert (verdict.value or 0) < float(verdict.expected.removeprefix("<= "))
    assert not verdict.ok
    for salt in range(300):
        assert moved(ring(two, keys, salt=str(salt)), ring(THREE, keys, salt=str(salt)), THREE).ok


@pytest.mark.parametrize(("before", "after"), [({}, {}), ({1: "a"}, {2: "a"})])
def test_nothing_to_compare(before: dict[int, str], after: dict[int, str]) -> None:
    """Without a key that was asked both times nothing is proven."""
    assert not moved(before, after, THREE).ok


def test_same_servers_move_nothing() -> None:
    """Where no server came or went, no key may move."""
    before = {key: "ab"[key % 2] for key in range(50)}
    assert moved(before, before, {"a": 1.0, "b": 1.0}).ok
    torn = before | {random.Random(1).randrange(50): "zz"}
    assert not moved(before, before | {0: "b"}, {"a": 1.0, "b": 1.0}).ok
    assert moved(before, torn, {"a": 1.0, "b": 1.0, "zz": 1.0}).ok
