"""Checks of clip 6: who serves what by each way of choosing a server."""

from __future__ import annotations

import json

from proxyctl.labs.at import At
from proxyctl.labs.checks.balance import HASHED, SERVERS, counts, judged, listed, report, served, tally
from proxyctl.labs.checks.facts import address, find_ports, until_answered, until_servers_answer
from proxyctl.labs.texts import Text

ITEMS = ("item1", "item2", "item3")
_ASK = HASHED.replace("PATH", "source").replace("ADDRESS", "10.0.7.$i")


def find_network(at: At) -> None:
    """Make the network, a folder for the configuration, and find free ports."""
    find_ports(at, "port", "l4", "stats")
    at.folder("conf")
    at.sh("docker network create {label} {net}")


def containers(at: At) -> None:
    """Expect each on the network; wait until all servers answer."""
    servers = (*ITEMS, "item4", "basket")
    until_servers_answer(at, *servers)
    at.table(*((at[key], address(at, key, at["net"])) for key in (*servers, "client")))


def by_hand(at: At) -> None:
    """Expect an answer through the proxy, by an item server that sees the proxy as its client."""
    until_answered(at, "http://{proxy}/item", at["proxy"])
    answer = at.sh("docker exec {client} wget -qO- -T 5 http://{proxy}/item")
    received = json.loads(answer)
    seen = Text(ko="백엔드가 본 클라이언트", en="client that it saw")
    at.equal(seen, received["client"], address(at, "proxy", at["net"]))
    at.expect(received["server"] in ITEMS, Text(ko=f"다른 서버입니다: {answer}", en=f"not item: {answer}"))
    at.table(
        ("haproxy -c", at.out[3] or Text(ko="오류 없음", en="no error")),
        (f"http://{at['proxy']}/item", f"→ {received['server']}"),
        (seen, f"{received['client']} ({at['proxy']})"),
    )


def roundrobin(at: At) -> None:
    """Expect the same for each, to the request."""
    at.equal(SERVERS, served(at.out[0]), dict.fromkeys(ITEMS, 100))
    at.table((SERVERS, counts(at.out[0])), *judged(at, at.out[0], "balance"))


def weights(at: At) -> None:
    """Expect three parts of five for one of them, to the request."""
    at.equal(SERVERS, served(at.out[0]), {"item1": 120, "item2": 40, "item3": 40})
    at.table((SERVERS, counts(at.out[0])), *judged(at, at.out[0], "balance"))


def leastconn(at: At) -> None:
    """Expect halves of round robin, and with leastconn the fast server to get several times more."""
    fair, least = at.out
    for out in at.out:
        judged(at, out)
    at.equal("roundrobin", served(fair), {"item1": 30, "item2": 30})
    at.expect(
        served(least)["item1"] >= 2 * served(least).get("item2", 0),
        Text(ko=f"빠른 서버가 더 받지 않았습니다: {counts(least)}", en=f"not more for the fast one: {counts(least)}"),
    )
    at.table(
        ("", SERVERS, Text(ko="초", en="seconds")),
        *(
            (name, counts(out), f"{report(out)['seconds']:.2f}")
            for name, out in (("roundrobin", fair), ("leastconn", least))
        ),
    )


def source(at: At) -> None:
    """Expect one server for one client, several for several, and the same for each when asked again."""
    many, again = at.sh(_ASK), at.sh(_ASK)
    spread = tally(many)
    at.equal(Text(ko="한 클라이언트의 서버 수", en="servers of one client"), len(served(at.out[0])), 1)
    at.equal(Text(ko="모든 응답", en="all answers"), sum(spread.values()), 12)
    at.expect(len(spread) > 1, Text(ko=f"나뉘지 않았습니다: {spread}", en=f"not spread: {spread}"))
    at.equal(Text(ko="다시 물었을 때", en="asked again"), again, many)
    at.table(
        (Text(ko="한 클라이언트", en="one client"), counts(at.out[0])),
        ("10.0.7.1 … 12", listed(spread)),
        *judged(at, at.out[0], "consistent"),
    )


def uri(at: At) -> None:
    """Expect the verdicts that a URI met one server alone, and that all servers have their share of the URIs."""
    at.equal(SERVERS, tuple(served(at.out[0])), ITEMS)
    at.table((SERVERS, counts(at.out[0])), *judged(at, at.out[0], "consistent", "spread"))


def routes(at: At) -> None:
    """Expect each path and host to meet its own backend alone."""
    item, basket, host = at.out
    for out in at.out:
        judged(at, out)
    at.equal("/item", served(item), dict.fromkeys(ITEMS, 20))
    at.equal("/basket", served(basket), {"basket": 60})
    at.equal("basket.example", served(host), {"basket": 60})
    at.table(("/item", counts(item)), ("/basket", counts(basket)), ("Host: basket.example", counts(host)))


def layers(at: At) -> None:
    """Expect one connection to be spread in L7 alone, and L4 to know neither header nor path."""
    l7, l4, fresh, proxied, passed = at.out
    for out in (l7, l4, fresh):
        judged(at, out)
    at.equal("L7", served(l7), dict.fromkeys(ITEMS, 20))
    at.equal(Text(ko="L4 연결 하나의 서버 수", en="servers of one L4 connection"), list(served(l4).values()), [60])
    at.equal(Text(ko="L4 새 연결마다", en="L4, new connections"), served(fresh), dict.fromkeys(ITEMS, 20))
    header = [str(json.loads(answer)["headers"].get("X-Forwarded-For", "-")) for answer in (proxied, passed)]
    at.expect(header[0] != "-" and header[1] == "-", Text(ko=f"X-Forwarded-For: {header}", en=f"it is {header}"))
    at.expect(
        json.loads(passed)["server"] in ITEMS, Text(ko=f"다른 서버입니다: {passed}", en=f"it was routed: {passed}")
    )
    at.table(
        ("", SERVERS, "X-Forwarded-For"),
        (Text(ko="L7, 연결 하나", en="L7, one connection"), counts(l7), header[0]),
        (Text(ko="L4, 연결 하나", en="L4, one connection"), counts(l4), header[1]),
        (Text(ko="L4, 새 연결마다", en="L4, new connections"), counts(fresh), header[1]),
    )
    at.note(f"L4 /basket → {json.loads(passed)['server']}")
