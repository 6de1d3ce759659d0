"""Checks of clip 1's published ports."""

from __future__ import annotations

import json
import re
import socket
from typing import Any

from proxyctl.labs.at import At
from proxyctl.labs.checks.facts import address
from proxyctl.labs.texts import Text


def masquerade(at: At) -> None:
    """Expect the rule for the subnet of the default bridge."""
    subnet = at.client.inspect_network("bridge")["IPAM"]["Config"][0]["Subnet"]
    found = [line for line in rules(at.out[0]) if f"-s {subnet} " in line and "MASQUERADE" in line]
    if not found:
        at.skip(
            Text(
                ko="이 엔진은 iptables의 MASQUERADE를 쓰지 않습니다", en="this engine does not use iptables' MASQUERADE"
            )
        )
    at.note(*found)


def publish(at: At) -> None:
    """Expect Docker to name the port, and the container itself to answer there."""
    ports, answer = at.out
    at.expect(
        f"8080/tcp -> 0.0.0.0:{at['port']}" in ports, Text(ko=f"포트가 다릅니다: {ports}", en=f"another port: {ports}")
    )
    served_by = json.loads(answer)["server"]
    at.equal("server", served_by, at.container("web")["Id"][:12])
    at.note(ports, Text(ko=f"응답한 컨테이너: {served_by}", en=f"answered by {served_by}"))


def publish_all(at: At) -> None:
    """Expect both ports on the host, out of the kernel's ephemeral range."""
    _, ports, between = at.out
    low, high = map(int, between.split())
    found = re.findall(r"^(\d+)/tcp -> 0\.0\.0\.0:(\d+)$", ports, re.MULTILINE)
    at.equal(Text(ko="공개된 포트", en="published ports"), sorted(inside for inside, _ in found), ["40001", "8080"])
    at.expect(
        all(low <= int(outside) <= high for _, outside in found),
        Text(ko=f"{low}-{high} 범위 밖입니다: {ports}", en=f"outside {low}-{high}: {ports}"),
    )
    at.note(*(f"{inside}/tcp -> {outside}" for inside, outside in found))
    at.note(Text(ko=f"임시 포트 범위: {low}-{high}", en=f"ephemeral range: {low}-{high}"))


def expose_only(at: At) -> None:
    """Expect the port in the container's description, and nothing on the host."""
    _, ports, exposed = at.out
    at.equal("docker port", ports, "")
    at.expect("40001/tcp" in json.loads(exposed), Text(ko="40001이 없습니다", en="40001 is not there"))
    at.note(Text(ko="docker port: 없음", en="docker port: nothing"), f"ExposedPorts: {exposed}")


def dnat_rule(at: At) -> None:
    """Expect the rule to lead to the container's address and port."""
    rule, output = "".join(rules(at.out[0])), at.out[1]
    to = f"{address(at, 'web')}:8080"
    at.expect(
        rule.endswith(f"-j DNAT --to-destination {to}"), Text(ko=f"다른 규칙입니다: {rule}", en=f"not it: {rule}")
    )
    at.note(rule, *(line for line in output.splitlines() if "-j DOCKER" in line))


def docker_proxy(at: At) -> None:
    """Expect a process that has the container's address among its arguments."""
    if at.ran[0].code != 0:
        at.skip(_no_proxy(at))
    at.expect(
        f"-container-ip {address(at, 'web')} -container-port 8080" in at.out[0],
        Text(ko=f"다른 컨테이너를 가리킵니다: {at.out[0]}", en=f"it leads elsewhere: {at.out[0]}"),
    )


def rules(printed: str) -> list[str]:
    """Return the rules among what `iptables -S` printed; on a host with legacy tables a warning comes before them."""
    return [line for line in printed.splitlines() if line.startswith("-A ")]


def find_rule(at: At) -> None:
    """Find the rule to take away, and make sure that it comes back whatever happens."""
    _find_host_address(at)
    _find_proxies(at)
    found = rules(at.quiet("iptables -w -t nat -S DOCKER | grep -- '--dport {port} '").out)
    if not found:
        at.skip(
            Text(ko="DNAT 규칙이 없습니다 (iptables를 쓰지 않는 엔진)", en="no DNAT rule: an engine without iptables")
        )
    at.found(rule=found[0].removeprefix("-A "))
    at.defer(lambda: at.quiet("iptables -w -t nat -C {rule} || iptables -w -t nat -A {rule}"))


def without_dnat(at: At) -> None:
    """Expect answers on both addresses; the client is the host with the rule, and docker0 without."""
    with_rule, _, without, loopback, _ = at.out
    gateway = at.container("web")["NetworkSettings"]["Networks"]["bridge"]["Gateway"]
    at.equal(Text(ko="DNAT일 때의 클라이언트", en="client with DNAT"), _client(with_rule), at["address"])
    at.equal(Text(ko="docker-proxy일 때의 클라이언트", en="client with docker-proxy"), _client(without), gateway)
    at.equal(Text(ko="127.0.0.1일 때의 클라이언트", en="client by 127.0.0.1"), _client(loopback), gateway)
    seen = Text(ko="컨테이너가 본 클라이언트", en="client that the container saw")
    at.table(
        ("", "", seen),
        (Text(ko="규칙 있음", en="with the rule"), at["address"], _client(with_rule)),
        (Text(ko="규칙 없음", en="without it"), at["address"], _client(without)),
        (Text(ko="규칙 없음", en="without it"), "127.0.0.1", _client(loopback)),
    )


def find_proxy(at: At) -> None:
    """Find the processes of the port, of IPv4 and IPv6."""
    _find_host_address(at)
    at.found(proxy=" ".join(map(str, _find_proxies(at))))


def without_proxy(at: At) -> None:
    """Expect an answer by the host's address, and none by 127.0.0.1."""
    _, answer, refused = at.out
    at.equal(Text(ko="클라이언트", en="client"), _client(answer), at["address"])
    at.table((at["address"], Text(ko="응답함", en="answers")), ("127.0.0.1", refused))


def _find_host_address(at: At) -> None:
    """Find the address that the host has for the world outside; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            at.skip(Text(ko="호스트에 바깥 주소가 없습니다", en="the host has no address to the outside"))
        at.found(address=probe.getsockname()[0])


def _find_proxies(at: At) -> list[int]:
    ran = at.quiet("pgrep -a docker-proxy | grep -- '-host-port {port} '")
    if ran.code != 0:
        at.skip(_no_proxy(at))
    return [int(line.split()[0]) for line in ran.out.splitlines()]


def _no_proxy(at: At) -> Text:
    return Text(
        ko=f"{at['port']}번 포트의 docker-proxy가 없습니다 (userland-proxy=false)",
        en=f"no docker-proxy for port {at['port']} (userland-proxy=false)",
    )


def _client(answer: str) -> str:
    received: dict[str, Any] = json.loads(answer)
    return str(received["client"])
