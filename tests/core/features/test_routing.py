"""The labels of a route."""

from __future__ import annotations

import pytest

from proxyctl.core.features import routing
from proxyctl.core.labels.declaration import Claim
from tests.core.features.reading import further, member, on_tcp

READ = [
    ({}, [Claim(80, "", "/")]),
    ({"host": "b.example, *.a.example"}, [Claim(80, "*.a.example", "/"), Claim(80, "b.example", "/")]),
    ({"host": "*"}, [Claim(80, "", "/")]),
    ({"path": "/api/"}, [Claim(80, "", "/api")]),
    ({"path": "/api", "strip_prefix": "yes"}, [Claim(80, "", "/api", strip_prefix=True)]),
    ({"listen": "8443"}, [Claim(8443, "", "/")]),
]


@pytest.mark.parametrize(("labels", "claims"), READ)
def test_read(labels: dict[str, str], claims: list[Claim]) -> None:
    """Every host is a claim of its own, on one port, with one path."""
    assert list(member(labels).claims) == claims


def test_what_a_further_route_takes_from_the_container() -> None:
    """The hosts are the container's; path and port are each route's own."""
    labels = {"host": "a.example", "path": "/m", "strip_prefix": "1", "listen": "81"}
    assert further(labels).claims == (Claim(80, "a.example", "/"),)


@pytest.mark.parametrize("default", ["b.example", "*"])
def test_defaults(default: str) -> None:
    """`[defaults]` may give every container a host, and a container may still take any."""
    defaults = {"host": default, "listen": "81"}
    assert [c.host for c in member({}, defaults).claims] == [default.strip("*")]
    assert [c.host for c in member({"host": "*"}, defaults).claims] == [""]


def test_tcp_takes_the_port_alone() -> None:
    """Each of the others is refused there; a host with a reason of its own."""
    refused = on_tcp({"host": "a.example", "path": "/a", "strip_prefix": "1"})
    assert set(refused) == {k.name for k in routing.KEYS} - {"listen"}
    assert "SNI" in refused["host"]
    assert refused["path"] == refused["strip_prefix"] == "is for HTTP, this port is protocol=tcp"
