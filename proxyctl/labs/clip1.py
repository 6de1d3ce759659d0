"""Clip 1, container networks: what docker0, veth pairs, NAT and docker-proxy are, on containers of the default bridge.

Data first: the steps in the order of the course, each with its commands and the check that judges them, which
is in `checks.clip1`.
"""

from __future__ import annotations

from proxyctl.labs.checks import clip1 as checks
from proxyctl.labs.needs import HOST
from proxyctl.labs.step import Lab, Step
from proxyctl.labs.texts import Text

STEPS = (
    Step(
        id="containers",
        goal=Text(ko="기본 브리지에 컨테이너를 띄웁니다", en="Start containers on the default bridge"),
        commands=(
            "docker run -d {label} --name {box} proxyctl/haproxy sleep 1h",
            "docker run -d {label} --name {web} proxyctl/echo",
        ),
        at_once=True,
        vital=True,
        check=checks.containers,
        why=Text(
            ko="네트워크를 지정하지 않으면 컨테이너는 docker0 브리지에 연결된 기본 네트워크 bridge에 들어갑니다.",
            en="Without a network option a container joins the default network `bridge`, whose bridge is docker0.",
        ),
    ),
    Step(
        id="docker0",
        goal=Text(ko="docker0 브리지와 그 대역을 확인합니다", en="See the bridge docker0 and its subnet"),
        needs=(HOST,),
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
            ko="veth는 양 끝이 있는 선입니다. 한쪽의 iflink는 언제나 상대쪽의 ifindex이므로 강의의 8과 8은 "
            "같은 번호입니다. '하나 작다'는 것은 두 끝의 ifindex가 연달아 매겨졌을 때의 우연입니다.",
            en="A veth is a cable with two ends. One end's iflink is always the other end's ifindex: the notes' 8 and "
            "8 are the same number. `One less` is what the two ifindex numbers happen to be when given out in a row.",
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
    names=("box", "web"),
    images={
        "proxyctl/haproxy": Text(
            ko="강의의 ubuntu:14.04와 centos:7 대신 (busybox의 ip, route, ping)",
            en="in place of the course's ubuntu:14.04 and centos:7 (ip, route and ping of busybox)",
        ),
        "proxyctl/echo": Text(ko="강의의 nginx:1.25.0 대신 (웹 서버)", en="in place of the course's nginx:1.25.0"),
    },
    steps=STEPS,
)
