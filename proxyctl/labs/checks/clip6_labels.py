"""Checks of clip 6, third part: what `proxyctl watch` makes of labels."""

from __future__ import annotations

import re

from proxyctl.labs.at import At, Differs
from proxyctl.labs.checks.clip6 import SERVERS, counts, found_ports, report, served, verdicts
from proxyctl.labs.texts import Text

CHECK = "proxyctl check http://127.0.0.1:{watch-port}/item --network {net} --state {state} --json"


def find_port_of_watch(at: At) -> None:
    """Find a free port for the gateway, and make a folder for its state."""
    found_ports(at, "watch-port")
    at.found(gateway=f"proxyctl-{at['net']}")
    at.folder("state")


def _balanced(at: At, *keys: str) -> None:
    """Wait until exactly these servers answer for /item."""
    wanted = {at[key] for key in keys}
    what = ", ".join(sorted(wanted))
    at.until(
        lambda: set(served(at.quiet(f"{CHECK} --requests 30").out)) == wanted,
        Text(ko=f"{what}의 응답", en=f"answers of {what}"),
    )


def _sound(out: str, *needed: str) -> None:
    """Expect every verdict (the balance by its weights too) but stalls, which a busy host has by itself."""
    found = {verdict["name"]: verdict for verdict in report(out)["verdicts"] if verdict["name"] != "stalls"}
    missing = sorted(set(needed) - set(found))
    bad = ", ".join(
        [*missing, *(f"{name}: {verdict['detail']}" for name, verdict in found.items() if not verdict["ok"])]
    )
    if bad:
        raise Differs(Text(ko=bad, en=bad))


def _asked(at: At, options: str) -> str:
    """Run `proxyctl check` on the gateway, shown; return its JSON, which is sound."""
    out = at.sh(f"{CHECK} {options}", ends="either")
    _sound(out, "balance")
    return out


def labels(at: At) -> None:
    """Expect the labelled containers in their pools, all up."""
    at.background(
        "proxyctl watch --network {net} --engine haproxy --publish 127.0.0.1:{watch-port}:80 --state {state} --api off"
    )
    at.until(
        lambda: at.quiet("docker exec {client} wget -qO- -T 1 http://{gateway}/basket").code == 0,
        Text(ko="게이트웨이의 응답", en="an answer of the gateway"),
    )
    _balanced(at, "web1", "web2")
    at.note(*at.sh("proxyctl status --network {net} --state {state}").splitlines())


def weight(at: At) -> None:
    """Expect three parts of four for one, and the other pool for the other path and host."""
    item, basket, host = at.out
    _sound(item, "balance")
    for out in (basket, host):
        _sound(out)
    at.equal("/item", set(served(item)), {at["web1"], at["web2"]})
    at.equal("/basket", served(basket), {at["shop"]: 50})
    at.equal("basket.example", served(host), {at["shop"]: 50})
    at.table(("/item", counts(item)), ("/basket", counts(basket)), ("Host: basket.example", counts(host)))
    at.table(*verdicts(item))


def balance(at: At) -> None:
    """Expect each pool's directive in the file, and the verdicts of a hash and of a cookie."""
    dump, uri, sticky = at.out
    for out in (uri, sticky):
        _sound(out, "consistent")
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
    at.table(("/uri", counts(uri)), *verdicts(uri), ("/sticky", counts(sticky)), *verdicts(sticky))


def _pids(at: At) -> str:
    lines = at.quiet("docker top {gateway} -o pid,comm").out.splitlines()[1:]
    return " ".join(sorted(line.split()[0] for line in lines if "haproxy" in line))


def find_gateway_pids(at: At) -> None:
    """Remember the gateway's processes."""
    at.found(gateway_pids=_pids(at))


def join(at: At) -> None:
    """Expect the new server to be balanced, by the same processes."""
    _balanced(at, "web1", "web2", "web3")
    out = _asked(at, "--requests 200")
    at.equal(SERVERS, set(served(out)), {at["web1"], at["web2"], at["web3"]})
    after = _pids(at)
    at.equal(Text(ko="프로세스", en="processes"), after, at["gateway_pids"])
    at.table(
        (SERVERS, counts(out)),
        (Text(ko="프로세스", en="processes"), f"{at['gateway_pids']} == {after}"),
    )


def drain(at: At) -> None:
    """Expect the rest to serve everything, with nothing lost."""
    _balanced(at, "web2", "web3")
    out = _asked(at, "--requests 100")
    at.equal(SERVERS, set(served(out)), {at["web2"], at["web3"]})
    at.equal(Text(ko="성공", en="good"), report(out)["ok"], 100)
    at.table((SERVERS, counts(out)), *verdicts(out))
