"""Each label at the place that it is written for, or a problem that names it."""

from __future__ import annotations

import pytest

from proxyctl.core.features import table
from proxyctl.core.labels.declaration import Options
from proxyctl.core.labels.reading import parse
from tests.core.labels.read import one
from tests.core.worlds import container, wrong_labels


@pytest.mark.parametrize("marker", sorted(table.OWN_MARKERS))
def test_own_markers_are_no_mistakes(marker: str) -> None:
    """Labels that proxyctl's own tools put on what they create are neither keys nor mistakes."""
    assert parse(container("web", enable=False, raw={marker: "x"})).problems == ()


def test_the_prefix_can_be_changed() -> None:
    """With another prefix only labels below it count, and problems name them as they were written."""
    options = Options(label_prefix="acme.lb")
    read = parse(container("web", {"enable": "1", "weight": "7"}, prefix="acme.lb.", raw={"proxyctl.x": "1"}), options)
    assert one(read).weight == 7
    read = parse(container("web", {"wieght": "7"}, prefix="acme.lb."), options)
    assert read.problems[0].label == "acme.lb.wieght"
    assert "acme.lb.weight" in read.problems[0].reason


def test_all_mistakes_are_reported_and_none_is_half_applied() -> None:
    """Every mistake of a container is named, sorted, and nothing of the container is used."""
    wrong = {"weight": "300", "wieght": "1", "route.x.port": "http", "route.X.port": "1", "route.x": "1", "path": "a"}
    read = parse(container("web", wrong | {"route.x.enable": "1", "retry.unsafe": "maybe"}))
    assert read.memberships == ()
    assert [label for _, label in wrong_labels(read.problems)] == sorted(
        f"proxyctl.{k}" for k in [*wrong, "route.x.enable", "retry.unsafe"]
    )
    assert {p.severity for p in read.problems} == {"error"}
    reasons = {p.label: p.reason for p in read.problems}
    assert reasons["proxyctl.weight"] == '"300" is not accepted: a whole number from 0 to 256'
    assert reasons["proxyctl.wieght"] == "unknown key; did you mean proxyctl.weight?"
    assert reasons["proxyctl.retry.unsafe"].startswith('"maybe" is not accepted: true, false')


@pytest.mark.parametrize("key", ["proxyctl.a\x1b[31mb", "proxyctl." + "x" * 500])
def test_a_hostile_key_is_shown_tamed(key: str) -> None:
    """A key with control characters or without end is named in a form that a terminal can take."""
    (problem,) = parse(container("web", raw={key: "1"})).problems
    assert problem.label.isprintable()
    assert len(problem.label) < 200
