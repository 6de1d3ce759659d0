"""Clip 3, one name for several containers, and names while containers come, go, move and are renamed.

The checks are in `checks.clip3_alias`.
"""

from __future__ import annotations

from proxyctl.labs.checks import clip3_alias as checks
from proxyctl.labs.checks import facts
from proxyctl.labs.command import either, fails
from proxyctl.labs.step import Step
from proxyctl.labs.texts import Text

HAPROXY = """\
cat > {tools}/haproxy.cfg <<'E'
defaults
    mode http
    timeout connect 300ms
    timeout client 10s
    timeout server 10s
    retries 0

listen web
    bind :80
    server was was:8080
E"""

CHECK = "proxyctl check http://127.0.0.1:{port}/ --requests 20 --server-from header:X-Served-By --json"
FRESH = "docker exec {box} sh -c 'for i in $(seq %d); do wget -qO- -T 5 http://was:8080/; echo; done'"

STEPS = (
    Step(
        id="rotation",
        goal=Text(
            ko="별칭에 모든 주소가 순서를 바꿔 가며 나오는 것을 셉니다",
            en="Count how an alias gives all addresses, in changing order",
        ),
        commands=("docker exec {client} python3 /tools/ask.py was 300",),
        check=checks.rotation,
        why=Text(
            ko="매번 모든 주소가 나오고 순서는 무작위입니다. 대부분의 클라이언트가 첫 주소를 쓰므로 이것이 부하 "
            "분산이 됩니다. TTL은 600초입니다.",
            en="All of them each time, in random order; most clients take the first, and that is the balancing. The "
            "TTL is 600 seconds.",
        ),
    ),
    Step(
        id="fresh",
        goal=Text(
            ko="요청마다 이름을 새로 묻는 클라이언트는 세 서버로 흩어집니다",
            en="A client that asks for each request is spread over all three",
        ),
        commands=(FRESH % 60,),
        check=checks.fresh,
        why=Text(
            ko="wget은 실행할 때마다 DNS에 묻습니다. 다만 무작위일 뿐이어서 가중치도, 바쁜 서버를 피하는 일도 "
            "없습니다.",
            en="Each wget asks DNS anew. It is chance and no more: no weights, and no regard for who is busy.",
        ),
    ),
    Step(
        id="cached",
        goal=Text(
            ko="이름을 한 번만 묻는 클라이언트는 한 서버로만 갑니다",
            en="A client that asks once goes to one server only",
        ),
        find=facts.find_port,
        commands=(
            HAPROXY,
            (
                "docker run -d {label} --name {proxy} --net {net} -p 127.0.0.1:{port}:80 "
                "-v {tools}:/tools:ro proxyctl/haproxy haproxy -W -db -f /tools/haproxy.cfg"
            ),
        ),
        check=checks.cached,
        why=Text(
            ko="이 HAProxy는 시작할 때 was를 한 번 물어 첫 주소를 계속 씁니다. 연결을 유지하는 클라이언트, DNS를 "
            "캐시하는 런타임도 마찬가지입니다.",
            en="This HAProxy asks for was once, at its start, and keeps the first address. So do clients with "
            "keep-alive connections, and runtimes that cache DNS.",
        ),
    ),
    Step(
        id="paused",
        goal=Text(ko="DNS는 서버의 상태를 모른다는 것을 확인합니다", en="See that DNS does not know who is well"),
        commands=(
            "docker pause {second}",
            "docker exec {client} python3 /tools/ask.py was",
            fails("docker exec {box} wget -qO- -T 1 http://{second}:8080/"),
            "docker unpause {second}",
            "docker inspect {sick} -f '{{.State.Health.Status}}'",
            "docker exec {client} python3 /tools/ask.py {sick}",
        ),
        find=checks.find_sick,
        check=checks.paused,
        why=Text(
            ko="멈춘(pause) 컨테이너도, 헬스체크에 실패하는 컨테이너도 실행 중이면 계속 답에 들어 있습니다. 상태를 "
            "확인하는 것은 프록시의 일입니다(clip4, clip6).",
            en="A paused container, as one that fails its health check, stays in the answer while it runs. Checking "
            "is a proxy's business (clip4, clip6).",
        ),
    ),
    Step(
        id="stopped",
        goal=Text(
            ko="컨테이너를 멈추면 DNS에서는 바로 사라지지만 캐시에는 남습니다",
            en="A stopped container leaves DNS at once, but not the caches",
        ),
        commands=(
            "docker stop -t 1 {first}",
            "docker exec {client} python3 /tools/ask.py was",
            either("docker exec {client} python3 /tools/ask.py {first}"),
            FRESH % 20,
            CHECK + " --no-keepalive --expect errors.http_503==20 --expect errors==20",
        ),
        check=checks.stopped,
        why=Text(
            ko="새로 묻는 클라이언트는 남은 둘로 갑니다. 주소를 기억한 프록시는 둘이 살아 있는데도 모두 실패합니다. "
            "TTL을 지키는 클라이언트라면 최대 10분입니다.",
            en="Who asks anew goes to the two that are left. The proxy that kept the address fails every time, with "
            "two servers well; a client that honours the TTL may do so for 10 minutes.",
        ),
    ),
    Step(
        id="new-address",
        goal=Text(
            ko="다시 시작한 컨테이너는 다른 주소를 받을 수 있습니다",
            en="A container that starts again may get another address",
        ),
        commands=(
            "docker run -d {label} --name {taker} --net {net} --ip {first-ip} proxyctl/echo --name taker",
            "docker start {first}",
            "docker exec {client} python3 /tools/ask.py {first}",
            "docker exec {client} python3 /tools/ask.py was",
        ),
        check=checks.new_address,
        why=Text(
            ko="이름은 새 주소를 따라갑니다. 옛 주소를 기억한 프록시는 이제 was가 아닌 남의 컨테이너에 요청을 "
            "보냅니다. 오류조차 나지 않습니다.",
            en="The name follows. The proxy that kept the old address now sends to a stranger that is no was at all, "
            "and without any error.",
        ),
    ),
    Step(
        id="rename",
        goal=Text(ko="컨테이너의 이름을 바꿉니다", en="Rename a container"),
        commands=(
            "docker rename {second} {renamed}",
            "docker exec {client} python3 /tools/ask.py {renamed}",
            either("docker exec {client} python3 /tools/ask.py {second}"),
            "docker exec {client} python3 /tools/ask.py was",
        ),
        check=checks.rename,
        why=Text(
            ko="DNS는 실행 중에도 바로 새 이름을 알고 옛 이름을 잊습니다. 별칭은 그대로이므로, 서로를 별칭으로 "
            "부르는 편이 안전합니다.",
            en="DNS knows the new name and forgets the old one at once, while the container runs. Aliases stay, so "
            "they are the safer names to use.",
        ),
    ),
    Step(
        id="disconnect",
        goal=Text(
            ko="네트워크에서 빼면 이름도 사라지고, 다시 넣어도 별칭은 돌아오지 않습니다",
            en="Disconnecting takes the names away; connecting again brings no alias",
        ),
        commands=(
            "docker network disconnect {net} {third}",
            either("docker exec {client} python3 /tools/ask.py {third}"),
            "docker network connect {net} {third}",
            "docker exec {client} python3 /tools/ask.py {third}",
            "docker exec {client} python3 /tools/ask.py was",
            "docker network disconnect {net} {third}",
            "docker network connect --alias was {net} {third}",
            "docker exec {client} python3 /tools/ask.py was",
        ),
        check=checks.disconnect,
        why=Text(
            ko="별칭은 컨테이너가 아니라 연결(엔드포인트)에 속합니다. network connect에는 --alias를 다시 주어야 "
            "합니다.",
            en="An alias belongs to the connection (the endpoint), not to the container: give --alias again with "
            "network connect.",
        ),
    ),
)
