"""What a gateway's status lets expect."""

from __future__ import annotations

from typing import Any

import pytest

from proxyctl.verify.expected import Expected, from_status

URL = "http://127.0.0.1:8080/"


def server(name: str, weight: int = 1, state: str = "up", *, backup: bool = False) -> dict[str, Any]:
    """Return a server as `status --json` shows it."""
    return {"name": name, "state": state, "weight": weight, "backup": backup}


def pool(
    name: str,
    *servers: dict[str, Any],
    host: str | None = None,
    path: str = "/",
    listen: int = 80,
    balance: str = "roundrobin",
) -> dict[str, Any]:
    """Return a pool as `status --json` shows it."""
    routes = [{"host": host, "path": path, "listen": listen}]
    return {"name": name, "balance": balance, "routes": routes, "servers": list(servers) or [server(f"{name}1")]}


def weights(*pools: dict[str, Any], url: str = URL, host: str | None = None) -> dict[str, float] | None:
    """Return the weights that are expected, if any."""
    expected = from_status({"pools": list(pools)}, url, host)
    return None if expected.weights is None else dict(expected.weights)


def why_not(*pools: dict[str, Any], url: str = URL) -> str:
    """Return why nothing is expected."""
    expected = from_status({"pools": list(pools)}, url)
    assert expected.weights is None
    return expected.source


def test_weights() -> None:
    """The weights of the servers that are up are expected, and nothing of those that are not."""
    expected = from_status(
        {"pools": [pool("web", server("web1", 3), server("web2"), server("web3", state="draining"))]}, URL
    )
    assert expected == Expected({"web1": 3, "web2": 1, "web3": 0}, "the weights of pool web")


def test_backups() -> None:
    """Backups are expected to get nothing while others are up, and everything when none is."""
    reserve = server("web2", backup=True)
    assert weights(pool("web", server("web1"), reserve)) == {"web1": 1, "web2": 0}
    assert weights(pool("web", server("web1", state="down"), reserve)) == {"web1": 0, "web2": 1}


@pytest.mark.parametrize("balance", ["leastconn", "source", "uri"])
def test_other_algorithms(balance: str) -> None:
    """Algorithms that do not go by weight alone are not judged by weight."""
    assert why_not(pool("web", balance=balance)) == f"pool web balances by {balance}: shares follow no weights"


def test_nothing_up() -> None:
    """A pool of which no server is up lets expect nothing."""
    assert why_not(pool("web", server("web1", state="starting"))) == "pool web has no server that is up"
    assert why_not(pool("web", server("web1", weight=0))) == "pool web has no server that is up"


def test_no_status() -> None:
    """Without a running watch nothing is known."""
    assert from_status(None, URL).weights is None


@pytest.mark.parametrize(
    ("path", "served"),
    [
        ("/", "web"),
        ("/x", "web"),
        ("/api", "api"),
        ("/api/x", "api"),
        ("/apix", "web"),
        ("/api/v2/", "new"),
        ("", "web"),
    ],
)
def test_longest_path(path: str, served: str) -> None:
    """The longest path that ends at a slash decides."""
    pools = pool("web"), pool("api", path="/api"), pool("new", path="/api/v2")
    assert weights(*pools, url=f"http://127.0.0.1:8080{path}") == {f"{served}1": 1}


@pytest.mark.parametrize(
    ("host", "served"),
    [
        (None, "any"),
        ("shop.example", "shop"),
        ("SHOP.example:8080", "shop"),
        ("a.shop.example", "wild"),
        ("b.a.shop.example", "deep"),
        ("other.example", "any"),
    ],
)
def test_host(host: str | None, served: str) -> None:
    """The named host decides before a wildcard, and a longer wildcard before a shorter one."""
    pools = (
        pool("any"),
        pool("shop", host="shop.example"),
        pool("wild", host="*.shop.example"),
        pool("deep", host="*.a.shop.example"),
    )
    assert weights(*pools, host=host) == {f"{served}1": 1}


def test_listener() -> None:
    """Where routes differ in their port alone the URL's port decides; where that says nothing, nobody does."""
    pools = pool("web"), pool("admin", listen=9000)
    assert weights(*pools, url="http://172.18.0.2:9000/") == {"admin1": 1}
    assert why_not(*pools) == f"by the gateway's status, admin or web serves {URL}"


def test_not_routed() -> None:
    """A URL that no route takes is served by no pool."""
    assert why_not(pool("api", path="/api")) == f"by the gateway's status, no pool serves {URL}"
