"""Clip 1, container networks: what docker0, veth pairs, NAT and docker-proxy are, on containers of the default bridge.

Data first: the steps in the order of the course, each with its commands and the check that judges them, which
is in `checks.clip1`. The published ports are in `clip1_ports`.
"""

from __future__ import annotations

from proxyctl.labs import clip1_ports
from proxyctl.labs.checks import clip1 as checks
from proxyctl.labs.checks import facts
from proxyctl.labs.command import either, fails
from proxyctl.labs.needs import HOST, IP, ROOT
from proxyctl.labs.step import Lab, Step
from proxyctl.labs.texts import Text

STEPS = (
    Step(
        id="containers",
        goal=Text(ko="기본 브리지에 컨테이너를 띄웁니다", en="Start containers on the default bridge"),
        find=facts.find_port,
        commands=(
            "docker run -d {label} --name {box} proxyctl/haproxy sleep 1h",
            "docker run -d {label} --name {web} -p {port}:8080 proxyctl/echo",
        ),
        at_once=True,
        vital=True,
        check=checks.containers,
        why=Text(
            ko="네트워크를 지정하지 않으면 컨테이너는 docker0 브리지로 이루어진 기본 네트워크 bridge에 들어갑니다.",
            en="Without a network option a container joins the default network `bridge`, whose bridge is docker0.",
        ),
    ),
    Step(
        id="cnm",
        goal=Text(
            ko="CNM의 세 부품(샌드박스, 엔드포인트, 네트워크)을 리눅스에서 찾습니다",
            en="Find CNM's three parts (sandbox, endpoint, network) in Linux",
        ),
        needs=(ROOT, HOST),
        find=checks.find_sandbox,
        commands=(
            "stat -Lc %i {sandbox}",
            "stat -Lc %i /proc/{pid}/ns/net",
            "docker inspect {box} -f '{{range .NetworkSettings.Networks}}{{.EndpointID}}{{end}}'",
            "docker inspect {box} -f '{{range .NetworkSettings.Networks}}{{.NetworkID}}{{end}}'",
            "docker network ls --no-trunc -qf name=^bridge$",
        ),
        check=checks.cnm,
        why=Text(
            ko="CNM은 규격이고 libnetwork가 그 구현입니다. 샌드박스는 네트워크 네임스페이스, 엔드포인트는 veth 쌍, "
            "네트워크는 리눅스 브리지입니다.",
            en="CNM is the model, libnetwork implements it: a sandbox is a network namespace, an endpoint a veth pair, "
            "a network a Linux bridge.",
        ),
    ),
    Step(
        id="docker0",
        goal=Text(ko="docker0 브리지와 그 대역을 확인합니다", en="See the bridge docker0 and its subnet"),
        needs=(HOST, IP),
        commands=(
            "docker network inspect bridge -f '{{(index .IPAM.Config 0).Subnet}}'",
            "ip -4 -o addr show docker0",
        ),
        check=checks.docker0,
        why=Text(
            ko="docker0은 커널 안의 스위치(리눅스 브리지)이며, 그 주소가 컨테이너들의 기본 게이트웨이입니다.",
            en="docker0 is a switch inside the kernel (a Linux bridge); its address is the containers' gateway.",
        ),
    ),
    Step(
        id="subnet-pools",
        goal=Text(
            ko="새 네트워크의 기본 대역과 여기서 이미 쓰이는 대역을 확인합니다",
            en="See the default subnets of new networks, and which are taken here",
        ),
        commands=(
            either(  # one that is removed between the two is no fault
                "docker network ls -q | xargs docker network inspect "
                "-f '{{.Name}} {{range .IPAM.Config}}{{.Subnet}}{{end}}'"
            ),
            "docker network create {label} {net}",
            "docker network inspect {net} -f '{{(index .IPAM.Config 0).Subnet}}'",
        ),
        check=checks.subnet_pools,
        why=Text(
            ko="172.17~31.0.0/16(각 65,536개), 그다음 192.168.0~240.0/20(16씩 증가, 각 4,096개)입니다. "
            "강의의 655367H와 40967H는 65536개와 4096개의 오타입니다. 이미 쓰이거나 라우트와 겹치는 대역은 건너뜁니다.",
            en="172.17-31.0.0/16 (65,536 addresses each), then 192.168.0-240.0/20 in steps of 16 (4,096 each). One in "
            "use, or overlapping a route of the host, is passed over.",
        ),
    ),
    Step(
        id="veth-pair",
        goal=Text(
            ko="컨테이너의 eth0과 짝을 이루는 호스트의 veth를 찾습니다",
            en="Find the host's end of the container's eth0",
        ),
        needs=(HOST,),
        find=checks.find_veth,
        commands=(
            "docker exec {box} cat /sys/class/net/eth0/iflink",
            "cat /sys/class/net/{veth}/ifindex",
            "docker exec {box} cat /sys/class/net/eth0/ifindex",
            "cat /sys/class/net/{veth}/iflink",
            "basename $(readlink /sys/class/net/{veth}/master)",
        ),
        check=checks.veth_pair,
        why=Text(
            ko="한쪽의 iflink는 언제나 상대쪽의 ifindex입니다. 강의의 8과 8은 veth의 ifindex와 eth0의 iflink, "
            "곧 같은 번호를 양쪽에서 읽은 것이라 같습니다. '하나 작다'는 것은 두 끝의 ifindex끼리 비교한 것으로, "
            "두 번호가 연달아 매겨져서 그럴 뿐 규칙은 아닙니다.",
            en="One end's iflink is always the other end's ifindex. The notes' 8 and 8 are the veth's ifindex and "
            "eth0's iflink, one number read from both sides. `One less` compares the two ifindex: they are often "
            "given out in a row, which is no rule.",
        ),
    ),
    Step(
        id="bridge-ports",
        goal=Text(ko="docker0에 꽂힌 veth를 봅니다 (brctl show)", en="See the veths plugged into docker0 (brctl show)"),
        needs=(HOST, IP),
        commands=("ip -o link show master docker0",),
        check=checks.bridge_ports,
        why=Text(
            ko="brctl show의 interfaces 열과 같은 내용이며, bridge-utils를 설치하지 않아도 볼 수 있습니다.",
            en="What brctl show has in its column `interfaces`; ip shows it without installing bridge-utils.",
        ),
    ),
    Step(
        id="isolation",
        goal=Text(ko="네임스페이스가 컨테이너를 격리함을 확인합니다", en="See that namespaces keep containers apart"),
        find=checks.web_answers,
        commands=(
            "docker exec {box} readlink /proc/1/ns/net",
            "docker exec {web} readlink /proc/1/ns/net",
            "docker exec {box} ls /sys/class/net",
            fails("docker exec {box} wget -qO- -T 2 http://127.0.0.1:8080/healthz"),
            "docker exec {web} wget -qO- http://127.0.0.1:8080/healthz",
        ),
        check=checks.isolation,
        why=Text(
            ko="네임스페이스마다 인터페이스, 라우트, 포트가 따로 있습니다. 그래서 127.0.0.1은 컨테이너 자신만을 "
            "뜻합니다.",
            en="Each namespace has interfaces, routes and ports of its own, so 127.0.0.1 means the container itself.",
        ),
    ),
    Step(
        id="addresses",
        goal=Text(ko="컨테이너의 IP 주소를 세 가지 방법으로 읽습니다", en="Read a container's address in three ways"),
        commands=(
            "docker network inspect bridge -f '{{range .Containers}}{{println .Name .IPv4Address}}{{end}}'",
            "docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' {box}",
            "docker exec {box} ip -4 -o addr show eth0",
        ),
        check=checks.addresses,
        why=Text(
            ko="강의의 .NetworkSettings.IPAddress는 기본 bridge의 주소만 담습니다. 네트워크별 주소는 Networks 아래에 "
            "있습니다. 주소는 브리지의 대역에서 나옵니다(강의의 '대역폭'은 대역의 오타입니다).",
            en="The course's .NetworkSettings.IPAddress holds only the address on the default bridge; those of all "
            "networks are below Networks. They come from the bridge's subnet.",
        ),
    ),
    Step(
        id="mac",
        goal=Text(
            ko="컨테이너의 MAC 주소를 세 가지 방법으로 읽습니다", en="Read a container's MAC address in three ways"
        ),
        commands=(
            'docker inspect {box} | grep -m1 \'"MacAddress": "..*"\'',
            "docker exec {box} ip link show eth0",
            "docker exec {box} cat /sys/class/net/eth0/address",
        ),
        check=checks.mac,
        why=Text(
            ko="Docker가 매긴 MAC이 eth0의 MAC입니다. 브리지는 이 주소를 학습하여 프레임을 보냅니다.",
            en="The MAC that Docker chose is that of eth0; the bridge learns it and forwards frames by it.",
        ),
    ),
    Step(
        id="routes",
        goal=Text(ko="컨테이너와 호스트의 라우팅 테이블을 봅니다", en="See the routes of the container and the host"),
        needs=(HOST, IP),
        commands=("docker exec {box} ip route", "ip route show dev docker0"),
        check=checks.routes,
        why=Text(
            ko="컨테이너 밖으로 가는 패킷은 모두 docker0으로 가고, 호스트는 컨테이너 대역을 docker0으로 보냅니다.",
            en="Whatever leaves the container goes to docker0, and the host sends the containers' subnet to docker0.",
        ),
    ),
    *clip1_ports.STEPS,
    Step(
        id="add-host",
        goal=Text(ko="--add-host로 /etc/hosts에 이름을 넣습니다", en="Put a name into /etc/hosts with --add-host"),
        commands=(
            (
                "docker run --rm {label} --name {hosts} --add-host fastcampus.co.kr:192.168.0.100 "
                "proxyctl/haproxy cat /etc/hosts"
            ),
        ),
        check=checks.add_host,
        why=Text(
            ko="/etc/hosts는 DNS보다 먼저 읽히므로 이름을 고정하거나 덮어쓸 때 씁니다.",
            en="/etc/hosts is read before DNS, so this pins a name, or overrides one.",
        ),
    ),
    Step(
        id="dns",
        goal=Text(ko="--dns로 DNS 서버를 지정합니다", en="Choose the DNS server with --dns"),
        commands=("docker run --rm {label} --name {dns} --dns 8.8.8.8 proxyctl/haproxy cat /etc/resolv.conf",),
        check=checks.dns,
        why=Text(
            ko="기본 브리지에서는 지정한 서버가 resolv.conf에 그대로 적힙니다. 사용자 정의 네트워크에서는 127.0.0.11이 "
            "적히고, 지정한 서버는 그 상위 서버가 됩니다(clip3).",
            en="On the default bridge it is written into resolv.conf as it is. On networks of your own 127.0.0.11 is "
            "there, and the server becomes its upstream (clip3).",
        ),
    ),
    Step(
        id="mac-address",
        goal=Text(ko="--mac-address로 MAC 주소를 지정합니다", en="Choose the MAC address with --mac-address"),
        commands=(
            either(
                "docker run --rm {label} --name {mac} --mac-address 92:d0:c6:0a:29:33 "
                "proxyctl/haproxy cat /sys/class/net/eth0/address"
            ),
        ),
        check=checks.mac_address,
        why=Text(
            ko="MAC에 묶인 라이선스나 DHCP처럼 고정된 MAC이 필요할 때 씁니다. 같은 네트워크에서 겹치지 않아야 합니다.",
            en="For licences or DHCP that go by the MAC. It must be unique on its network.",
        ),
    ),
    Step(
        id="hostname",
        goal=Text(ko="호스트 이름의 기본값과 -h를 비교합니다", en="Compare the default host name with -h"),
        commands=(
            "docker exec {box} hostname",
            "docker run --rm {label} --name {named} -h web.example proxyctl/haproxy hostname",
        ),
        check=checks.hostname,
        why=Text(
            ko="기본 호스트 이름은 컨테이너 ID의 앞 12자입니다. -h는 안에서 보는 이름만 바꿉니다.",
            en="The default is the first 12 characters of the id. -h changes what is seen inside.",
        ),
    ),
    Step(
        id="link",
        goal=Text(ko="--link(옛 방식)로 이름을 붙여 봅니다", en="Give a name with --link, the legacy way"),
        commands=(
            fails("docker exec {box} ping -c 1 -W 2 {web}"),
            (
                "docker run --rm {label} --name {linked} --link {web}:was proxyctl/haproxy "
                "sh -c 'grep was /etc/hosts && ping -c 1 -W 2 was'"
            ),
        ),
        check=checks.link,
        why=Text(
            ko="--link는 시작할 때의 주소를 /etc/hosts에 적는 방식이며 한 방향입니다. 지금은 사용자 정의 네트워크의 "
            "DNS를 씁니다(clip2, clip3).",
            en="--link writes the address of the start into /etc/hosts, in one direction. Use a network of your own "
            "and its DNS instead (clip2, clip3).",
        ),
    ),
    Step(
        id="overlay",
        goal=Text(ko="overlay 네트워크가 무엇을 필요로 하는지 봅니다", en="See what an overlay network needs"),
        commands=(
            "docker info -f '{{.Swarm.LocalNodeState}}'",
            either("docker network create {label} -d overlay --attachable {over}"),
        ),
        check=checks.overlay,
        why=Text(
            ko="overlay는 여러 호스트의 컨테이너를 VXLAN으로 한 대역에 묶습니다. 호스트들의 상태를 함께 관리하는 "
            "Swarm(11장)이 있어야 만들 수 있습니다.",
            en="An overlay joins containers of several hosts into one subnet by VXLAN. It needs Swarm (chapter 11), "
            "which keeps the hosts' common state.",
        ),
    ),
)

LAB = Lab(
    id="clip1",
    title=Text(ko="컨테이너 네트워크", en="Container networks"),
    goal=Text(
        ko="도커 네트워크가 리눅스의 브리지, 네임스페이스, veth, iptables로 이루어져 있음을 하나씩 확인합니다.",
        en="Docker's networks are made of Linux parts: see the bridge, namespaces, veth pairs and iptables one by one.",
    ),
    names=("box", "web", "net", "myweb", "exposed", "hosts", "dns", "mac", "named", "linked", "over"),
    images={
        "proxyctl/haproxy": Text(
            ko="강의의 ubuntu:14.04와 centos:7 대신 씁니다 (busybox의 ip, route, ping)",
            en="in place of the course's ubuntu:14.04 and centos:7 (ip, route and ping of busybox)",
        ),
        "proxyctl/echo": Text(
            ko="강의의 nginx:1.25.0 대신 쓰는 웹 서버입니다 (8080번 포트)",
            en="a web server in place of the course's nginx:1.25.0 (port 8080)",
        ),
    },
    steps=STEPS,
)
