"""Checks of clip 4: who reaches whom, who sees whom, and what is left when backends die."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from proxyctl.labs.at import At
from proxyctl.labs.checks import facts
from proxyctl.labs.checks.balance import SERVERS, counts, judged, report, served
from proxyctl.labs.checks.facts import address, until_answered
from proxyctl.labs.texts import Said, Text

FORWARDED_FOR = "X-Forwarded-For"
DOWN = "Server item/item1 is DOWN"
SEEN = Text(ko="백엔드가 본 클라이언트", en="client that the backend saw")


def received(answer: str) -> Mapping[str, Any]:
    """Return the request as the echo server received it."""
    request: Mapping[str, Any] = json.loads(answer)
    return request


def forwarded_for(answer: str) -> str:
    """Return the header as it arrived; `-` without one."""
    return str(received(answer)["headers"].get(FORWARDED_FOR, "-"))


def find_ports(at: At) -> None:
    """Find two free ports, and make a folder for the configurations."""
    facts.find_ports(at, "port", "direct")
    at.folder("conf")


def networks(at: At) -> None:
    """Expect one of them to be internal."""
    rows = []
    for key, internal in (("front-net", False), ("back-net", True)):
        seen = at.network(key)
        at.equal(f"{at[key]}: Internal", seen["Internal"], internal)
        rows.append((at[key], seen["IPAM"]["Config"][0]["Subnet"], "--internal" if internal else ""))
    at.table(*rows)


def containers(at: At) -> None:
    """Expect each on its network; wait until the one that is published answers."""
    until_answered(at, "http://{alone}:8080/healthz", at["alone"])
    where = (("front-net", ("client", "alone")), ("back-net", ("item1", "item2", "basket", "raw", "pp-web")))
    at.table(*((at[key], address(at, key, at[net]), at[net]) for net, keys in where for key in keys))


def find_addresses(at: At) -> None:
    """Find the address of a backend; its neighbours can ask it."""
    at.found(**{"item1-ip": address(at, "item1", at["back-net"])})
    at.until(
        lambda: at.quiet("docker exec {basket} wget -qO- http://{item1}:8080/healthz").code == 0,
        Text(ko="item1의 응답", en="an answer of item1"),
    )


def hidden(at: At) -> None:
    """Expect no port, no name and no way from the client, and an answer for the neighbour."""
    ports, by_name, by_address, neighbour = at.out
    at.equal("docker port", ports, "")
    at.expect("bad address" in by_name, Text(ko=f"예상과 다릅니다: {by_name}", en=f"not as expected: {by_name}"))
    at.expect('"healthy": true' in neighbour, Text(ko="이웃에게 답하지 않습니다", en="no answer for its neighbour"))
    at.table(
        ("docker port", Text(ko="없음", en="nothing")),
        (at["client"], by_name.splitlines()[-1]),
        (at["client"], f"{at['item1-ip']}: {by_address.splitlines()[-1]}"),
        (at["basket"], neighbour),
    )


def reverse(at: At) -> None:
    """Expect the client to be answered by a backend, which sees the proxy alone."""
    until_answered(at, "http://{proxy}/healthz", at["proxy"])
    answer = at.sh("docker exec {client} wget -qO- -T 5 http://{proxy}/item")
    inner = address(at, "proxy", at["back-net"])
    at.expect(
        received(answer)["server"] in ("item1", "item2"),
        Text(ko=f"다른 서버입니다: {answer}", en=f"not item: {answer}"),
    )
    at.equal(SEEN, received(answer)["client"], inner)
    at.table(
        (at["client"], address(at, "client", at["front-net"]), ""),
        (at["proxy"], address(at, "proxy", at["front-net"]), inner),
        (at[received(answer)["server"]], "", address(at, received(answer)["server"], at["back-net"])),
        (SEEN, "", received(answer)["client"]),
    )


def one_port(at: At) -> None:
    """Expect the proxy's port alone to be published, and path and host to choose the service."""
    ports, *answers = at.out
    published = [line.split()[0] for line in ports.splitlines() if "->" in line]
    at.equal(Text(ko="포트를 공개한 컨테이너", en="containers that publish a port"), published, [at["proxy"]])
    servers = [str(received(answer)["server"]) for answer in answers]
    at.expect(servers[0] in ("item1", "item2"), Text(ko=f"다른 서버입니다: {servers}", en=f"not item: {servers}"))
    at.equal("/basket, basket.example", servers[1:], ["basket", "basket"])
    at.table(*(line.split() if "  " in line.strip() else (line.strip(), "-") for line in sorted(ports.splitlines())))
    asked = ("/item", "/basket", "Host: basket.example")
    at.table(*((f"127.0.0.1:{at['port']}", what, f"→ {server}") for what, server in zip(asked, servers, strict=True)))


def balance(at: At) -> None:
    """Expect the verdict of `proxyctl check`, which ended well, to be about both servers."""
    at.equal(SERVERS, list(served(at.out[0])), ["item1", "item2"])
    at.table((SERVERS, counts(at.out[0])), *judged(at, at.out[0], "balance"))


