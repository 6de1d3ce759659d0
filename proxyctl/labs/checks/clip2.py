"""Checks of clip 2."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping

from proxyctl.labs.at import At
from proxyctl.labs.checks.facts import address
from proxyctl.labs.texts import Said, Text

PEOPLE = ("my-web", "my-was", "my-db", "my-client")
NETWORKS_OF = {
    "my-web": ("front-net", "back-net"),
    "my-was": ("back-net",),
    "my-db": ("back-net",),
    "my-client": ("front-net",),
}
"""Who is on which network: the exercise, and what reachability is expected from."""

ADDRESSES: Mapping[str, tuple[str, str]] = {
    "web-front": ("my-web", "front-net"),
    "web-back": ("my-web", "back-net"),
    "was-ip": ("my-was", "back-net"),
    "db-ip": ("my-db", "back-net"),
    "client-ip": ("my-client", "front-net"),
}

YES, NO = Text(ko="닿음", en="yes"), Text(ko="-", en="-")


def inet(text: str) -> dict[str, str]:
    """Return interface → address out of `ip -4 -o addr`, without lo."""
    found = re.findall(r"^\d+: (\S+)\s+inet ([\d./]+)", text, re.MULTILINE)
    return {name: at for name, at in found if name != "lo"}


def default_route(text: str) -> str:
    """Return the gateway out of `ip route`; empty without a default route."""
    found = re.search(r"^default via ([\d.]+)", text, re.MULTILINE)
    return found[1] if found else ""


def containers(at: At) -> None:
    """Expect each in the mode that was asked for."""
    modes = {"on-bridge": "bridge", "on-bridge2": "bridge", "on-none": "none", "on-host": "host"}
    for key, mode in modes.items():
        at.equal(at[key], list(at.container(key)["NetworkSettings"]["Networks"]), [mode])
    at.table(*((at[key], mode) for key, mode in modes.items()))


def container_mode(at: At) -> None:
    """Expect one namespace, and one 127.0.0.1 for both."""
    _, first, second = at.out
    at.equal("net", second, first)
    at.until(
        lambda: at.quiet("docker exec {on-bridge} wget -qO- -T 2 http://127.0.0.1:8080/healthz").code == 0,
        Text(ko="127.0.0.1:8080의 응답", en="an answer on 127.0.0.1:8080"),
    )
    answer = at.sh("docker exec {on-bridge} wget -qO- -T 2 http://127.0.0.1:8080/healthz")
    at.table((at["on-bridge"], first), (at["shared"], second))
    at.note(f"{at['on-bridge']} 127.0.0.1:8080 → {answer}")


def side_by_side(at: At) -> None:
    """Expect one address, none, the host's, and the other container's."""
    bridge, none, host, shared = (inet(out) for out in at.out)
    at.equal("none", none, {})
    at.equal("container:", shared, bridge)
    at.equal("bridge", list(bridge.values()), [f"{address(at, 'on-bridge')}/16"] if bridge else [])
    at.expect("docker0" in host, Text(ko="host에 docker0이 보이지 않습니다", en="host does not see docker0"))
    at.equal("none: default route", default_route(at.out[1]), "")
    rows: list[tuple[Said, ...]] = [
        (name, default_route(out) or "-", _few(seen))
        for name, out, seen in zip(
            ("bridge", "none", "host", "container:"), at.out, (bridge, none, host, shared), strict=True
        )
    ]
    at.table(("", Text(ko="기본 라우트", en="default route"), Text(ko="주소", en="addresses")), *rows)


def _few(seen: Mapping[str, str]) -> str:
    """Return the first three addresses: a host may have dozens of bridges."""
    addresses = [f"{name} {at}" for name, at in seen.items()]
    return ", ".join(addresses[:2]) + (f", +{len(addresses) - 2}" if len(addresses) > 2 else "") if addresses else "-"  # noqa: PLR2004


def host_answers(at: At) -> None:
    """Wait until the web server listens on the host."""
    at.until(
        lambda: at.quiet("curl -s --max-time 5 http://127.0.0.1:{port}/healthz").code == 0,
        Text(ko="웹 서버의 응답", en="an answer of the web server"),
    )


def host_port(at: At) -> None:
    """Expect the listening process to be the container's, and the container to have no address."""
    _, listening, pid, ip = at.out
    owners = set(re.findall(r"pid=(\d+)", listening))
    at.equal(Text(ko="포트의 주인", en="owner of the port"), owners, {pid})
    at.equal("IPAddress", ip, "")
    at.table(
        (Text(ko="포트의 프로세스", en="process on the port"), f"127.0.0.1:{at['port']}", f"pid {pid}"),
        (Text(ko="컨테이너의 프로세스", en="the container's process"), at["on-host"], f"pid {pid}"),
        (Text(ko="컨테이너의 주소", en="the container's address"), Text(ko="없음", en="none")),
    )


