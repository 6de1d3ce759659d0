"""Checks of clip 4's L4 and L7."""

from __future__ import annotations

from proxyctl.labs.at import At
from proxyctl.labs.checks.clip1 import address
from proxyctl.labs.checks.clip4 import FORWARDED_FOR, SEEN, forwarded_for, told
from proxyctl.labs.texts import Said, Text

FORGED = "203.0.113.9"


def _client(at: At) -> str:
    return address(at, "client", at["front-net"])


def _connection(answer: str) -> str:
    return str(told(answer)["headers"].get("Connection", "-"))


def l4_l7(at: At) -> None:
    """Expect the proxy's address by both, the client's in a header by L7, and the hop's own header by L4 alone."""
    l4, l7 = at.out
    inner = address(at, "proxy", at["back-net"])
    for layer, answer, header, connection in (("L4", l4, "-", "close"), ("L7", l7, _client(at), "-")):
        at.equal(f"{layer}: {SEEN.en}", told(answer)["client"], inner)
        at.equal(f"{layer}: {FORWARDED_FOR}", forwarded_for(answer), header)
        at.equal(f"{layer}: Connection", _connection(answer), connection)
    at.table(
        ("", "L4 (:81)", "L7 (:80)"),
        (SEEN, told(l4)["client"], told(l7)["client"]),
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
    """Expect the header to choose on L7, and to change nothing on L4."""
    servers = [str(told(answer)["server"]) for answer in at.out]
    at.expect(servers[0] in ("item1", "item2"), Text(ko=f"다른 서버입니다: {servers}", en=f"not item: {servers}"))
    at.equal("L7, basket.example", servers[1], "basket")
    at.equal("L4", servers[2:], ["item1", "item1"])
    rows: list[tuple[Said, ...]] = [("Host", "L7 (:80)", "L4 (:86)")]
    for index, host in enumerate(("item.example", "basket.example")):
        rows.append((host, servers[index], servers[index + 2]))
    at.table(*rows)