def forward(at: At) -> None:
    """Expect the target that the client named to see the forward proxy, and the whole URL in the request line."""
    through = "docker exec -e http_proxy=http://{forward}:3128 {client} wget -qO- -T 5 "
    at.until(
        lambda: at.quiet(through + "http://{item2}:8080/healthz").code == 0,
        Text(ko="포워드 프록시의 응답", en="an answer of the forward proxy"),
    )
    answer = at.sh(through + "http://{item2}:8080/item")
    line = at.sh("docker logs --tail 1 {forward}")
    at.sh("docker exec {client} wget -qO- -T 5 http://{proxy}/item")
    client = address(at, "client", at["front-net"])
    wanted = f'{client} "GET http://{at["item2"]}:8080/item HTTP/1.1"'
    at.equal(Text(ko="답한 서버", en="server"), received(answer)["server"], "item2")
    at.equal(SEEN, received(answer)["client"], address(at, "forward", at["back-net"]))
    at.equal(FORWARDED_FOR, forwarded_for(answer), "-")
    at.equal(Text(ko="포워드 프록시의 로그", en="the forward proxy's log"), line, wanted)
    other = f'{client} "GET /item HTTP/1.1"'
    at.until(
        lambda: at.quiet("docker logs --tail 1 {proxy}").out == other,
        Text(ko=f"리버스 프록시의 로그: {other}", en=f"the reverse proxy's log: {other}"),
    )
    reverse_line = at.sh("docker logs --tail 1 {proxy}")
    at.note(Text(ko="포워드:", en="forward:"), f"  {line}", Text(ko="리버스:", en="reverse:"), f"  {reverse_line}")
    at.table((SEEN, received(answer)["client"], at["forward"]), (FORWARDED_FOR, forwarded_for(answer)))


def docker_proxy(at: At) -> None:
    """Expect a relay to one container that adds nothing, and that hides the client from the real proxy too."""
    relay, direct, proxied = at.ran
    if relay.code != 0:
        at.skip(
            Text(
                ko=f"{at['direct']}번 포트의 docker-proxy가 없습니다 (userland-proxy=false)",
                en=f"no docker-proxy for port {at['direct']} (userland-proxy=false)",
            )
        )
    to = f"{address(at, 'alone', at['front-net'])} -container-port 8080"
    gateway = at.container("alone")["NetworkSettings"]["Networks"][at["front-net"]]["Gateway"]
    at.expect(to in relay.out, Text(ko=f"다른 곳을 가리킵니다: {relay.out}", en=f"it leads elsewhere: {relay.out}"))
    at.equal(SEEN, received(direct.out)["client"], gateway)
    at.equal(FORWARDED_FOR, forwarded_for(direct.out), "-")
    at.equal(FORWARDED_FOR, forwarded_for(proxied.out), gateway)
    at.note(relay.out.splitlines()[0])
    at.table(
        ("", SEEN, FORWARDED_FOR),
        ("docker-proxy", f"{received(direct.out)['client']}", forwarded_for(direct.out)),
        (at["proxy"], f"{received(proxied.out)['client']}", forwarded_for(proxied.out)),
    )


def failing(at: At) -> None:
    """Expect failures without the proxy to the end of the load, none with it, and the other server to take over."""
    direct, proxied = (report(out) for out in at.out[:2])
    at.expect(
        sum(direct["errors"].values()), Text(ko="프록시 없이도 실패가 없습니다", en="no failure without the proxy")
    )
    at.equal(Text(ko="프록시를 거친 실패", en="failures with the proxy"), sum(proxied["errors"].values()), 0)
    shared = served(at.out[1])
    at.expect(
        shared.get("item2", 0) > shared.get("item1", 0) > 0,
        Text(ko=f"item2가 이어받지 않았습니다: {shared}", en=f"item2 did not take over: {shared}"),
    )
    rows: list[tuple[Said, ...]] = [
        ("", Text(ko="성공", en="good"), Text(ko="실패", en="failed")),
        (Text(ko="프록시 없음", en="without a proxy"), str(direct["ok"]), _kinds(direct)),
        (Text(ko="프록시 있음", en="with the proxy"), str(proxied["ok"]), _kinds(proxied)),
    ]
    at.table(*rows)
    at.note(counts(at.out[1]))
    at.until(
        lambda: DOWN in at.quiet("docker logs {proxy}").out,
        Text(ko=f"프록시의 로그: {DOWN}", en=f"the proxy's log: {DOWN}"),
    )
    at.note(f"{at['proxy']}: {DOWN}")


def _kinds(checked: Mapping[str, Any]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in checked["errors"].items() if count) or "0"


def all_gone(at: At) -> None:
    """Expect 503 by the proxy, which still serves the other service, and a refusal without it."""
    _, answer, refused, other = at.out
    status = answer.splitlines()[0].strip()
    at.expect(re.match(r"HTTP/1\.1 503 ", status), Text(ko=f"다른 응답입니다: {status}", en=f"another: {status}"))
    at.equal("/basket", received(other)["server"], "basket")
    at.table(
        (f"127.0.0.1:{at['port']}/item", status),
        (f"127.0.0.1:{at['port']}/basket", f"→ {received(other)['server']}"),
        (f"127.0.0.1:{at['direct']}", f"curl: {refused.rpartition(': ')[2]}"),
    )
