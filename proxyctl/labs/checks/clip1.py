"""Checks of clip 1: the parts of a container's network, and the options of `docker run`."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path

from proxyctl.labs import subnets
from proxyctl.labs.at import At
from proxyctl.labs.checks.facts import address
from proxyctl.labs.texts import Text

NET = Path("/sys/class/net")
MAC = "92:d0:c6:0a:29:33"


def containers(at: At) -> None:
    """Expect both on the default bridge."""
    for key in ("box", "web"):
        at.equal(f"{at[key]}: networks", list(at.container(key)["NetworkSettings"]["Networks"]), ["bridge"])
    at.table(*((at[key], address(at, key)) for key in ("box", "web")))


def find_sandbox(at: At) -> None:
    """Find where Docker keeps the namespace, and the container's first process."""
    entry = at.container("box")
    sandbox, pid = entry["NetworkSettings"]["SandboxKey"], str(entry["State"]["Pid"])
    if not (Path(sandbox).exists() and Path(f"/proc/{pid}").exists()):
        at.skip(
            Text(ko="엔진의 네임스페이스가 여기서 보이지 않습니다", en="the engine's namespaces cannot be seen here")
        )
    at.found(sandbox=sandbox, pid=pid)


def cnm(at: At) -> None:
    """Expect the sandbox to be the namespace of the container, and its endpoint on the network bridge."""
    sandbox, namespace, endpoint, network, bridge = at.out
    at.equal("sandbox", sandbox, namespace)
    at.equal("network", network, bridge)
    at.table(
        ("sandbox", f"{at['sandbox']} = net:[{namespace}]"),
        ("endpoint", f"{endpoint[:12]} = eth0"),
        ("network", f"{network[:12]} = bridge"),
    )


def docker0(at: At) -> None:
    """Expect the interface's address to be the containers' gateway, in the subnet that Docker names."""
    subnet, line = at.out
    at_bridge = ipaddress.ip_interface(line.split()[3])
    gateway = at.container("box")["NetworkSettings"]["Networks"]["bridge"]["Gateway"]
    at.equal("docker0", str(at_bridge.network), subnet)
    at.equal("gateway", gateway, str(at_bridge.ip))
    at.table(("docker0", str(at_bridge)), ("bridge", subnet), ("gateway", gateway))


def subnet_pools(at: At) -> None:
    """Expect a new network's subnet to be one of the default pools, and to overlap no other in use."""
    at.expect("bridge " in at.out[0], Text(ko="bridge가 목록에 없습니다", en="bridge is not in the list"))
    made = subnets.Subnet(at.out[2])
    configured = at.client.info().get("DefaultAddressPools") or ()
    used = {subnet: who for subnet, who in subnets.taken(at.client).items() if who != at["net"]}
    hit = [f"{subnet} ({who})" for subnet, who in used.items() if subnet.overlaps(made) and subnet != made]
    at.equal("overlaps", hit, [])
    if configured:
        pools = tuple(subnets.Subnet(pool["Base"]) for pool in configured)
        at.note("default-address-pools: " + ", ".join(map(str, pools)))
    else:
        pools = subnets.DEFAULT_POOLS
    at.expect(
        any(made.subnet_of(pool) for pool in pools),
        Text(ko=f"{made}는 기본 대역이 아닙니다", en=f"{made} is none of the default subnets"),
    )
    taken = [(subnet, who) for subnet, who in sorted(used.items()) if any(subnet.overlaps(pool) for pool in pools)]
    free = [pool for pool in pools if not any(pool.overlaps(subnet) for subnet in used)]
    at.table(
        *((str(subnet), Text(ko=f"사용 중: {who}", en=f"taken by {who}")) for subnet, who in taken),
        (str(made), Text(ko=f"새로 받음: {at['net']}", en=f"given to {at['net']}")),
    )
    at.note(
        Text(
            ko=f"기본 대역 {len(pools)}개 중 {len(free)}개가 비어 있었습니다",
            en=f"{len(free)} of {len(pools)} were free",
        )
    )
    if free and made != free[0]:
        at.note(
            Text(
                ko=f"{free[0]}도 비어 있지만, 이 엔진은 마지막에 준 대역의 다음부터 찾습니다",
                en=f"{free[0]} is free too: this engine goes on after the last one it gave",
            )
        )


def find_veth(at: At) -> None:
    """Find the host's interface whose ifindex is the container's iflink."""
    wanted = at.quiet("docker exec {box} cat /sys/class/net/eth0/iflink").out
    found = [path.parent.name for path in NET.glob("*/ifindex") if _read(path) == wanted]
    at.expect(
        found,
        Text(
            ko=f"ifindex가 {wanted}인 호스트 인터페이스가 없습니다", en=f"no interface of the host has ifindex {wanted}"
        ),
    )
    at.found(veth=found[0])


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:  # an interface that went meanwhile
        return ""


def veth_pair(at: At) -> None:
    """Expect each end's iflink to be the other's ifindex, and the host's end to be a port of docker0."""
    inside_link, outside_index, inside_index, outside_link, bridge = at.out
    at.equal("iflink of eth0", inside_link, outside_index)
    at.equal(f"iflink of {at['veth']}", outside_link, inside_index)
    at.equal(f"bridge of {at['veth']}", bridge, "docker0")
    at.table(
        ("", "ifindex", "iflink", ""),
        (Text(ko="컨테이너 eth0", en="container eth0"), inside_index, inside_link, ""),
        (Text(ko=f"호스트 {at['veth']}", en=f"host {at['veth']}"), outside_index, outside_link, f"master {bridge}"),
    )


