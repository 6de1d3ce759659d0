"""Checks of clip 6, third part: what `proxyctl watch` makes of labels."""

from __future__ import annotations

import re

from proxyctl.labs.at import At
from proxyctl.labs.checks.balance import (
    INSIDE,
    SERVERS,
    checked_gateway,
    counts,
    judged,
    pools,
    report,
    served,
    until_served_by,
)
from proxyctl.labs.checks.facts import pids, until_answered
from proxyctl.labs.texts import Text


def labels(at: At) -> None:
    """Expect the labelled containers in their pools, all up."""
    at.background(
        "proxyctl watch --network {net} --engine haproxy --publish 127.0.0.1:{watch-port}:80 --state {state} --api off"
    )
    until_answered(at, "http://{gateway}/basket", at["gateway"])
    until_served_by(at, "web1", "web2")
    servers = pools(at)
    for server in servers:
        at.equal(f"{server['pool']}/{server['name']}", server["state"], "up")
    at.equal(INSIDE, {server["name"] for server in servers}, {at[key] for key in ("web1", "web2", "shop")})
    at.table(*((s["pool"], s["name"], s["state"], f"weight={s['weight']}") for s in servers))


def weight(at: At) -> None:
    """Expect three parts of four for one, and the other pool for the other path and host."""
    item, basket, host = at.out
    verdicts = judged(at, item, "balance")
    for out in (basket, host):
        judged(at, out)
    at.equal("/item", set(served(item)), {at["web1"], at["web2"]})
    # not to the request, as HAProxy's threads do not share what a queue of theirs has taken
    more, less = (served(item)[at[key]] for key in ("web1", "web2"))
    at.expect(
        2.5 * less <= more <= 3.5 * less, Text(ko=f"3대 1이 아닙니다: {more}:{less}", en=f"not 3:1: {more}:{less}")
    )
    at.equal("/basket", served(basket), {at["shop"]: 50})
    at.equal("basket.example", served(host), {at["shop"]: 50})
    at.table(("/item", counts(item)), ("/basket", counts(basket)), ("Host: basket.example", counts(host)))
    at.table(*verdicts)


def balance(at: At) -> None:
    """Expect each pool's directive in the file, and the verdicts of a hash and of a cookie."""
    dump, uri, sticky = at.out
    kept, stuck = (judged(at, out, "consistent") for out in (uri, sticky))
    for pool, wanted in (
        ("item", "balance roundrobin"),
        ("leastconn", "balance leastconn"),
        ("source", "balance source"),
        ("uri", "balance uri"),
        ("sticky", "cookie SRV insert"),
    ):
        block = re.search(rf"^backend {pool} (.*?)(^backend|\Z)", dump, re.DOTALL | re.MULTILINE)
        seen = block[1].strip() if block else "-"
        at.expect(wanted in seen, Text(ko=f"{pool}: {seen}", en=f"{pool}: {seen}"))
    both = {at["web1"], at["web2"]}
    at.equal("/uri, /sticky", [set(served(out)) for out in (uri, sticky)], [both, both])
    at.note(*dump.splitlines())
    at.table(("/uri", counts(uri)), *kept, ("/sticky", counts(sticky)), *stuck)


def find_gateway_pids(at: At) -> None:
    """Remember the gateway's processes."""
    at.found(gateway_pids=pids(at, "gateway", "haproxy"))


def join(at: At) -> None:
    """Expect the new server to be balanced, by the same processes."""
    until_served_by(at, "web1", "web2", "web3")
    out = checked_gateway(at, "--requests 200")
    at.equal(SERVERS, set(served(out)), {at["web1"], at["web2"], at["web3"]})
    after = pids(at, "gateway", "haproxy")
    at.equal(Text(ko="프로세스", en="processes"), after, at["gateway_pids"])
    at.table(
        (SERVERS, counts(out)),
        (Text(ko="프로세스", en="processes"), f"{at['gateway_pids']} == {after}"),
    )


def drain(at: At) -> None:
    """Expect the rest to serve everything, with nothing lost."""
    until_served_by(at, "web2", "web3")
    out = checked_gateway(at, "--requests 100")
    at.equal(SERVERS, set(served(out)), {at["web2"], at["web3"]})
    at.equal(Text(ko="성공", en="good"), report(out)["ok"], 100)
    at.table((SERVERS, counts(out)), *judged(at, out))
