"""The figures as drawings: the steps of a join, and the proxy's processes during a burst. Plain SVG, nothing else.

Colours are those of Okabe and Ito, which colour-blind people can tell apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from bench.burst import Burst
from bench.joins import Moves
from bench.steps import STEPS
from bench.table import Results, medians, percentile

WIDTH = 800
_LEFT, _RIGHT, _BAR, _GAP = 20, 60, 34, 40
_COLOURS = ("#0072B2", "#56B4E9", "#009E73", "#999999", "#F0E442", "#D55E00", "#CC79A7")
_FONT = 'font-family="sans-serif" font-size="13"'


def plots(results: Results) -> dict[str, str]:
    """Return drawings by file name, of the parts that were measured."""
    drawn = {}
    if results.moves:
        drawn["joins.svg"] = _joins(results.moves, _about(results))
    if results.bursts:
        drawn["burst.svg"] = _burst(results.bursts, _about(results))
    return drawn


def _about(results: Results) -> str:
    return f"{results.date}, {results.machine['processors']}, load average {results.load[0]} to {results.load[1]}"


def _joins(moves: Mapping[str, Moves], about: str) -> str:
    """Draw one bar for each proxy, its steps one after the other, and a mark at the first request."""
    longest = max(max(sum(medians(m.steps).values()), percentile(m.joins, 50)) for m in moves.values())
    scale = (WIDTH - _LEFT - _RIGHT) / longest
    parts = [_text(_LEFT, 22, "A join, from Docker's start event: median of each step, in milliseconds")]
    for number, step in enumerate(STEPS):
        x = _LEFT + number * 100
        parts += [_rect(x, 36, 12, 12, _COLOURS[number]), _text(x + 18, 47, step)]
    y = 76.0
    for name, its in moves.items():
        parts.append(_text(_LEFT, y, f"{name}: first request after {percentile(its.joins, 50):.1f} (the mark)"))
        left = float(_LEFT)
        for colour, took in zip(_COLOURS, medians(its.steps).values(), strict=True):
            parts.append(_rect(left, y + 8, took * scale, _BAR, colour))
            if took * scale > 34:  # noqa: PLR2004 - room for the figure
                parts.append(_text(left + 4, y + 8 + _BAR / 2 + 5, f"{took:.1f}"))
            left += took * scale
        parts.append(_text(left + 6, y + 8 + _BAR / 2 + 5, f"{(left - _LEFT) / scale:.1f}"))
        mark = _LEFT + percentile(its.joins, 50) * scale
        parts.append(f'<path d="M{mark:.1f} {y + 4} v{_BAR + 8}" stroke="black" stroke-width="2"/>')
        y += _BAR + _GAP
    return _svg([*parts, _text(_LEFT, y, about)], y + 14)


def _burst(bursts: Mapping[str, Burst], about: str) -> str:
    """Draw the number of processes over time, one line for each proxy."""
    height, top = 200, 60
    bottom = top + height
    seconds = max(b.counts[-1][0] for b in bursts.values())
    most = max(b.most for b in bursts.values())
    across, up = (WIDTH - _LEFT - _RIGHT) / seconds, height / most
    servers = next(iter(bursts.values())).servers
    parts = [_text(_LEFT, 22, f"{servers} servers started at once: the proxy's processes, by seconds")]
    for number, (name, burst) in enumerate(bursts.items()):
        colour = _COLOURS[5 * number]
        points = " ".join(f"{_LEFT + at * across:.1f},{bottom - total * up:.1f}" for at, total, _ in burst.counts)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts += [_rect(_LEFT + number * 380, 34, 12, 12, colour)]
        parts.append(
            _text(_LEFT + 18 + number * 380, 45, f"{name}: at most {burst.most}, all serve {burst.serving:.2f} s")
        )
        end = _LEFT + burst.serving * across
        parts.append(f'<path d="M{end:.1f} {top} V{bottom}" stroke="{colour}" stroke-dasharray="4"/>')
    parts.append(f'<path d="M{_LEFT} {top} V{bottom} H{WIDTH - _RIGHT}" fill="none" stroke="black"/>')
    parts += [_text(WIDTH - _RIGHT + 4, bottom, f"{seconds:.0f} s"), _text(2, top + 4, str(most))]
    return _svg([*parts, _text(_LEFT, bottom + 26, about)], bottom + 40)


def _svg(parts: Iterable[str], height: float) -> str:
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {_FONT}>'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{height}" fill="white"/>', *parts, "</svg>", ""])


def _rect(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
