"""Checks of clip 5, third part: what `proxyctl watch` makes of labels."""

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
    served,
    until_served_by,
)
from proxyctl.labs.checks.clip5 import masters, workers
from proxyctl.labs.checks.facts import until_answered
from proxyctl.labs.texts import Text

FILE = "docker exec {gateway} grep -E '^ *server [0-9]' /proxyctl/current/nginx.conf"


def labels(at: At) -> None:
    """Expect an answer through the gateway, by a labelled container."""
    at.background(
        "proxyctl watch --network {net} --engine nginx --publish 127.0.0.1:{watch-port}:80 --state {state} --api off"
    )
    until_answered(at, "http://{gateway}/basket", at["gateway"])
    servers = pools(at)
    at.equal(INSIDE, {server["name"] for server in servers}, {at[key] for key in ("web1", "web2", "web3", "shop")})
    at.table(*((s["pool"], s["name"], f"weight={s['weight']}", "backup" if s["backup"] else "") for s in servers))


def weight(at: At) -> None:
    """Expect three parts of four for one, none for the backup, and the other pool for the other path."""
    item, basket = at.out
    at.equal("/item", served(item), {at["web1"]: 150, at["web2"]: 50})
    at.equal("/basket", served(basket), {at["shop"]: 50})
    judged(at, basket)
    at.table(("/item", counts(item)), ("/basket", counts(basket)), *judged(at, item))


def balance(at: At) -> None:
    """Expect each pool's directive in nginx's own dump, and the verdicts of a hash."""
    dump, uri = at.out
    for pool, directive in (("leastconn", "least_conn"), ("source", "hash $remote_addr"), ("uri", "hash $uri")):
        block = re.search(rf"upstream {pool}\b(.*?)(upstream|\Z)", dump, re.DOTALL)
        seen = block[1] if block else ""
        at.expect(directive in seen, Text(ko=f"{pool}: {seen.strip()}", en=f"{pool}: {seen.strip()}"))
    at.expect("weight=3" in dump and " backup" in dump, Text(ko=f"라벨이 없습니다: {dump}", en=f"labels: {dump}"))
    at.note(*(line.removeprefix("    ").partition("   #")[0] for line in dump.splitlines()))
    at.table((SERVERS, counts(uri)), *judged(at, uri))


def find_gateway_workers(at: At) -> None:
    """Remember the gateway's processes before a reload."""
    at.found(workers=workers(at, "gateway"), master=masters(at, "gateway"))


def join(at: At) -> None:
    """Expect the new server to be balanced, by other workers of the same master."""
    until_served_by(at, "web1", "web2", "web4")
    out = checked_gateway(at, "--requests 200")
    at.equal(SERVERS, served(out), {at["web1"]: 120, at["web2"]: 40, at["web4"]: 40})
    at.equal(Text(ko="마스터", en="master"), masters(at, "gateway"), at["master"])
    now = at.until(
        lambda: sorted(set(workers(at, "gateway").split()) - set(at["workers"].split())),
        Text(ko="새 워커", en="new workers"),
    )
    at.table(
        (SERVERS, counts(out)),
        *judged(at, out),
        (Text(ko="이전 워커", en="old workers"), at["workers"]),
        (Text(ko="새 워커", en="new workers"), " ".join(now)),
        (Text(ko="마스터", en="master"), at["master"]),
    )


def backup(at: At) -> None:
    """Expect the backup to serve everything."""
    until_served_by(at, "web3")
    out = checked_gateway(at, "--requests 100")
    at.equal(SERVERS, served(out), {at["web3"]: 100})
    dead = [at[key] for key in ("web1", "web2", "web4")]
    at.until(
        lambda: not any(name in at.quiet(FILE).out for name in dead),
        Text(ko="설정에서 죽은 서버가 사라짐", en="the dead servers to be gone from the file"),
    )
    left = at.sh(FILE)
    at.expect(at["web3"] in left, Text(ko=f"web3가 없습니다: {left}", en=f"web3 is not there: {left}"))
    at.table((SERVERS, counts(out)), *judged(at, out))
    at.note(*(line.strip() for line in left.splitlines()))