def find_wire(at: At) -> None:
    """Choose names and addresses for the cable; it goes with one of its ends."""
    lan = at.free_subnet()
    up = f"lab-{at['tag']}-up"
    at.found(**{"up": up, "lan": f"lab-{at['tag']}-lan", "lan-subnet": str(lan), "lan-ip": str(lan[254])})
    at.defer(lambda: at.quiet("ip link del {up}"))


def macvlan(at: At) -> None:
    """Expect the container's own MAC on the cable's other end, and the client's address in the container."""
    created = at.ran[4]
    if created.code != 0:
        at.skip(
            Text(
                ko=f"이 커널에서는 macvlan을 쓸 수 없습니다: {created.out.splitlines()[0]}",
                en=f"no macvlan with this kernel: {created.out.splitlines()[0]}",
            )
        )
    endpoint = at.container("on-macvlan")["NetworkSettings"]["Networks"][at["mac-net"]]
    at.found(**{"mac-ip": endpoint["IPAddress"]})
    at.until(
        lambda: at.quiet("curl -s --max-time 5 http://{mac-ip}:8080/healthz").code == 0,
        Text(ko="macvlan 컨테이너의 응답", en="an answer of the container on macvlan"),
    )
    answer = at.sh("curl -s --max-time 5 http://{mac-ip}:8080/")
    neighbour = at.sh("ip neigh show {mac-ip} dev {lan}")
    at.equal(Text(ko="클라이언트", en="client"), json.loads(answer)["client"], at["lan-ip"])
    at.expect(endpoint["MacAddress"] in neighbour, Text(ko=f"다른 MAC입니다: {neighbour}", en=f"not it: {neighbour}"))
    at.table(
        (at["on-macvlan"], at["mac-ip"], endpoint["MacAddress"]),
        (f"{at['lan']} (ip neigh)", at["mac-ip"], endpoint["MacAddress"]),
        (Text(ko="컨테이너가 본 클라이언트", en="client that the container saw"), at["lan-ip"]),
    )


def create(at: At) -> None:
    """Expect names to give the addresses, both ways."""
    *_, subnet, there, back = at.out
    net = at["mynet"]
    pings = []
    for key, out in (("net-check2", there), ("net-check1", back)):
        head = f"PING {at[key]} ({address(at, key, net)})"
        at.expect(out.startswith(head), Text(ko=f"다른 주소입니다: {out}", en=f"another address: {out}"))
        at.expect(
            ipaddress.ip_address(address(at, key, net)) in ipaddress.ip_network(subnet),
            Text(ko="대역 밖의 주소입니다", en="an address outside the subnet"),
        )
        pings += out.splitlines()[:2]
    at.note(f"{net}  {subnet}", *pings)


def find_bridge_addresses(at: At) -> None:
    """Find the address of the second container on the default bridge."""
    at.found(**{"bridge2-ip": address(at, "on-bridge2")})


def no_names(at: At) -> None:
    """Expect an unknown name, an answer by address, and Docker's DNS on the user-defined network only."""
    unknown, by_address, on_bridge, on_mynet = at.out
    at.expect("bad address" in unknown, Text(ko=f"예상과 다릅니다: {unknown}", en=f"not as expected: {unknown}"))
    at.equal("nameserver", on_mynet, "nameserver 127.0.0.11")
    at.expect(
        "127.0.0.11" not in on_bridge, Text(ko="기본 브리지에 127.0.0.11이 있습니다", en="127.0.0.11 on the bridge")
    )
    at.note(unknown, by_address.splitlines()[1])
    at.table(("bridge", on_bridge.splitlines()[0]), (at["mynet"], on_mynet))


def find_subnet(at: At) -> None:
    """Choose a subnet that is free on this host, where the course has 172.30.1.0/24."""
    subnet = at.free_subnet()
    at.found(
        **{
            "subnet": str(subnet),
            "range": f"{subnet[64]}/26",
            "gateway": str(subnet[1]),
            "static": str(subnet[200]),
            "bridge-static": str(ipaddress.ip_network("172.17.0.0/16")[9999]),
        }
    )


def subnet(at: At) -> None:
    """Expect the automatic address in the range, the static one as given, and the gateway in the route."""
    _, _, _, automatic, static, route, refused = at.out
    net1, net2 = inet(automatic)["eth0"], inet(static)["eth0"]
    at.expect(
        ipaddress.ip_interface(net1).ip in ipaddress.ip_network(at["range"]),
        Text(ko=f"{net1}은 {at['range']} 밖입니다", en=f"{net1} is outside {at['range']}"),
    )
    at.equal("--ip", net2, f"{at['static']}/24")
    at.equal("--gateway", default_route(route), at["gateway"])
    reason = next((line for line in refused.splitlines() if "user specified IP" in line), "")
    at.expect(reason, Text(ko=f"예상과 다른 오류입니다: {refused}", en=f"another error: {refused}"))
    at.table(
        (at["vswitch-net"], at["subnet"], f"range {at['range']}"),
        (at["net1"], net1, f"default via {at['gateway']}"),
        (at["net2"], net2, "--ip"),
    )
    at.note(reason)


