"""The labels of one server."""

from __future__ import annotations

from typing import Any

import pytest

from proxyctl.core.features import server
from proxyctl.core.features.key import Key
from tests.core.features.reading import further, member, on_tcp, reasons

READ = [
    (server.PORT, "8080", 8080),
    (server.PORT, None, 80),
    (server.WEIGHT, "0", 0),
    (server.WEIGHT, "256", 256),
    (server.WEIGHT, None, 1),
    (server.BACKUP, "on", True),
    (server.BACKUP, None, False),
    (server.MAXCONN, "1000000", 1_000_000),
    (server.MAXCONN, None, None),
]


@pytest.mark.parametrize(("key", "text", "value"), READ)
def test_read(key: Key[Any], text: str | None, value: object) -> None:
    """Each label is its membership's field of that name; without it the default counts."""
    assert key.of(member({} if text is None else {key.name: text})) == value


@pytest.mark.parametrize(
    ("label", "text"), [("port", "0"), ("port", "65536"), ("weight", "257"), ("backup", "2"), ("maxconn", "0")]
)
def test_refused(label: str, text: str) -> None:
    """What is out of range is a mistake, never cut to fit."""
    assert list(reasons({label: text})) == [label]


def test_what_a_further_route_takes_from_the_container() -> None:
    """The port, weight and role are the container's; the connections of another port are its own matter."""
    labels = {"port": "81", "weight": "3", "backup": "1", "maxconn": "9"}
    route = further(labels)
    assert [k.of(route) for k in server.KEYS] == [81, 3, True, None]
    own = further(
        labels | {"route.x.port": "82", "route.x.weight": "0", "route.x.backup": "no", "route.x.maxconn": "1"}
    )
    assert [k.of(own) for k in server.KEYS] == [82, 0, False, 1]


def test_they_go_with_tcp() -> None:
    """None of them is about HTTP."""
    assert on_tcp({"port": "1", "weight": "1", "backup": "1", "maxconn": "1"}) == {}
