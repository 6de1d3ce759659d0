"""Checks of clip 3's aliases, and of names that change."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping

from proxyctl.labs.at import At
from proxyctl.labs.checks.balance import report, served
from proxyctl.labs.checks.clip3 import SERVERS, answers, not_known, one
from proxyctl.labs.checks.facts import address, until_answered
from proxyctl.labs.texts import Said, Text

CHECK = "proxyctl check http://127.0.0.1:{port}/ --requests 20 --server-from header:X-Served-By --json"
TTL = 600
PLACES = ("first", "second", "third")


def rotation(at: At) -> None:
    """Expect all addresses and the same TTL each time, and each of them first at times."""
    asked = answers(at.out[0])
    all_of_them = {address(at, key, at["net"]): key for key in SERVERS}
    for answer in asked:
        at.equal("was", sorted(answer.addresses), sorted(all_of_them))
    at.equal("TTL", {ttl for answer in asked for ttl in answer.ttls}, {TTL})
    first = Counter(answer.addresses[0] for answer in asked)
    orders = {answer.addresses for answer in asked}
    at.equal(Text(ko="맨 앞에 나온 주소", en="addresses that came first"), set(first), set(all_of_them))
    at.table(
        ("", "", Text(ko="맨 앞", en="first")),
        *((key, ip, f"{first[ip]} / {len(asked)}") for ip, key in all_of_them.items()),
    )
    at.note(Text(ko=f"서로 다른 순서 {len(orders)}가지, TTL {TTL}", en=f"{len(orders)} different orders, TTL {TTL}"))


def _echoed(out: str) -> Counter[str]:
    """Count who answered, out of one line of JSON for each request."""
    return Counter(json.loads(line)["server"] for line in out.splitlines() if line)


def fresh(at: At) -> None:
    """Expect an answer each time, and all three among them."""
    counts = _echoed(at.out[0])
    at.equal(Text(ko="답한 서버", en="servers"), sorted(counts), sorted(SERVERS))
    at.equal(Text(ko="요청", en="requests"), counts.total(), 60)
    at.table(*_rows(counts))


def _rows(counts: Mapping[str, int]) -> Iterable[tuple[Said, ...]]:
    return ((name, str(count)) for name, count in sorted(counts.items()))


def cached(at: At) -> None:
    """Expect one server for all requests; it is the first of the steps that follow."""
    until_answered(at, "http://{proxy}/healthz", at["proxy"], "box")
    counts = served(at.sh(CHECK))
    at.equal(Text(ko="답한 서버의 수", en="number of servers"), len(counts), 1)
    (kept,) = counts
    order = (kept, *(key for key in SERVERS if key != kept))
    at.found(**{place: at[key] for place, key in zip(PLACES, order, strict=True)})
    at.found(**{f"{place}-ip": _ip(at, place) for place in PLACES})
    at.table(*_rows({key: counts.get(key, 0) for key in SERVERS}))


def _ip(at: At, key: str) -> str:
    return address(at, key, at["net"])


def find_sick(at: At) -> None:
    """Wait until Docker has found the one with the failing health check to be unhealthy."""
    at.until(
        lambda: at.container("sick")["State"]["Health"]["Status"] == "unhealthy",
        Text(ko=f"{at['sick']}가 unhealthy가 됨", en=f"{at['sick']} to be unhealthy"),
    )


def paused(at: At) -> None:
    """Expect the paused one among the addresses, and no answer from it; an unhealthy one has its address too."""
    _, asked, refused, _, health, sick = at.out
    at.equal(at["sick"], one(sick).addresses, (_ip(at, "sick"),))
    addresses = one(asked).addresses
    at.equal("was", sorted(addresses), sorted(at[f"{place}-ip"] for place in PLACES))
    at.note(f"was  {' '.join(addresses)}")
    at.note(Text(ko=f"{at['second']} (pause, {at['second-ip']}):", en=f"{at['second']} (paused, {at['second-ip']}):"))
    at.note(f"  {refused.splitlines()[-1]}")
    at.table((f"{at['sick']} ({health})", str(one(sick))))


def stopped(at: At) -> None:
    """Expect two addresses, no name, all requests served by look-up, and none through the proxy."""
    _, asked, name, looked, checked = at.out
    at.equal("was", sorted(one(asked).addresses), sorted((at["second-ip"], at["third-ip"])))
    not_known(at, one(name))
    counts = _echoed(looked)
    at.equal(Text(ko="새로 물은 요청", en="requests with a look-up"), counts.total(), 20)
    kept = report(checked)
    at.equal(Text(ko="기억한 주소로 성공한 요청", en="good requests to the kept address"), kept["ok"], 0)
    at.table(("was", " ".join(one(asked).addresses)), (at["first"], one(name).code))
    at.table(
        ("", Text(ko="성공", en="good"), Text(ko="실패", en="failed")),
        (Text(ko="새로 물음", en="asked anew"), str(counts.total()), "0"),
        (Text(ko="주소를 기억함", en="kept the address"), str(kept["ok"]), f"{kept['errors']['http_503']} (503)"),
    )


def new_address(at: At) -> None:
    """Expect a new address under the old names, and a stranger under the old address."""
    *_, name, alias = at.out
    now = _ip(at, "first")
    at.expect(now != at["first-ip"], Text(ko=f"주소가 그대로입니다: {now}", en=f"the same address: {now}"))
    at.equal(at["first"], one(name).addresses, (now,))
    at.equal("was", sorted(one(alias).addresses), sorted((now, at["second-ip"], at["third-ip"])))
    until_answered(at, "http://{proxy}/healthz", at["proxy"], "box")
    counts = served(at.sh(CHECK))
    at.equal(Text(ko="답한 서버", en="servers"), counts, {"taker": 20})
    at.table(
        (at["first"], f"{at['first-ip']} → {now}"),
        (at["taker"], at["first-ip"]),
        (Text(ko="프록시를 거친 요청", en="requests through the proxy"), "taker 20"),
    )


def rename(at: At) -> None:
    """Expect the new name, not the old one, and the alias as it was."""
    _, new, old, alias = at.out
    at.equal(at["renamed"], one(new).addresses, (at["second-ip"],))
    not_known(at, one(old))
    at.expect(at["second-ip"] in one(alias).addresses, Text(ko="별칭에서 사라졌습니다", en="it is gone from the alias"))
    at.table((at["renamed"], str(one(new))), (at["second"], str(one(old))), ("was", str(one(alias))))


def disconnect(at: At) -> None:
    """Expect no name, then the name alone, and with --alias all of it."""
    _, gone, _, name, without, _, _, again = at.out
    now = _ip(at, "third")
    not_known(at, one(gone))
    at.expect(one(name).addresses, Text(ko="이름이 돌아오지 않았습니다", en="its name did not come back"))
    at.equal(Text(ko="별칭 없이", en="without --alias"), len(one(without).addresses), 2)
    at.equal("--alias was", len(one(again).addresses), 3)
    at.expect(now in one(again).addresses, Text(ko=f"{now}가 없습니다", en=f"{now} is not there"))
    at.table(
        ("disconnect", at["third"], str(one(gone))),
        ("connect", at["third"], str(one(name))),
        ("connect", "was", str(one(without))),
        ("connect --alias was", "was", str(one(again))),
    )
