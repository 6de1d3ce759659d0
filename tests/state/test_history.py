"""History in a few words, and which generation somebody means by "back"."""

from __future__ import annotations

import dataclasses

import pytest

from proxyctl.core.labels.declaration import Options
from proxyctl.core.model import Desired, Pool, Server, Tuning
from proxyctl.core.plan import diff
from proxyctl.errors import UsageError
from proxyctl.state.history import Past, differences, summary, target
from proxyctl.state.port import Inputs, PinnedGeneration

SERVERS = tuple(Server(f"web{n}", f"id{n}", "10.0.0.1", 80) for n in range(5))
EMPTY = Desired(pools=(Pool("web"),))
FULL = Desired(pools=(Pool("web", servers=SERVERS),))


def test_a_summary_names_three_changes() -> None:
    """The first of them in full, the others as a number; without any it is the reason of the reload."""
    joined = tuple(f"web{n} joined pool web at 10.0.0.1:80" for n in range(3))
    assert summary(diff(EMPTY, FULL), ("x",), None) == (*joined, "and 2 more")
    assert summary(diff(FULL, FULL), ("templates changed",), None) == ("templates changed",)
    assert summary(diff(FULL, FULL), (), 7) == ("held at generation 7",)


def line(*topologies: str, current: int, unapplied: int = 0) -> list[Past]:
    """Return generations 1, 2, 3 ... of these topologies."""
    return [
        Past(n, f"r{n}", topology, float(n), applied=n != unapplied, current=n == current)
        for n, topology in enumerate(topologies, 1)
    ]


@pytest.mark.parametrize(
    ("history", "asked", "pinned", "expected"),
    [
        (line("a", "b", current=2), None, None, 1),
        (line("a", "b", "b", "b", current=4), None, None, 1),
        (line("a", "b", "c", current=3), None, None, 2),
        (line("a", "b", "c", current=3, unapplied=2), None, None, 1),
        (line("a", "b", "c", "b", current=4), None, 2, 1),
        (line("b", "a", "b", "b", current=3), None, None, 2),
        (line("a", "b", "c", current=3), 1, None, 1),
        (line("a", "b", "c", current=3), 3, 1, 3),
    ],
)
def test_the_generation_to_go_back_to(
    history: list[Past], asked: int | None, pinned: int | None, expected: int
) -> None:
    """The number that was asked for; else the last applied one that differs in more than its servers."""
    assert target(reversed(history), asked, pinned) == expected


@pytest.mark.parametrize(
    ("history", "asked", "message"),
    [
        (line("a", "b", "c", current=3, unapplied=2), 2, "there is no generation 2 to go back to; there are 1, 3"),
        (
            line("a", "b", "a", current=3),
            1,
            "generation 1 would change nothing: it differs in servers and maintenan",
        ),
        (line("a", "b", current=2), 2, "generation 2 would change nothing"),
        (line("a", current=1), 9, "there is no generation 9 to go back to; there are 1"),
        ([], 9, "there is no generation 9 to go back to; there are none"),
        ([], None, "no earlier generation would change anything: "),
        (line("a", "a", current=2), None, "no earlier generation would change anything: "),
    ],
)
def test_no_way_back(history: list[Past], asked: int | None, message: str) -> None:
    """One line that says what there is."""
    with pytest.raises(UsageError) as caught:
        target(history, asked, None)
    assert str(caught.value).startswith(message)


def test_what_a_rollback_changes_is_told_without_what_it_leaves_alone() -> None:
    """Pools, routes, templates and settings; servers, maintenance, the secret and the prefix stay as they are."""
    inputs = Inputs(Options(), Tuning(), {"a.j2": "1"}, "secret")
    busy = Desired(pools=(Pool("web", servers=SERVERS, maintenance=True), Pool("api", balance="uri")))
    now = PinnedGeneration(9, "", busy, inputs)
    other = dataclasses.replace(inputs, token="other", options=Options(label_prefix="edge"), pinned=3)
    assert (
        differences(now, PinnedGeneration(8, "", Desired(pools=(Pool("web"), Pool("api", balance="uri"))), other)) == ()
    )
    then = Inputs(Options(expose_by_default=True), Tuning(), {"a.j2": "2"}, "secret")
    assert differences(now, PinnedGeneration(7, "", EMPTY, then)) == (
        "pool api removed",
        "templates as they were then",
        "settings of proxyctl.toml and flags as they were then",
    )
