"""Draws a topology as SVG: containers are rows, networks are columns, a dot is a connection with its address.

Colours are classes of `page.html`, which has them for light and dark.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from html import escape

from proxyctl.labs.texts import Lang, Text
from proxyctl.labs.topology import Box, Network, Topology

LEFT, COLUMN, ROW = 290, 124, 46  # left of the columns: an image and three published ports
HOST_TOP, HOST_HEIGHT = 8, 30
HEAD_TOP, HEAD_HEIGHT = 70, 62
FIRST_ROW = HEAD_TOP + HEAD_HEIGHT + 30
COLOURS = 8

_HOST = Text(ko="호스트: 라우팅과 NAT", en="host: routing and NAT")
_INTERNAL = Text(ko="내부 전용", en="internal")
_ON_HOST = Text(ko="호스트의 네트워크를 그대로 사용", en="uses the host's own network")
_SHARES = Text(ko="{}의 네트워크를 함께 사용", en="shares the network of {}")
_NONE = Text(ko="네트워크 없음 (lo만)", en="no network (lo only)")
_DRAWING = Text(ko="네트워크 구성도", en="drawing of the networks")


def draw(topology: Topology, tag: str, lang: Lang) -> str:
    """Return the drawing; names go without the run's tag."""
    networks = [n for n in topology.networks if n.driver not in {"host", "null"}]
    boxes = _in_order(topology.boxes)
    columns = {network.name: index for index, network in enumerate(networks)}
    width = LEFT + max(2, len(networks)) * COLUMN + 36
    height = FIRST_ROW + len(boxes) * ROW
    parts = [_host(width, lang)]
    parts += [_column(network, index, height, tag, lang) for index, network in enumerate(networks)]
    parts += [_row(box, index, columns, tag, lang) for index, box in enumerate(boxes)]
    label = escape(_DRAWING.to(lang))
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{label}">'
        f"{''.join(parts)}</svg>"
    )


def _in_order(boxes: Sequence[Box]) -> list[Box]:
    """Return the boxes sorted by their networks; a box that shares the network of another stands below that other."""
    own = sorted((b for b in boxes if b.shares in {"", "host"}), key=lambda b: (_rank(b), b.name))
    ordered: list[Box] = []
    for box in own:
        ordered += [box, *(b for b in boxes if b.shares == box.name)]
    return ordered


def _rank(box: Box) -> tuple[tuple[str, bytes], ...]:
    return tuple((network, socket.inet_aton(address)) for network, address in box.addresses)


def _host(width: int, lang: Lang) -> str:
    return (
        f'<rect class="host" x="{LEFT - 12}" y="{HOST_TOP}" width="{width - LEFT - 24}" height="{HOST_HEIGHT}" rx="6"/>'
        + _text(LEFT + 2, HOST_TOP + 20, _HOST.to(lang), "name")
    )


def _column(network: Network, index: int, height: int, tag: str, lang: Lang) -> str:
    left, colour = LEFT + index * COLUMN, f"n{index % COLOURS}"
    middle = left + COLUMN // 2 - 6
    kind = f"{network.driver} {_INTERNAL.to(lang)}" if network.internal else network.bridge or network.driver
    link = "" if network.driver != "bridge" else "internal" if network.internal else "link"
    lines = (
        [f'<line class="{link}" x1="{middle}" y1="{HOST_TOP + HOST_HEIGHT}" x2="{middle}" y2="{HEAD_TOP}"/>']
        if link
        else []
    )
    if network.gateway and network.driver == "bridge":
        lines.append(_text(middle + 6, HEAD_TOP - 10, network.gateway, "small"))
    return "".join(
        [
            *lines,
            f'<line class="bus {colour}" x1="{middle}" y1="{HEAD_TOP + HEAD_HEIGHT}" x2="{middle}" y2="{height - 8}"/>',
            f'<rect class="net {colour}" x="{left}" y="{HEAD_TOP}" width="{COLUMN - 10}" height="62" rx="6"/>',
            _text(left + 6, HEAD_TOP + 19, _short(network.name, tag), "name"),
            _text(left + 6, HEAD_TOP + 36, kind, "small"),
            _text(left + 6, HEAD_TOP + 52, network.subnet, "small"),
        ]
    )


def _row(box: Box, index: int, columns: dict[str, int], tag: str, lang: Lang) -> str:
    top = FIRST_ROW + index * ROW - 18
    line = top + 18
    attached = sorted((columns[name], address) for name, address in box.addresses if name in columns)
    image = box.image.removeprefix("proxyctl/").removesuffix(":latest")
    about = "  ".join([image, *box.published])
    parts = [
        f'<rect class="box" x="8" y="{top}" width="{LEFT - 36}" height="36" rx="6"/>',
        _text(18, top + 15, _short(box.name, tag), "name"),
        _text(18, top + 29, about, "small"),
    ]
    if not attached:
        said = _ON_HOST if box.shares == "host" else _SHARES if box.shares else _NONE
        parts.append(_text(LEFT - 16, line + 4, said.to(lang).format(_short(box.shares, tag)), "note"))
        return "".join(parts)
    end = LEFT + attached[-1][0] * COLUMN + COLUMN // 2 - 6
    parts.insert(0, f'<line class="wire" x1="{LEFT - 28}" y1="{line}" x2="{end}" y2="{line}"/>')
    for column, address in attached:
        x = LEFT + column * COLUMN + COLUMN // 2 - 6
        parts.append(f'<circle class="dot n{column % COLOURS}" cx="{x}" cy="{line}" r="5"/>')
        parts.append(_text(x + 9, line - 5, address, "small"))
    return "".join(parts)


def _text(x: int, y: int, text: str, of: str) -> str:
    return f'<text class="{of}" x="{x}" y="{y}">{escape(text)}</text>'


def _short(name: str, tag: str) -> str:
    """Leave the run's tag out; a gateway, `proxyctl-…`, stays apart from its network."""
    return name.replace(f"lab-{tag}-", "", 1)
