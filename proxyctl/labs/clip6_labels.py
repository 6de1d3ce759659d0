"""Clip 6, third part: what was written by hand, from labels by `proxyctl watch`. Checks: `checks.clip6_labels`."""

from __future__ import annotations

from proxyctl.labs.checks import clip6_labels as checks
from proxyctl.labs.checks import facts
from proxyctl.labs.command import either
from proxyctl.labs.step import Step
from proxyctl.labs.texts import Text

_ITEM = (
    "--label proxyctl.enable=true --label proxyctl.pool=item --label proxyctl.path=/item "
    "--label proxyctl.health.interval=200ms"
)
_MORE = " ".join(
    f"--label proxyctl.route.{name}.pool={name} --label proxyctl.route.{name}.path=/{name} "
    f"--label proxyctl.route.{name}.{key}={value}"
    for name, key, value in (
        ("leastconn", "balance", "leastconn"),
        ("source", "balance", "source"),
        ("uri", "balance", "uri"),
        ("sticky", "sticky", "SRV"),
    )
)
_CHECK = "proxyctl check http://127.0.0.1:{watch-port}"
_OF = "--network {net} --state {state}"

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
                "docker run -d {label} --name {shop} --net {net} --label proxyctl.enable=true "
                "--label proxyctl.pool=basket --label proxyctl.path=/basket "
                "--label proxyctl.route.host.pool=basket --label proxyctl.route.host.host=basket.example "
                "proxyctl/echo --name shop"
            ),
        ),
        at_once=True,
        vital=True,
        check=checks.labels,
        why=Text(
            ko="frontend, backend, server를 라벨이 대신합니다. item1~5는 라벨이 없으므로 포함되지 않습니다.",
            en="Labels stand for frontend, backend and server. item1 to item5 have none, so they are left out.",
        ),
    ),
    Step(
        id="labels-weight",
        goal=Text(
            ko="라벨의 weight, path, host를 검증합니다", en="Prove weight, path and host as the labels have them"
        ),
        commands=(
            either(f"{_CHECK}/item {_OF} --requests 200 --json"),
            either(f"{_CHECK}/basket {_OF} --requests 50 --json"),
            either(f"{_CHECK}/ --host basket.example {_OF} --requests 50 --json"),
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
            ko="balance와 sticky 라벨이 무엇이 되는지 보고 검증합니다",
            en="See what balance and sticky labels become, and prove it",
        ),
        commands=(
            (
                "proxyctl render --network {net} --state {state} 2>/dev/null "
                "| grep -E '^ *(backend|balance|cookie|hash-type) '"
            ),
            either(f"{_CHECK}/uri {_OF} --requests 300 --keys 60 --key-by uri --json"),
            either(f"{_CHECK}/sticky {_OF} --requests 150 --keys 30 --key-by cookie --json"),
        ),
        check=checks.balance,
        why=Text(
            ko="손으로 쓴 지시어와 같습니다. source와 uri는 항상 consistent이므로 실행 중에도 서버를 추가할 수 "
            "있습니다.",
            en="They are the directives that were written by hand. source and uri are always consistent, so that "
            "servers can be added at run time.",
        ),
    ),
    Step(
        id="labels-join",
        goal=Text(
            ko="컨테이너를 띄우기만 해도 reload 없이 풀에 들어옵니다",
            en="Start one more container: it joins with no reload",
        ),
        find=checks.find_gateway_pids,
        commands=(f"docker run -d {{label}} --name {{web3}} --net {{net}} {_ITEM} proxyctl/echo --name web3",),
        check=checks.join,
        why=Text(
            ko="watch가 이벤트를 받아 add server를 실행합니다. 파일에도 쓰므로 다음 reload 뒤에도 남습니다.",
            en="watch hears the event and says add server. It writes the file too, so that a reload keeps it.",
        ),
    ),
    Step(
        id="labels-drain",
        goal=Text(ko="proxyctl drain으로 서버 하나를 비웁니다", en="Drain a server by proxyctl drain"),
        commands=("proxyctl drain {web1} --network {net} --state {state}",),
        check=checks.drain,
        why=Text(
            ko="나머지 서버가 모두 받으며, 유실되는 요청은 없습니다. 컨테이너는 아직 실행 중이고, 이제 멈추어도 "
            "됩니다.",
            en="The others take it all, and nothing is lost. The container still runs, and can now be stopped.",
        ),
    ),
)