def bridge_ports(at: At) -> None:
    """Expect the veth of the step before among docker0's ports."""
    ports = re.findall(r"^\d+: ([^:@]+)", at.out[0], re.MULTILINE)
    if "veth" in at:
        at.expect(
            at["veth"] in ports,
            Text(ko=f"{at['veth']}가 docker0에 없습니다", en=f"{at['veth']} is no port of docker0"),
        )
    at.note(f"docker0: {' '.join(ports)}")


def web_answers(at: At) -> None:
    """Wait until the web server listens."""
    at.until(
        lambda: at.quiet("docker exec {web} wget -qO- http://127.0.0.1:8080/healthz").code == 0,
        Text(ko="웹 서버의 응답", en="an answer of the web server"),
    )


def isolation(at: At) -> None:
    """Expect three namespaces, few interfaces, and a 127.0.0.1 for each container."""
    box, web, interfaces, refused, answered = at.out
    host = str(Path("/proc/self/ns/net").readlink())
    at.equal(Text(ko="서로 다른 네임스페이스", en="different namespaces"), len({box, web, host}), 3)
    at.expect("eth0" in interfaces.split(), Text(ko="eth0이 없습니다", en="there is no eth0"))
    at.expect('"healthy": true' in answered, Text(ko="웹 서버가 답하지 않습니다", en="the web server does not answer"))
    at.table(
        (Text(ko="호스트", en="host"), host),
        (at["box"], f"{box}  {' '.join(interfaces.split())}"),
        (at["web"], web),
    )
    at.table((at["box"], refused.splitlines()[-1]), (at["web"], answered))


def addresses(at: At) -> None:
    """Expect all three ways to give the same address."""
    listed, inspected, line = at.out
    by_network = dict(row.split() for row in listed.splitlines() if row)
    inside = line.split()[3]
    at.equal("docker network inspect", by_network[at["box"]], inside)
    at.equal("docker inspect", inspected, inside.partition("/")[0])
    at.table(("docker network inspect", by_network[at["box"]]), ("docker inspect", inspected), ("ip addr", inside))


def mac(at: At) -> None:
    """Expect Docker, ip and the kernel to name the same MAC."""
    inspected, link, inside = at.out
    for shown in (inspected, link):
        at.expect(inside in shown, Text(ko=f"{inside}가 아닙니다: {shown}", en=f"not {inside}: {shown}"))
    at.table(("docker inspect", inspected.strip()), ("ip link", link.splitlines()[-1].strip()), ("/sys", inside))


def routes(at: At) -> None:
    """Expect the container's default route to go to docker0, and the host's route to its subnet."""
    inside, outside = at.out
    gateway = at.container("box")["NetworkSettings"]["Networks"]["bridge"]["Gateway"]
    at.expect(
        f"default via {gateway} dev eth0" in inside, Text(ko="기본 라우트가 다릅니다", en="another default route")
    )
    at.expect(
        any(line.split()[0] in inside for line in outside.splitlines()),
        Text(ko="호스트에 컨테이너 대역의 라우트가 없습니다", en="the host has no route to the containers"),
    )


def add_host(at: At) -> None:
    """Expect the line in /etc/hosts."""
    (line,) = re.findall(r"^192\.168\.0\.100\s+fastcampus\.co\.kr$", at.out[0], re.MULTILINE) or [""]
    at.expect(line, Text(ko="/etc/hosts에 그 줄이 없습니다", en="/etc/hosts has no such line"))
    at.note(line.expandtabs())


def dns(at: At) -> None:
    """Expect the server in resolv.conf."""
    servers = re.findall(r"^nameserver\s+(\S+)", at.out[0], re.MULTILINE)
    at.equal("nameserver", servers, ["8.8.8.8"])


def mac_address(at: At) -> None:
    """Expect the MAC that was asked for; through the API where command and engine do not agree on how to ask."""
    ran = at.ran[0]
    if ran.code != 0 and "requires API version" in ran.out:
        at.note(ran.out.splitlines()[0])
        made = at.client.create_container(
            "proxyctl/haproxy",
            ["cat", "/sys/class/net/eth0/address"],
            name=at["mac"],
            mac_address=MAC,
            labels={"proxyctl.lab": "clip1"},
        )
        at.equal("Config.MacAddress", at.client.inspect_container(made["Id"])["Config"]["MacAddress"], MAC)
        out = at.sh("docker start -a {mac}")
        at.note(Text(ko="API로 만든 컨테이너의 eth0:", en="eth0 of a container made by the API:"))
    else:
        at.equal(Text(ko="종료 코드", en="exit code"), ran.code, 0)
        out = ran.out
    at.equal("eth0", out, MAC)
    at.note(out)


def hostname(at: At) -> None:
    """Expect the short id, and the name that was given."""
    default, given = at.out
    at.equal("hostname", default, at.container("box")["Id"][:12])
    at.equal("hostname", given, "web.example")


def link(at: At) -> None:
    """Expect no name without --link, and the web server's address with it."""
    unknown, linked = at.out
    at.expect("bad address" in unknown, Text(ko=f"예상과 다릅니다: {unknown}", en=f"not as expected: {unknown}"))
    hosts = linked.splitlines()[0].split()
    at.equal("was", hosts[0], address(at, "web"))
    at.note(unknown, "/etc/hosts: " + " ".join(hosts), linked.splitlines()[2])


def overlay(at: At) -> None:
    """Expect the creation to need a swarm."""
    state, created = at.out
    if state != "active":
        at.expect(
            at.ran[1].code != 0 and "swarm" in created.lower(),
            Text(ko=f"Swarm 없이 만들어졌거나 다른 오류입니다: {created}", en=f"no error about Swarm: {created}"),
        )
    elif at.ran[1].code == 0:
        at.equal("driver", at.network("over")["Driver"], "overlay")
    at.note(f"Swarm: {state}", created)
