"""The labels by which a pool chooses a server."""

from __future__ import annotations

from typing import Any

import pytest

from proxyctl.core.features import balancing
from proxyctl.core.features.key import Key
from tests.core.features.reading import further, member, on_tcp, reasons

READ = [
    *((balancing.PROTOCOL, text, text) for text in ("http", "https", "h2c")),
    (balancing.PROTOCOL, None, "http"),
    *((balancing.BALANCE, text, text) for text in ("roundrobin", "leastconn", "source", "uri", "random")),
    (balancing.BALANCE, "URI", "uri"),
    (balancing.BALANCE, None, "roundrobin"),
    (balancing.STICKY, "route", "route"),
    (balancing.STICKY, "off", None),
    (balancing.STICKY, None, None),
]


@pytest.mark.parametrize(("key", "text", "value"), READ)
def test_read(key: Key[Any], text: str | None, value: object) -> None:
    """Each label is its pool's field; without it the default counts."""
    assert key.of(member({} if text is None else {key.name: text}).pool) == value


@pytest.mark.parametrize(("label", "text"), [("protocol", "udp"), ("balance", "first"), ("sticky", "a;b")])
def test_refused(label: str, text: str) -> None:
    """A word that is not on the list is a mistake."""
    assert list(reasons({label: text})) == [label]


def test_a_further_pool_has_its_own() -> None:
    """Nothing of it is inherited: another port may speak another protocol."""
    pool = further({"protocol": "https", "balance": "uri", "sticky": "c"}).pool
    assert [k.of(pool) for k in balancing.KEYS] == ["http", "roundrobin", None]


@pytest.mark.parametrize("balance", ["roundrobin", "leastconn", "source", "random"])
def test_tcp_balances_by_all_but_the_uri(balance: str) -> None:
    """A tcp connection has neither a URI nor a cookie."""
    assert on_tcp({"balance": balance}) == {}
    assert on_tcp({"balance": "uri"}) == {"balance": "uri is for HTTP: protocol=tcp has none"}
    assert on_tcp({"sticky": "c"}) == {"sticky": "is for HTTP, this port is protocol=tcp"}


def test_defaults_for_http_do_not_count_on_tcp() -> None:
    """What `[defaults]` says for all is no mistake of a tcp port, and does not count there."""
    pool = member({"protocol": "tcp", "listen": "1"}, {"balance": "uri", "sticky": "c"}).pool
    assert [k.of(pool) for k in balancing.KEYS] == ["tcp", "roundrobin", None]
    assert member({"protocol": "tcp", "listen": "1"}, {"balance": "source"}).pool.balance == "source"
