"""What each scenario takes for wrong: played on a stage in memory that misbehaves to order.

That real proxies behave is for tests/docker/test_scenarios.py; here it is only that the judgement can fail.
"""

from __future__ import annotations

import re

import pytest

from proxyctl.check.scenarios.events import SCENARIOS
from proxyctl.check.scenarios.stage import Unfit, Unmet
from tests.check.scenarios.stages import Server, World

PLAYED = {s.name: s.play for s in SCENARIOS if s.name not in {"sticky", "rollout"}}  # these two ask real parts


def ring(key: int, up: list[str]) -> str:
    """Choose by rendezvous, which moves only what a new server takes."""
    return max(up, key=lambda name: hash_of(f"{name}/{key}"))


def modulo(key: int, up: list[str]) -> str:
    """Choose by the rest of a division, which moves most keys when the number changes."""
    return up[key % len(up)]


def hash_of(text: str) -> int:
    """Spread texts evenly, and alike in every run."""
    value = 2166136261
    for octet in text.encode():
        value = (value ^ octet) * 16777619 % 2**32
    return value * 2654435761 % 2**32


def backed() -> dict[str, Server]:
    """Return two servers and a backup."""
    return {"web1": Server(), "web2": Server(), "spare": Server(backup=True)}


@pytest.mark.parametrize(
    ("name", "stage", "seen"),
    [
        ("join", World(), "web1-r2 served 0.1 s after its start"),
        ("leave", World(), "web1 was drained and stopped"),
        ("kill", World(), "web1 was out of the pool 0.1 s after the kill"),
        ("pause", World(), "web1 got nothing while paused, and served 0.1 s after it went on"),
        ("scale", World(), "three more served within 0.1 s and left again"),
        ("reload", World(), "generation 1 became 2 in 0.1 s"),
        ("failover", World(), "web3 alone served on, 0.1 s after 2 had stopped"),
        ("failover", World(pool=backed()), "spare alone served on, 0.1 s after 2 had stopped"),
        (
            "consistent",
            World(balance="uri", owner=ring),
            r"\d+ of 150 keys moved, 0 of them between servers that stayed, .* joined 3 others",
        ),
        ("weights", World(), "web1 served 240 of 400 requests with weight 3"),
    ],
)
def test_right_pool_passes(name: str, stage: World, seen: str) -> None:
    """Each scenario passes where servers do what it expects."""
    stage.settle()
    assert re.fullmatch(seen, PLAYED[name](stage))


@pytest.mark.parametrize(
    ("name", "stage", "seen"),
    [
        ("join", World(never=True), "a request served by web1-r2 did not come within 20 s"),
        ("leave", World(stays=True), "the leave of web1 did not come within 20 s"),
        ("leave", World(lingers=True), "web1 still answered 10 requests after it had left"),
        ("kill", World(stays=True), "the leave of web1 did not come within 20 s"),
        ("pause", World(stays=True), "the leave of web1 did not come within 20 s"),
        ("pause", World(lingers=True), "web1 still answered 10 requests after it had left"),
        ("pause", World(never=True), "a request served by web1 did not come within 20 s"),
        ("scale", World(never=True), "a request served by web1-r2 did not come within 20 s"),
        ("scale", World(stays=True), "the leave of web1-r2, web1-r3, web1-r4 did not come within 20 s"),
        ("reload", World(same_generation=True), "a further pool in a new generation did not come within 20 s"),
        ("failover", World(dead=True), "a request served by web3 did not come within 20 s"),
        ("failover", World(lingers=True), "web[12] still answered 10 requests after it had left"),
        ("failover", World(pool=backed(), dead=True), "a request served by spare did not come within 20 s"),
        ("failover", World(pool=backed(), eager_backup=True), "the backup spare served while others were up"),
        (
            "consistent",
            World(balance="uri", owner=modulo),
            r"\d+ of 150 keys moved, [1-9]\d* of them between servers that stayed, .*",
        ),
        (
            "consistent",
            World(balance="uri", owner=ring, never=True),
            "a request served by web1-r2 did not come within 20 s",
        ),
        ("weights", World(same_weights=True), r"\{'web1': 134, .*\} for the weights \{'web1': 3, .*"),
    ],
)
def test_wrong_pool_is_told(name: str, stage: World, seen: str) -> None:
    """Each scenario fails where they do not, and says what it has seen."""
    stage.settle()
    with pytest.raises(Unmet) as raised:
        PLAYED[name](stage)
    assert re.fullmatch(seen, str(raised.value)), raised.value


@pytest.mark.parametrize(
    ("name", "stage", "why"),
    [
        ("leave", World(pool={"web1": Server()}), "needs 2 servers that are up"),
        ("leave", World(pool={"web1": Server(), "web2": Server(weight=0)}), "needs 2 servers that are up"),
        ("failover", World(pool={"web1": Server()}), "needs a backup server, or two servers that are up"),
        ("consistent", World(), "keys show in balance=source and uri, this pool has roundrobin"),
        ("weights", World(balance="leastconn"), "weights show in balance=roundrobin and random, this pool has leastc"),
    ],
)
def test_pool_that_cannot_show_it_is_skipped(name: str, stage: World, why: str) -> None:
    """What a pool cannot show is not held against it."""
    with pytest.raises(Unfit, match=why):
        PLAYED[name](stage)


def test_what_cannot_be_taken_back_keeps_nothing_else_from_it() -> None:
    """The rest is taken back all the same, and what is left is named."""
    stage, done = World(), list[str]()
    stage.leftovers, stage._undo = [], []
    stage.undo("the first", lambda: done.append("first"))
    stage.undo("the second", lambda: stage.until(lambda: False, "its return"))
    stage._take_back()
    assert done == ["first"]
    assert stage.leftovers == ["the second: its return did not come within 20 s"]
