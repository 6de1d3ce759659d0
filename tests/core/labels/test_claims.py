"""The places on the gateway that labels claim, and what a tcp port refuses."""

from __future__ import annotations

import pytest

from proxyctl.core.labels.declaration import Claim, Options
from proxyctl.core.labels.reading import parse
from tests.core.labels.read import one
from tests.core.worlds import container, wrong_labels

TCP_MISTAKES = [
    ({}, ["listen"]),
    ({"host": "a.example"}, ["host", "listen"]),
    ({"listen": "5432", "path": "/a", "strip_prefix": "1"}, ["path", "strip_prefix"]),
    ({"listen": "5432", "sticky": "c", "health.path": "/"}, ["health.path", "sticky"]),
    ({"listen": "5432", "retry.unsafe": "true"}, ["retry.unsafe"]),
    ({"listen": "5432", "balance": "uri"}, ["balance"]),
    ({"listen": "5432", "route.x.host": "a.example", "route.x.listen": "5433"}, ["route.x.host"]),
    ({"listen": "5432", "route.x.path": "/a"}, ["route.x.listen", "route.x.path"]),
]


@pytest.mark.parametrize(("labels", "wrong"), TCP_MISTAKES)
def test_tcp_takes_a_port_of_its_own_and_nothing_of_http(labels: dict[str, str], wrong: list[str]) -> None:
    """With protocol=tcp the listen port is required, and each key that means nothing there is named."""
    read = parse(container("db", labels | {"protocol": "tcp"}))
    assert [label for _, label in wrong_labels(read.problems)] == [f"proxyctl.{w}" for w in wrong]


def test_a_tcp_route() -> None:
    """A tcp port becomes one claim on its listen port, whatever the defaults say about HTTP."""
    defaults = (("balance", "uri"), ("health.path", "/"), ("host", "a.example"), ("sticky", "c"))
    read = one(parse(container("db", {"protocol": "tcp", "listen": "5432"}), Options(defaults=defaults)))
    assert read.claims == (Claim(5432, "", "/"),)
    assert (read.pool.balance, read.pool.health, read.pool.sticky) == ("roundrobin", None, None)
