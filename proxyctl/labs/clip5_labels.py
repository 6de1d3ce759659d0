"""Clip 5, third part: what was written by hand, from labels by `proxyctl watch`. Checks: `checks.clip5_labels`."""

from __future__ import annotations

from proxyctl.labs.checks import clip5_labels as checks
from proxyctl.labs.checks import facts
from proxyctl.labs.command import either
from proxyctl.labs.step import Step
from proxyctl.labs.texts import Text

_ITEM = "--label proxyctl.enable=true --label proxyctl.pool=item --label proxyctl.path=/item"
_MORE = " ".join(
    f"--label proxyctl.route.{name}.pool={name} --label proxyctl.route.{name}.path=/{name} "
    f"--label proxyctl.route.{name}.balance={name}"
    for name in ("leastconn", "source", "uri")
)

STEPS = (
    Step(
        id="labels",
        goal=Text(
            ko="같은 구성을 라벨로 선언하고 proxyctl watch를 시작합니다",
            en="Say the same by labels, and start proxyctl watch",
        ),
        find=facts.find_watch,
        commands=(
            (
                f"docker run -d {{label}} --name {{web1}} --net {{net}} {_ITEM} --label proxyctl.weight=3 {_MORE} "
                "proxyctl/echo --name web1"
            ),
            f"docker run -d {{label}} --name {{web2}} --net {{net}} {_ITEM} {_MORE} proxyctl/echo --name web2",
            (
                f"docker run -d {{label}} --name {{web3}} --net {{net}} {_ITEM} --label proxyctl.backup=true "
                "proxyctl/echo --name web3"
            ),
            (
                "docker run -d {label} --name {shop} --net {net} --label proxyctl.enable=true "
                "--label proxyctl.pool=basket --label proxyctl.path=/basket proxyctl/echo --name shop"
            ),
        ),
        at_once=True,
        vital=True,
        check=checks.labels,
        why=Text(
            ko="upstream, server, location을 라벨이 대신합니다. item1~3은 라벨이 없으므로 포함되지 않습니다.",
            en="Labels stand for upstream, server and location. item1 to item3 have none, so they are left out.",
        ),
    ),
    Step(
        id="labels-weight",
        goal=Text(
            ko="라벨의 weight, backup, path를 검증합니다", en="Prove weight, backup and path as the labels have them"
        ),
        commands=(
            either(
                "proxyctl check http://127.0.0.1:{watch-port}/item --network {net} --state {state} "
                "--requests 200 --json"
            ),
            either(
                "proxyctl check http://127.0.0.1:{watch-port}/basket --network {net} --state {state} "
                "--requests 50 --json"
            ),
        ),
        at_once=True,
        check=checks.weight,
        why=Text(
            ko="기대 비율과 서버 이름은 check가 실행 중인 watch에서 직접 읽습니다.",
            en="Here check takes the expected shares and the servers' names from the running watch.",
        ),
    ),
    Step(
        id="labels-balance",
        goal=Text(
            ko="balance 라벨이 nginx의 어떤 지시어가 되는지 봅니다",
            en="See which directive of nginx each balance label becomes",
        ),
        commands=(
            (
                "docker exec {gateway} grep -E '^ *(upstream|least_conn|hash|keepalive [0-9]|server [0-9])' "
                "/proxyctl/current/nginx.conf"
            ),
            either(
                "proxyctl check http://127.0.0.1:{watch-port}/uri --network {net} --state {state} "
                "--requests 300 --keys 60 --key-by uri --json"
            ),
        ),
        check=checks.balance,
        why=Text(
            ko="leastconn은 least_conn, uri는 hash $uri, source는 hash $remote_addr입니다. ip_hash와 달리 주소 "
            "전체를 보며, keepalive는 항상 켭니다.",
            en="leastconn is least_conn, uri is hash $uri and source is hash $remote_addr, which unlike ip_hash takes "
            "the whole address. keepalive is always on.",
        ),
    ),
    Step(
        id="labels-join",
        goal=Text(
            ko="컨테이너를 띄우기만 해도 풀에 들어오고, 워커가 바뀌는 것을 봅니다",
            en="Start one more container: it joins, by a reload with new workers",
        ),
        find=checks.find_gateway_workers,
        commands=(f"docker run -d {{label}} --name {{web4}} --net {{net}} {_ITEM} proxyctl/echo --name web4",),
        check=checks.join,
        why=Text(
            ko="watch가 이벤트를 받아 설정을 쓰고, nginx -t로 검사한 뒤 reload합니다. 마스터는 그대로입니다.",
            en="watch hears the event, writes the file, asks nginx -t and reloads. The master stays the same.",
        ),
    ),
    Step(
        id="labels-backup",
        goal=Text(
            ko="나머지가 모두 멈추면 backup 라벨의 서버가 이어받습니다",
            en="Stop the others: the server with the backup label takes over",
        ),
        commands=("docker kill {web1} {web2} {web4}",),
        check=checks.backup,
        why=Text(
            ko="손으로 쓴 backup과 같은 지시어입니다. 죽은 서버는 설정에서도 사라집니다.",
            en="It is the same directive as by hand; and the dead servers are gone from the file too.",
        ),
    ),
)
