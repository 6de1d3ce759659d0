"""What a gateway's status lets expect."""

from __future__ import annotations

import pytest

from proxyctl.check.expected import Asked, Expected, expected, from_status, served_by_pool
from proxyctl.core.model import Balance
from proxyctl.core.status import PoolStatus, Status
from tests.statuses import pool, server, status

URL = "http://127.0.0.1:8080/"


def weights(*pools: PoolStatus, url: str = URL, host: str | None = None) -> dict[str, float] | None:
    """Return the weights that are expected, if any."""
    found = from_status(status(*pools), url, host)
    return None if found.weights is None else dict(found.weights)


def why_not(*pools: PoolStatus, url: str = URL) -> str:
    """Return why nothing is expected."""
    found = from_status(status(*pools), url)
    assert found.weights is None
    return found.source


def test_weights() -> None:
    """The weights of the servers that are up are expected, and nothing of those that are not."""
    found = from_status(status(pool("web", server("web1", 3), server("web2"), server("web3", state="draining"))), URL)
    weights = {"web1": 3.0, "web2": 1.0, "web3": 0.0}
    assert found == Expected(weights, "the weights of pool web", "roundrobin", engine="haproxy", pool="web")


def test_backups() -> None:
    """Backups are expected to get nothing while others are up, and everything when none is."""
    reserve = server("web2", backup=True)
    assert weights(pool("web", server("web1"), reserve)) == {"web1": 1, "web2": 0}
    assert weights(pool("web", server("web1", state="down"), reserve)) == {"web1": 0, "web2": 1}
    assert from_status(status(pool("web", server("web1"), reserve)), URL).backups == ("web2",)
    assert from_status(status(pool("web", server("web1", state="down"), reserve)), URL).backups == ()


@pytest.mark.parametrize("balance", ["leastconn", "source", "uri"])
def test_other_algorithms(balance: Balance) -> None:
    """The algorithm is told, so that the test that fits it is chosen."""
    assert from_status(status(pool("web", balance=balance)), URL).balance == balance


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


def counting(one: int | None, other: int | None) -> Status:
    """Return a status in which two servers have served so many requests."""
    return status(pool("web", server("web1", requests=one), server("web2", requests=other)))


def test_served_by_pool() -> None:
    """What the gateway counted is added up; where it does not count, nothing is."""
    assert served_by_pool(counting(3, 4), URL) == 7
    assert served_by_pool(counting(3, None), URL) is None
    assert served_by_pool(None, URL) is None


@pytest.mark.parametrize(
    ("asked", "after", "cycles"),
    [
        (Asked(), counting(8, 9), 1),
        (Asked(), counting(9, 9), None),
        (Asked(), counting(None, None), None),
        (Asked(workers=4), counting(None, None), 4),
        (Asked({"web1": 1}), counting(8, 9), None),
    ],
)
def test_exactness(asked: Asked, after: Status, cycles: int | None) -> None:
    """Single requests are counted where the gateway says that nobody else asked, or the user how many count."""
    assert expected(asked, counting(3, 4), after, URL, None, 10).cycles == cycles


def test_the_user_decides() -> None:
    """Weights and algorithm of the user come before those of the status; the rest is still the status's."""
    found = expected(Asked({"web1": 2.0}), counting(3, 4), counting(3, 4), URL, None, 10)
    assert (found.weights, found.source, found.balance) == ({"web1": 2.0}, "--expect-weights", "roundrobin")
    assert expected(Asked(balance="uri"), None, None, URL, None, 10).balance == "uri"


def test_pool_that_changes() -> None:
    """When the pool changed while requests were sent, no shares are expected."""
    after = status(pool("web", server("web1", 3)))
    assert expected(Asked(), counting(3, 4), after, URL, None, 10).source == "the pool changed during the check"
