"""Paths and places of labels: geometry on numbers alone. x is stretched by the page, y is in its pixels, downwards."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from typing import Final

WIDTH: Final = 1000
"""Of every drawing, in its own units; the page stretches it to the room there is."""


@dataclasses.dataclass(frozen=True, slots=True)
class Label:
    """A text at a part of the width (in percent), in one of the lines that it takes to keep labels apart."""

    x: float
    text: str
    line: int = 0
    members: tuple[int, ...] = ()


def steps(edges: Sequence[float], heights: Sequence[float | None], ground: float | None = None) -> str:
    """Return a line of steps, broken where there is no height; `edges` are one more than heights.

    With a `ground`, each piece comes up from there and goes back down.
    """
    path: list[str] = []
    open_at: float | None = None
    for (left, right), y in zip(itertools.pairwise(edges), heights, strict=True):
        if y is None:
            path += [f"V{ground:g}"] if ground is not None and open_at is not None else []
        elif open_at is None:
            path += [f"M{left:g} {y:g}"] if ground is None else [f"M{left:g} {ground:g}", f"V{y:g}"]
        elif y != open_at:
            path.append(f"V{y:g}")
        if y is not None:
            path.append(f"H{right:g}")
        open_at = y
    return "".join((*path, f"V{ground:g}") if ground is not None and open_at is not None else path)


def band(edges: Sequence[float], lower: Sequence[float], upper: Sequence[float]) -> str:
    """Return the area of steps between two heights; empty where it has none."""
    if all(low == up for low, up in zip(lower, upper, strict=True)):
        return ""
    there = steps(edges, upper)
    back = steps(tuple(reversed(edges)), tuple(reversed(lower)))
    return f"{there}L{back[1:]}Z"


def bars(edges: Sequence[float], heights: Sequence[float], ground: float, gap: float = 0.0) -> str:
    """Return bars from the ground up to their heights, without those that have none."""
    path = []
    for (left, right), y in zip(itertools.pairwise(edges), heights, strict=True):
        if y != ground:
            cut = min(gap, (right - left) / 4)
            path.append(f"M{round(left + cut, 1):g} {ground:g}V{y:g}H{round(right - cut, 1):g}V{ground:g}Z")
    return "".join(path)


def stacked(rows: Sequence[Sequence[float]]) -> list[list[float]]:
    """Return the sums up to each row, from nothing to all."""
    sums = [[0.0] * (len(rows[0]) if rows else 0)]
    for row in rows:
        sums.append([low + value for low, value in zip(sums[-1], row, strict=True)])
    return sums


def apart(labels: Iterable[tuple[float, str]], room: float) -> tuple[Label, ...]:
    """Place labels, each in the first line where it touches none before; `room` is the least width in pixels.

    The place of a label is its middle, in percent of the width.
    """
    ends: list[float] = []
    placed = []
    for x, text in sorted(labels):
        half = _width(text) / 2
        middle = min(max(x / 100 * room, half), max(half, room - half))
        line = next((i for i, end in enumerate(ends) if end <= middle - half), len(ends))
        ends[line:] = [middle + half, *ends[line + 1 :]]
        placed.append(Label(round(middle / room * 100, 2), text, line))
    return tuple(placed)


def together(marks: Sequence[tuple[float, str]], room: float) -> tuple[Label, ...]:
    """Place numbered marks (place in percent, kind) in one line; those that would touch become one, `3-5`.

    A mark alone tells its kind, and so do several of the same kind.
    """
    groups: list[list[int]] = []
    for number in range(len(marks)):
        groups.append([number])
        while len(groups) > 1 and _reach(marks, groups[-2], room)[1] > _reach(marks, groups[-1], room)[0]:
            last = groups.pop()
            groups[-1] += last
    return tuple(
        Label(round(_middle(marks, group, room) / room * 100, 2), _named(marks, group), members=tuple(group))
        for group in groups
    )


def _named(marks: Sequence[tuple[float, str]], group: Sequence[int]) -> str:
    kinds = {marks[number][1] for number in group}
    numbers = f"{group[0] + 1}" if len(group) == 1 else f"{group[0] + 1}-{group[-1] + 1}"  # counted from 1
    return f"{numbers} {kinds.pop()}" if len(kinds) == 1 else numbers


def _middle(marks: Sequence[tuple[float, str]], group: Sequence[int], room: float) -> float:
    half = _width(_named(marks, group)) / 2
    middle = (marks[group[0]][0] + marks[group[-1]][0]) / 200 * room
    return min(max(middle, half), max(half, room - half))


def _reach(marks: Sequence[tuple[float, str]], group: Sequence[int], room: float) -> tuple[float, float]:
    half = _width(_named(marks, group)) / 2
    middle = _middle(marks, group, room)
    return middle - half, middle + half


def _width(text: str) -> float:
    """Return about how wide a label is in pixels, with some air."""
    return 6.6 * len(text) + 10