def connect(at: At) -> None:
    """Expect a second interface after connect, none after disconnect, and no removal in between."""
    before, during, after = (inet(at.out[index]) for index in (2, 4, 7))
    in_use, removed = at.ran[5], at.ran[8]
    at.equal(Text(ko="연결 전", en="before"), list(before), ["eth0"])
    at.equal(Text(ko="연결 중", en="connected"), list(during), ["eth0", "eth1"])
    at.equal(Text(ko="해제 후", en="after"), after, before)
    at.expect("active endpoints" in in_use.out, Text(ko=f"다른 오류입니다: {in_use.out}", en=f"not it: {in_use.out}"))
    at.equal("docker network rm", removed.out, at["fc-net2"])
    at.table(
        (Text(ko="연결 전", en="before"), _few(before)),
        (Text(ko="연결 중", en="connected"), _few(during)),
        (Text(ko="해제 후", en="after"), _few(after)),
    )
    at.note(in_use.out.splitlines()[0])


def front_back(at: At) -> None:
    """Expect on each network who belongs there."""
    for network, listed in (("front-net", at.out[7]), ("back-net", at.out[8])):
        names = {line.split()[0] for line in listed.splitlines() if line}
        wanted = {at[who] for who, networks in NETWORKS_OF.items() if network in networks}
        at.equal(at[network], names, wanted)
        at.note(f"{at[network]}:", *(f"  {line}" for line in sorted(listed.splitlines()) if line))


def find_addresses(at: At) -> None:
    """Find all addresses of the exercise."""
    at.found(**{key: address(at, who, at[network]) for key, (who, network) in ADDRESSES.items()})


def expected(source: str, target: str) -> bool:
    """Return whether one is to reach a name, or an address: on a network that both are on."""
    if target in ADDRESSES:
        return ADDRESSES[target][1] in NETWORKS_OF[source]
    return bool(set(NETWORKS_OF[source]) & set(NETWORKS_OF[target]))


def reachability(at: At) -> None:
    """Expect every cell of the matrix to be as the networks have it; sources are rows, targets columns."""
    targets = (*PEOPLE, *ADDRESSES)
    seen = {
        source: {target: answer == "yes" for target, answer in (line.split() for line in out.splitlines())}
        for source, out in zip(PEOPLE, at.out, strict=True)
    }
    wrong = []
    for title, part in ((Text(ko="이름으로", en="by name"), PEOPLE), (Text(ko="주소로", en="by address"), ADDRESSES)):
        head = [_where(target) for target in part]
        rows: list[list[Said]] = [
            [source, *(YES if seen[source][at[target]] else NO for target in part)] for source in PEOPLE
        ]
        at.table([title, *head], *rows)
    for source in PEOPLE:
        wrong += [f"{source} → {t}" for t in targets if seen[source][at[t]] != expected(source, t)]
    count = len(PEOPLE) * len(targets)
    at.equal(Text(ko="예상과 다른 칸", en="cells that differ from what is expected"), wrong, [])
    at.note(Text(ko=f"{count}칸 모두 예상과 같습니다", en=f"all {count} cells are as expected"))


def _where(target: str) -> str:
    """Return a short head for a column: `was`, or `was@back`."""
    who, network = ADDRESSES.get(target, (target, ""))
    return who.removeprefix("my-") + ("@" + network.removesuffix("-net") if network else "")


def slip(at: At) -> None:
    """Expect Docker's own error, and the right command to leave the other network."""
    error, _, networks = at.out
    left = list(json.loads(networks))
    at.expect("is not connected to" in error, Text(ko=f"다른 오류입니다: {error}", en=f"another error: {error}"))
    at.equal(at["my-web"], left, [at["back-net"]])
    at.note(error, f"{at['my-web']}: {' '.join(left)}")


def internal(at: At) -> None:
    """Expect an answer inside, and none from outside: the container on macvlan, which the other networks reach."""
    *_, inside, route = at.out
    at.expect("1 packets received" in inside, Text(ko=f"응답이 없습니다: {inside}", en=f"no answer: {inside}"))
    at.note(*route.splitlines(), inside.splitlines()[1])
    if "mac-ip" not in at:
        at.note(
            Text(ko="바깥은 확인하지 못했습니다: macvlan 단계가 없었습니다", en="outside not tried: no macvlan here")
        )
        return
    other = at.sh("docker exec {net-check1} ping -c 1 -W 2 {mac-ip}")
    blocked = at.sh("docker exec {inner1} ping -c 1 -W 1 {mac-ip}", ends="badly")
    at.table((at["mynet"], other.splitlines()[-2]), (at["inner-net"], blocked.splitlines()[-1]))
