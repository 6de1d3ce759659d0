"""Clip 2, user-defined networks: the kinds of network side by side, networks of one's own, connect and disconnect.

Data first: the steps in the order of the course, each with its commands and the check that judges them, which
is in `checks.clip2`.
"""

from __future__ import annotations

from proxyctl.labs.checks import clip2 as checks
from proxyctl.labs.checks import facts
from proxyctl.labs.command import Command, either, fails
from proxyctl.labs.needs import CURL, HOST, IP, ROOT, SS
from proxyctl.labs.step import Lab, Step
from proxyctl.labs.texts import Text

# asks for all its targets at once, so that those that do not answer cost one second together
REACH = """\
docker exec {%s} sh -c '
for to in {my-web} {my-was} {my-db} \\
    {my-client} {web-front} {web-back} \\
    {was-ip} {db-ip} {client-ip}; do
  (ping -c 1 -W 1 $to >/dev/null 2>&1 && echo $to yes || echo $to no) &
done; wait'"""

STEPS = (
    Step(
        id="containers",
        goal=Text(ko="네트워크 종류별로 컨테이너를 띄웁니다", en="Start a container on each kind of network"),
        find=facts.find_port,
        commands=(
            "docker run -d {label} --name {on-bridge} proxyctl/haproxy sleep 1h",
            "docker run -d {label} --name {on-bridge2} proxyctl/haproxy sleep 1h",
            "docker run -d {label} --name {on-none} --network none proxyctl/haproxy sleep 1h",
            "docker run -d {label} --name {on-host} --network host proxyctl/echo --host 127.0.0.1 --port {port}",
        ),
        at_once=True,
        vital=True,
        check=checks.containers,
        why=Text(
            ko="--net(--network) 값에 따라 컨테이너가 받는 네트워크 네임스페이스와 주소가 달라집니다.",
            en="--net (--network) decides which network namespace and which addresses a container gets.",
        ),
    ),
    Step(
        id="container-mode",
        goal=Text(
            ko="container: 모드로 다른 컨테이너의 네트워크를 함께 씁니다",
            en="Share another container's network with container:",
        ),
        commands=(
            "docker run -d {label} --name {shared} --network container:{on-bridge} proxyctl/echo",
            "docker exec {on-bridge} readlink /proc/1/ns/net",
            "docker exec {shared} readlink /proc/1/ns/net",
        ),
        check=checks.container_mode,
        why=Text(
            ko="두 컨테이너가 한 네임스페이스를 쓰므로 주소와 포트, 127.0.0.1까지 같습니다. 쿠버네티스의 파드가 이렇게 "
            "동작합니다.",
            en="Both are in one namespace: same addresses, same ports, even the same 127.0.0.1. A Kubernetes pod works "
            "like this.",
        ),
    ),
    Step(
        id="side-by-side",
        goal=Text(
            ko="bridge, none, host, container:의 주소와 라우트를 나란히 봅니다",
            en="See addresses and routes of bridge, none, host and container: side by side",
        ),
        commands=(
            "docker exec {on-bridge} sh -c 'ip -4 -o addr; ip route'",
            "docker exec {on-none} sh -c 'ip -4 -o addr; ip route'",
            "docker exec {on-host} sh -c 'ip -4 -o addr; ip route'",
            "docker exec {shared} sh -c 'ip -4 -o addr; ip route'",
        ),
        at_once=True,
        check=checks.side_by_side,
        why=Text(
            ko="none에는 lo만 있고 라우트가 없습니다. host에는 호스트의 인터페이스가 모두 보이고, container:는 상대와 "
            "같습니다.",
            en="none has lo and no route; host sees all interfaces of the host; container: has what the other has.",
        ),
    ),
    Step(
        id="host-port",
        goal=Text(
            ko="host 네트워크에서 포트의 주인이 누구인지 확인합니다", en="On the host network, see who owns the port"
        ),
        needs=(ROOT, HOST, SS, CURL),
        find=checks.host_answers,
        commands=(
            "curl -s --max-time 5 http://127.0.0.1:{port}/healthz",
            "ss -Hltnp 'sport = :{port}'",
            "docker inspect {on-host} -f '{{.State.Pid}}'",
            "docker inspect {on-host} -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'",
        ),
        check=checks.host_port,
        why=Text(
            ko="docker-proxy도 DNAT도 없이 컨테이너의 프로세스가 직접 호스트의 포트를 듣습니다. 컨테이너에는 "
            "별도의 IP가 부여되지 않습니다.",
            en="The container's process listens on the host itself, with no docker-proxy and no DNAT, and the "
            "container has no address of its own.",
        ),
    ),
    Step(
        id="macvlan",
        goal=Text(
            ko="macvlan으로 컨테이너를 물리 네트워크에 직접 연결합니다", en="Put a container on the wire with macvlan"
        ),
        needs=(ROOT, HOST, IP, CURL),
        find=checks.find_wire,
        commands=(
            "ip link add {up} type veth peer name {lan}",
            "ip addr add {lan-ip}/24 dev {lan}",
            "ip link set {up} up && ip link set {lan} up",
            "docker network create {label} -d macvlan --subnet {lan-subnet} -o parent={up} {mac-net}",
            either("docker run -d {label} --name {on-macvlan} --network {mac-net} proxyctl/echo"),
        ),
        check=checks.macvlan,
        why=Text(
            ko="여기서는 안전하게 veth 한 쌍을 랜선으로 씁니다. 컨테이너는 브리지와 NAT 없이 자기 MAC으로 나타나며, "
            "컨테이너에도 클라이언트의 주소가 그대로 보입니다.",
            en="A veth pair stands for the LAN's cable here, so that yours is left alone. The container is there with "
            "a MAC of its own, with no bridge and no NAT, and sees its client's own address.",
        ),
    ),
    Step(
        id="create",
        goal=Text(ko="사용자 정의 네트워크를 만들어 이름으로 통신합니다", en="Create a network and talk by name on it"),
        commands=(
            "docker network create {label} {mynet}",
            "docker run -d {label} --name {net-check1} --net {mynet} proxyctl/haproxy sleep 1h",
            "docker run -d {label} --name {net-check2} --net {mynet} proxyctl/haproxy sleep 1h",
            "docker network inspect {mynet} -f '{{(index .IPAM.Config 0).Subnet}}'",
            "docker exec {net-check1} ping -c 1 -W 2 {net-check2}",
            "docker exec {net-check2} ping -c 1 -W 2 {net-check1}",
        ),
        check=checks.create,
        why=Text(
            ko="사용자 정의 네트워크에는 Docker의 DNS가 있어 컨테이너 이름이 주소로 바뀝니다(서비스 검색).",
            en="Networks of your own have Docker's DNS, which knows the containers' names: service discovery.",
        ),
    ),
    Step(
        id="no-names",
        goal=Text(ko="기본 브리지에서는 이름으로 통신할 수 없습니다", en="On the default bridge names do not work"),
        find=checks.find_bridge_addresses,
        commands=(
            fails("docker exec {on-bridge} ping -c 1 -W 2 {on-bridge2}"),
            "docker exec {on-bridge} ping -c 1 -W 2 {bridge2-ip}",
            "docker exec {on-bridge} grep nameserver /etc/resolv.conf",
            "docker exec {net-check1} grep nameserver /etc/resolv.conf",
        ),
        check=checks.no_names,
        why=Text(
            ko="기본 브리지의 resolv.conf에는 호스트의 DNS 서버가 적혀 있어 컨테이너 이름을 모릅니다. "
            "주소로는 통신됩니다.",
            en="The default bridge has the host's DNS servers in resolv.conf, and they do not know containers. By "
            "address it works.",
        ),
    ),
    Step(
        id="subnet",
        goal=Text(
            ko="대역, 할당 범위, 게이트웨이, 고정 IP를 지정합니다",
            en="Choose subnet, range, gateway and a static address",
        ),
        find=checks.find_subnet,
        commands=(
            (
                "docker network create {label} --driver bridge --subnet {subnet} --ip-range {range} "
                "--gateway {gateway} {vswitch-net}"
            ),
            "docker run -d {label} --name {net1} --net {vswitch-net} proxyctl/haproxy sleep 1h",
            "docker run -d {label} --name {net2} --net {vswitch-net} --ip {static} proxyctl/haproxy sleep 1h",
            "docker exec {net1} ip -4 -o addr show eth0",
            "docker exec {net2} ip -4 -o addr show eth0",
            "docker exec {net1} ip route",
            fails("docker run {label} --name {refused} --ip {bridge-static} proxyctl/haproxy true"),
        ),
        check=checks.subnet,
        why=Text(
            ko="자동 주소는 --ip-range 안에서만 나오므로, 고정 IP를 그 밖에 두면 겹치지 않습니다. 기본 브리지에서는 "
            "--ip를 쓸 수 없습니다.",
            en="Automatic addresses come from --ip-range only: a static one outside cannot collide with them. The "
            "default bridge takes no --ip.",
        ),
    ),
    Step(
        id="connect",
        goal=Text(
            ko="실행 중인 컨테이너에 네트워크를 연결하고 해제합니다",
            en="Connect a running container to a network, and disconnect it",
        ),
        commands=(
            "docker run -d {label} --name {add-net} proxyctl/haproxy sleep 1h",
            "docker network create {label} --driver bridge {fc-net2}",
            "docker exec {add-net} ip -4 -o addr",
            "docker network connect {fc-net2} {add-net}",
            "docker exec {add-net} ip -4 -o addr",
            fails("docker network rm {fc-net2}"),
            "docker network disconnect {fc-net2} {add-net}",
            "docker exec {add-net} ip -4 -o addr",
            "docker network rm {fc-net2}",
        ),
        check=checks.connect,
        why=Text(
            ko="연결하면 eth1이 생기고 해제하면 사라지며, 컨테이너는 계속 실행됩니다. 강의의 순서와 달리 네트워크는 "
            "해제한 다음에만 지울 수 있습니다.",
            en="eth1 comes and goes while the container runs on. Unlike in the notes' order, the network can be "
            "removed only after the disconnect.",
        ),
    ),
    Step(
        id="front-back",
        goal=Text(
            ko="front-net과 back-net에 my-web, my-was, my-db를 배치합니다",
            en="Put my-web, my-was and my-db on front-net and back-net",
        ),
        commands=(
            "docker network create {label} --driver bridge {back-net}",
            "docker network create {label} --driver bridge {front-net}",
            "docker run -d {label} --name {my-web} --net {front-net} proxyctl/haproxy sleep 1h",
            "docker run -d {label} --name {my-was} --net {back-net} proxyctl/haproxy sleep 1h",
            "docker run -d {label} --name {my-db} --net {back-net} proxyctl/haproxy sleep 1h",
            "docker run -d {label} --name {my-client} --net {front-net} proxyctl/haproxy sleep 1h",
            "docker network connect {back-net} {my-web}",
            "docker network inspect {front-net} -f '{{range .Containers}}{{println .Name .IPv4Address}}{{end}}'",
            "docker network inspect {back-net} -f '{{range .Containers}}{{println .Name .IPv4Address}}{{end}}'",
        ),
        check=checks.front_back,
        why=Text(
            ko="my-web만 두 네트워크에 있습니다. my-client는 강의에 없지만, front-net에만 있는 컨테이너의 시야를 "
            "보려고 더했습니다.",
            en="Only my-web is on both. my-client is not in the course: it shows what someone on front-net alone can "
            "reach.",
        ),
    ),
    Step(
        id="reachability",
        goal=Text(
            ko="누가 누구에게 닿는지, 이름과 주소로 모두 확인합니다", en="See who reaches whom, by name and by address"
        ),
        find=checks.find_addresses,
        commands=tuple(Command(REACH % source, within=40) for source in checks.PEOPLE),
        at_once=True,
        check=checks.reachability,
        why=Text(
            ko="같은 네트워크에 있어야 이름이 풀리고 통신됩니다. 주소를 알아도 다른 브리지로 가는 패킷은 "
            "DOCKER-ISOLATION 규칙이 버립니다.",
            en="Names resolve and packets arrive only on a common network. Knowing the address does not help: between "
            "bridges the DOCKER-ISOLATION rules drop it.",
        ),
    ),
    Step(
        id="slip",
        goal=Text(
            ko="연결된 적 없는 네트워크의 해제는 오류입니다 (강의의 실수)",
            en="Disconnecting from a network it was never on is an error (the notes' slip)",
        ),
        commands=(
            fails("docker network disconnect {front-net} {my-was}"),
            "docker network disconnect {front-net} {my-web}",
            "docker inspect {my-web} -f '{{json .NetworkSettings.Networks}}'",
        ),
        check=checks.slip,
        why=Text(
            ko="my-was는 back-net에만 있습니다. front-net에서 뺄 수 있는 것은 my-web입니다.",
            en="my-was is on back-net only; the one to take off front-net is my-web.",
        ),
    ),
    Step(
        id="internal",
        goal=Text(
            ko="바깥으로 나갈 수 없는 내부 네트워크를 만듭니다", en="Create an internal network, with no way out"
        ),
        commands=(
            "docker network create {label} --internal {inner-net}",
            "docker run -d {label} --name {inner1} --net {inner-net} proxyctl/haproxy sleep 1h",
            "docker run -d {label} --name {inner2} --net {inner-net} proxyctl/haproxy sleep 1h",
            "docker exec {inner1} ping -c 1 -W 2 {inner2}",
            "docker exec {inner1} ip route",
        ),
        check=checks.internal,
        why=Text(
            ko="--internal 네트워크의 컨테이너는 서로 통신하지만 바깥과는 통신하지 못하므로 데이터베이스에 알맞습니다. "
            "Docker 버전에 따라 기본 라우트를 두지 않거나, 라우트는 두고 iptables가 막습니다.",
            en="Containers on an --internal network reach each other and nothing outside, which suits a database. By "
            "version, Docker gives no default route, or gives one and has iptables drop what takes it.",
        ),
    ),
)

LAB = Lab(
    id="clip2",
    title=Text(ko="사용자 정의 네트워크", en="User-defined networks"),
    goal=Text(
        ko="네트워크 종류를 나란히 비교하고, 직접 만든 네트워크에서 누가 누구에게 닿는지 확인합니다.",
        en="Compare the kinds of network side by side, and see who reaches whom on networks of your own.",
    ),
    names=(
        *("on-bridge", "on-bridge2", "on-none", "on-host", "shared", "on-macvlan", "mac-net"),
        *("mynet", "net-check1", "net-check2", "vswitch-net", "net1", "net2", "refused", "add-net", "fc-net2"),
        *("back-net", "front-net", "my-web", "my-was", "my-db", "my-client", "inner-net", "inner1", "inner2"),
    ),
    images={
        "proxyctl/haproxy": Text(
            ko="강의의 ubuntu:14.04 대신 씁니다 (busybox의 ip, ping)",
            en="in place of the course's ubuntu:14.04 (ip and ping of busybox)",
        ),
        "proxyctl/echo": Text(
            ko="강의의 nginx:1.25.0 대신 쓰는 웹 서버입니다", en="a web server in place of the course's nginx:1.25.0"
        ),
    },
    steps=STEPS,
)
