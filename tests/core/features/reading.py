"""What the tests of families ask: what labels mean, alone or on a further route, and what is refused of them."""

from __future__ import annotations

from collections.abc import Mapping

from proxyctl.core.labels.declaration import Membership, Options
from proxyctl.core.labels.reading import parse
from tests.core.worlds import container


def member(labels: Mapping[str, str], defaults: Mapping[str, str] | None = None) -> Membership:
    """Return the only membership that labels without a mistake make."""
    read = parse(container("web", labels), Options(defaults=tuple((defaults or {}).items())))
    assert read.problems == ()
    (membership,) = read.memberships
    return membership


def further(labels: Mapping[str, str]) -> Membership:
    """Return the membership of a further route with a pool of its own, beside the container's own labels."""
    read = parse(container("web", {**labels, "route.x.pool": "x"}))
    assert read.problems == ()
    return read.memberships[1]


def reasons(labels: Mapping[str, str]) -> dict[str, str]:
    """Return the reason of each mistake by the label, without the prefix."""
    read = parse(container("web", labels))
    return {p.label.removeprefix("proxyctl."): p.reason for p in read.problems}


def on_tcp(labels: Mapping[str, str]) -> dict[str, str]:
    """Return the reasons on a port that is otherwise a good tcp port."""
    return reasons({"protocol": "tcp", "listen": "5432", **labels})
