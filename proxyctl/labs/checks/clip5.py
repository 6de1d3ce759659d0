"""Checks of clip 5: who serves what by each way of choosing a server."""

from __future__ import annotations

import json

from proxyctl.labs.at import At
from proxyctl.labs.checks.balance import HASHED, SERVERS, checked, counts, judged, listed, report, served, tally
from proxyctl.labs.checks.facts import address, find_port, pids, until_answered, until_servers_answer
from proxyctl.labs.texts import Text

ITEMS = ("item1", "item2", "item3")
_ASK = HASHED.replace("PATH", "item")


def find_network(at: At) -> None:
    """Make the network, a folder for the configuration, and find a free port."""
    find_port(at)
    at.folder("conf")
    at.sh("docker network create {label} {net}")


def masters(at: At, key: str = "proxy") -> str:
    """Return the pid of nginx's master."""
    return pids(at, key, "nginx: master")


def workers(at: At, key: str = "proxy") -> str:
    """Return the pids of nginx's workers, also of those that are shutting down."""
    return pids(at, key, "nginx: worker process")


def find_workers(at: At) -> None:
    """Remember the workers before a reload."""
    at.found(workers=workers(at))


def reloaded(at: At) -> None:
    """Wait until new workers serve and the old ones are gone."""
    before = set(at["workers"].split())

    def new() -> bool:
        now = set(workers(at).split())
        return bool(now) and not now & before

    at.until(new, Text(ko="새 워커", en="new workers"))


def containers(at: At) -> None:
    """Expect each on the network; wait until all servers answer."""
    servers = (*ITEMS, "basket")
    until_servers_answer(at, *servers)
    at.table(*((at[key], address(at, key, at["net"])) for key in (*servers, "client")))


def upstream(at: At) -> None:
    """Expect an answer through the proxy, by an item server that sees the proxy as its client."""
    until_answered(at, "http://{proxy}/item", at["proxy"])
    answer = at.sh("docker exec {client} wget -qO- -T 5 http://{proxy}/item")
    received = json.loads(answer)
    at.equal(
        Text(ko="백엔드가 본 클라이언트", en="client that it saw"), received["client"], address(at, "proxy", at["net"])
    )
    at.expect(received["server"] in ITEMS, Text(ko=f"다른 서버입니다: {answer}", en=f"not item: {answer}"))
    at.table(
        (f"http://{at['proxy']}/item", f"→ {received['server']}"),
        (Text(ko="백엔드가 본 클라이언트", en="client that it saw"), received["client"]),
    )


def balanced(at: At) -> None:
    """Expect the same for each, to the request."""
    at.equal(SERVERS, served(at.out[-1]), dict.fromkeys(ITEMS, 100))
    at.table((SERVERS, counts(at.out[-1])), *judged(at, at.out[-1], "balance"))


def weight(at: At) -> None:
    """Expect three parts of five for one of them, to the request."""
    reloaded(at)
    out = checked(at, "/item --requests 200 --expect-weights item1=3,item2=1,item3=1 --proxy-workers 1", "balance")
    at.equal(SERVERS, served(out), {"item1": 120, "item2": 40, "item3": 40})
    at.table((SERVERS, counts(out)), *judged(at, out))


def slow(at: At) -> None:
    """Expect halves, also for the server that is slow."""
    reloaded(at)
    out = checked(at, "/item --requests 60 --concurrency 10")
    at.equal(SERVERS, served(out), {"item1": 30, "item2": 30})
    at.table((SERVERS, counts(out)), (Text(ko="초", en="seconds"), f"{report(out)['seconds']:.2f}"))


def least_conn(at: At) -> None:
    """Expect the fast server to get several times more."""
    reloaded(at)
    out = checked(at, "/item --requests 60 --concurrency 10")
    at.expect(
        served(out)["item1"] >= 2 * served(out).get("item2", 0),
        Text(ko=f"빠른 서버가 더 받지 않았습니다: {counts(out)}", en=f"not more for the fast one: {counts(out)}"),
    )
    at.table((SERVERS, counts(out)), (Text(ko="초", en="seconds"), f"{report(out)['seconds']:.2f}"))


def ip_hash(at: At) -> None:
    """Expect one server for one client and for a whole /24, several for several networks."""
    reloaded(at)
    one = checked(at, "/item --requests 60 --expect-balance source", "consistent")
    neighbours = tally(at.sh(_ASK.replace("ADDRESS", "10.0.7.$i")))
    spread = tally(at.sh(_ASK.replace("ADDRESS", "10.0.$i.7")))
    at.equal(Text(ko="한 클라이언트의 서버 수", en="servers of one client"), len(served(one)), 1)
    at.equal(Text(ko="한 /24의 서버 수", en="servers of one /24"), list(neighbours.values()), [12])
    at.expect(len(spread) > 1, Text(ko=f"나뉘지 않았습니다: {spread}", en=f"not spread: {spread}"))
    at.table(
        (Text(ko="한 클라이언트", en="one client"), counts(one)),
        ("10.0.7.1-12", listed(neighbours)),
        ("10.0.1-12.7", listed(spread)),
    )


def hash_uri(at: At) -> None:
    """Expect the verdicts that a URI met one server alone, and that all servers have their share of the URIs."""
    reloaded(at)
    out = checked(
        at,
        "/item --requests 300 --keys 60 --key-by uri --expect-balance uri --expect-weights item1=1,item2=1,item3=1",
        "consistent",
        "spread",
    )
    at.equal(SERVERS, list(served(out)), list(ITEMS))
    at.table((SERVERS, counts(out)), *judged(at, out))


def paths(at: At) -> None:
    """Expect each path to meet its own pool alone."""
    item, basket = at.out
    judged(at, item)
    judged(at, basket)
    at.expect(
        served(item) and set(served(item)) <= set(ITEMS),
        Text(ko=f"/item: {counts(item)}", en=f"/item: {counts(item)}"),
    )
    at.equal("/basket", served(basket), {"basket": 60})
    at.table(("/item", counts(item)), ("/basket", counts(basket)))
