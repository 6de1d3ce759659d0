"""Clip 3, the names that Docker DNS knows: of a container, of a network, of an address, of a compose service.

The checks are in `checks.clip3_names`.
"""

from __future__ import annotations

from proxyctl.labs.checks import clip3_names as checks
from proxyctl.labs.command import Command, either
from proxyctl.labs.needs import COMPOSE
from proxyctl.labs.step import Step
from proxyctl.labs.texts import Text

COMPOSE_FILE = """\
cat > {tools}/compose.yaml <<'E'
name: {shop}
services:
  was:
    image: proxyctl/echo
    labels: [proxyctl.lab=clip3]
networks:
  default:
    labels: [proxyctl.lab=clip3]
E"""

STEPS = (
    Step(
        id="names",
        goal=Text(ko="한 컨테이너를 가리키는 이름을 모두 물어봅니다", en="Ask for every name that one container has"),
        find=checks.find_id,
        commands=(
            "docker exec {box} nslookup -type=a {was1}",
            "docker exec {box} nslookup -type=a {short-id}",
            "docker exec {box} nslookup -type=a first-host",
            "docker exec {box} nslookup -type=a {was1}.{net}",
            "docker exec {box} nslookup -type=a was",
        ),
        at_once=True,
        check=checks.names,
        why=Text(
            ko="--name의 이름, ID의 앞 12자, -h의 호스트 이름, 이름.네트워크가 모두 같은 주소입니다. 별칭은 그것을 "
            "가진 모든 컨테이너의 주소입니다.",
            en="The --name, the id's first 12 characters, the -h name and NAME.NETWORK are one address; an alias is "
            "the addresses of all that have it.",
        ),
    ),
    Step(
        id="scope",
        goal=Text(ko="이름은 네트워크마다 따로임을 확인합니다", en="See that names belong to a network"),
        commands=(
            either("docker exec {other} python3 /tools/ask.py {was1}"),
            "docker exec {other} python3 /tools/ask.py was",
            "docker network connect {other-net} {client}",
            "docker exec {client} python3 /tools/ask.py {other}",
            "docker exec {client} python3 /tools/ask.py was.{net}",
            "docker exec {client} python3 /tools/ask.py was.{other-net}",
            "docker exec {client} python3 /tools/ask.py was",
            "docker network disconnect {other-net} {client}",
        ),
        check=checks.scope,
        why=Text(
            ko="같은 네트워크에 있어야 이름을 압니다. 두 네트워크에 같은 별칭이 있으면 한쪽의 주소만 나오므로, "
            "이름.네트워크로 물어 고릅니다.",
            en="Only who is on the network knows its names. An alias that two networks have gives one network's "
            "addresses; NAME.NETWORK chooses.",
        ),
    ),
    Step(
        id="reverse",
        goal=Text(ko="주소로 이름을 찾습니다(역방향 조회)", en="Look up the name of an address (reverse)"),
        find=checks.find_addresses,
        commands=(
            "docker exec {box} nslookup {was1-ip}",
            "docker exec {box} nslookup {was2-ip}",
            either("docker exec {other} nslookup {was1-ip}"),
        ),
        at_once=True,
        check=checks.reverse,
        why=Text(
            ko="역방향 조회는 별칭이 아니라 컨테이너이름.네트워크이름을 돌려주며, 다른 네트워크에서는 모릅니다.",
            en="The answer is CONTAINER.NETWORK, not the alias; on another network it is not known.",
        ),
    ),
    Step(
        id="compose",
        goal=Text(ko="compose의 서비스 이름이 별칭임을 확인합니다", en="See that a compose service's name is an alias"),
        needs=(COMPOSE,),
        commands=(
            COMPOSE_FILE,
            Command("docker compose -f {tools}/compose.yaml up -d --scale was=2 2>&1", within=40),
            "docker exec {shop}-was-1 nslookup -type=a was",
            "docker exec {shop}-was-1 nslookup -type=a {shop}-was-2",
            "docker network inspect {shop}_default -f '{{range .Containers}}{{println .Name .IPv4Address}}{{end}}'",
        ),
        check=checks.compose,
        why=Text(
            ko="compose는 프로젝트마다 네트워크를 만들고, 서비스 이름을 그 안의 별칭으로 모든 복제본에 붙입니다.",
            en="Compose makes a network for the project, and gives each replica the service's name as an alias on it.",
        ),
    ),
)
