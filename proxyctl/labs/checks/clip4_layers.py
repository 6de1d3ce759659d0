"""Checks of clip 4's L4 and L7."""

from __future__ import annotations

import re

from proxyctl.labs.at import At
from proxyctl.labs.checks.clip4 import FORWARDED_FOR, SEEN, forwarded_for, received
from proxyctl.labs.checks.facts import address
from proxyctl.labs.texts import Text

FORGED = "203.0.113.9"


def _client(at: At) -> str:
    return address(at, "client", at["front-net"])


def _connection(answer: str) -> str:
    return str(received(answer)["headers"].get("Connection", "-"))


def l4_l7(at: At) -> None:
    """Expect the proxy's address by both, the client's in a header by L7, and the hop's own header by L4 alone."""
    l4, l7 = at.out
    inner = address(at, "proxy", at["back-net"])
    for layer, answer, header, connection in (("L4", l4, "-", "close"), ("L7", l7, _client(at), "-")):
        at.equal(f"{layer}: {SEEN.en}", received(answer)["client"], inner)
        at.equal(f"{layer}: {FORWARDED_FOR}", forwarded_for(answer), header)
        at.equal(f"{layer}: Connection", _connection(answer), connection)
    at.table(
        ("", "L4 (:81)", "L7 (:80)"),
        (SEEN, received(l4)["client"], received(l7)["client"]),
        (FORWARDED_FOR, forwarded_for(l4), forwarded_for(l7)),
        ("Connection", _connection(l4), _connection(l7)),
        (Text(ko="진짜 클라이언트", en="the true client"), _client(at), _client(at)),
    )


def forged(at: At) -> None:
    """Expect the lie alone by L4, and the truth after it by L7."""
    l4, l7 = at.out
    at.equal("L4", forwarded_for(l4), FORGED)
    at.equal("L7", forwarded_for(l7), f"{FORGED}, {_client(at)}")
    at.table(("L4 (:81)", forwarded_for(l4)), ("L7 (:80)", forwarded_for(l7)))


def any_bytes(at: At) -> None:
    """Expect the bytes back by L4, and the proxy's own refusal by L7."""
    l4, l7 = at.out
    status = l7.splitlines()[0].strip()
    at.equal("L4", l4, "hello")
    at.expect(status.startswith("HTTP/1.1 400 "), Text(ko=f"다른 응답입니다: {status}", en=f"another: {status}"))
    at.table(("L4 (:82)", l4), ("L7 (:80)", status))


def proxy_protocol(at: At) -> None:
    """Expect the header with the true addresses, the backend that understands it, and the one that does not."""
    header, understood, refused = at.out
    first, *rest = header.splitlines()
    client, proxy = _client(at), address(at, "proxy", at["front-net"])
    at.expect(
        first.startswith(f"PROXY TCP4 {client} {proxy} ") and first.strip().endswith(" 83"),
        Text(ko=f"다른 헤더입니다: {first}", en=f"another header: {first}"),
    )
    at.equal("raw", rest, ["hello"])
    inner = address(at, "proxy", at["back-net"])
    at.equal("nginx", understood, f"{inner} says: client {client}")
    at.expect("400" in refused, Text(ko=f"다른 응답입니다: {refused}", en=f"another answer: {refused}"))
    at.table(("raw (:83)", first.strip()), ("", *rest), ("nginx (:84)", understood), ("echo (:85)", refused))


def route_by_header(at: At) -> None:
    """Expect each request by its host on L7, both by the first one's on L4, and HTTP rules ignored on L4."""
    asked, _, told_by_check = at.out
    rows = [line.split() for line in asked.splitlines()]
    l7, l4 = ([row for row in rows if row[0] == port] for port in ("80", "86"))
    for layer, two in (("L7", l7), ("L4", l4)):
        at.equal(Text(ko=f"{layer}: 연결의 수", en=f"{layer}: connections"), len({row[1] for row in two}), 1)
    by_l7, by_l4 = ([row[3] for row in two] for two in (l7, l4))
    at.expect(
        by_l7 in (["basket", "item1"], ["basket", "item2"]), Text(ko=f"다른 서버입니다: {by_l7}", en=f"not so: {by_l7}")
    )
    at.equal("L4", by_l4, ["basket", "basket"])
    warnings = re.findall(r"'[\w -]+'(?: rules)? ignored", told_by_check)
    at.equal("haproxy -c", sorted(warnings), ["'http-request' rules ignored", "'option forwardfor' ignored"])
    at.table(
        (Text(ko="한 연결의 두 요청", en="two requests, one connection"), "L7 (:80)", "L4 (:86)"),
        *((f"Host: {one[2]}", one[3], other[3]) for one, other in zip(l7, l4, strict=True)),
    )
    at.note("haproxy -c, mode tcp:", *(f"  {warning}" for warning in warnings))
