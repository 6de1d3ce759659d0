"""Paths and labels, on numbers."""

from __future__ import annotations

from proxyctl.check.reports.page import shape


def test_steps() -> None:
    """A line of steps is broken where there is no height, and starts anew after it."""
    assert shape.steps((0, 10, 20, 30), (5, 5, 7)) == "M0 5H10H20V7H30"
    assert shape.steps((0, 10, 20, 30), (5, None, 7)) == "M0 5H10M20 7H30"
    assert shape.steps((0, 10), (None,)) == shape.steps((0,), ()) == ""


def test_steps_on_the_ground() -> None:
    """With a ground, each piece comes up from it and goes back."""
    assert shape.steps((0, 10, 20, 30), (5, None, 7), 9) == "M0 9V5H10V9M20 9V7H30V9"


def test_band() -> None:
    """An area goes there along the upper steps and back along the lower ones; without any height it is nothing."""
    assert shape.band((0, 10, 20), (9, 8), (5, 5)) == "M0 5H10H20L20 8H10V9H0Z"
    assert shape.band((0, 10), (9,), (9,)) == ""


def test_bars() -> None:
    """Bars stand on the ground, with a gap; what has no height is left out."""
    assert shape.bars((0, 10, 20), (5, 9), 9) == "M0 9V5H10V9Z"
    assert shape.bars((0, 10, 20), (5, 6), 9, gap=1) == "M1 9V5H9V9ZM11 9V6H19V9Z"


def test_stacked() -> None:
    """Rows are put on each other."""
    assert shape.stacked([[1, 2], [3, 4]]) == [[0, 0], [1, 2], [4, 6]]
    assert shape.stacked([]) == [[]]


def test_labels_apart() -> None:
    """Labels that would touch are in lines of their own, and none is beyond the ends."""
    labels = shape.apart([(0, "p50"), (3, "p90"), (50, "p99"), (100, "max")], 300)
    assert [(label.text, label.line) for label in labels] == [("p50", 0), ("p90", 1), ("p99", 0), ("max", 0)]
    assert labels[0].x > 0
    assert labels[-1].x < 100


def test_marks_together() -> None:
    """Marks that would touch become one, which tells the kind where it is the same; all others stay where they are."""
    marks = [(10.0, "join"), (11.0, "join"), (60.0, "drain"), (61.0, "reload"), (90.0, "leave")]
    labels = shape.together(marks, 600)
    assert [label.text for label in labels] == ["1-2 join", "3-4", "5 leave"]
    assert [label.members for label in labels] == [(0, 1), (2, 3), (4,)]
    assert [label.text for label in shape.together(marks, 60)] == ["1-5"]
    assert shape.together([], 600) == ()


def test_marks_at_the_ends() -> None:
    """A mark at an end is moved so that its text is inside."""
    first, last = shape.together([(0.0, "generation"), (100.0, "generation")], 600)
    assert 0 < first.x < 10
    assert 90 < last.x < 100
