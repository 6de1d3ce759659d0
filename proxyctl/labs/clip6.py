"""Clip 6, HAProxy as container proxy: one file by hand first, with a backend for each way to choose a server.

Data first: the steps in the order of the course, each with its commands and the check that judges them, which
is in `checks.clip6`. What is done to a running HAProxy is in `clip6_running`, the same by labels in `clip6_labels`.
"""

from __future__ import annotations

from proxyctl.labs import clip6_labels, clip6_running
from proxyctl.labs.checks import clip6 as checks
from proxyctl.labs.command import either
from proxyctl.labs.needs import CURL
from proxyctl.labs.step import Lab, Step
from proxyctl.labs.texts import Text

HAPROXY = """\
cat > {conf}/haproxy.cfg <<'E'
global
    stats socket ipv4@127.0.0.1:9999 level admin   # the runtime API
    log stdout format raw daemon

defaults
    mode http
    timeout connect 300ms
    timeout client 10s
    timeout server 10s

frontend web
    bind :80
    option forwardfor
    # believes anyone about his address: in a lab only
    acl told req.hdr(X-Forwarded-For) -m found
    http-request set-src hdr(X-Forwarded-For) if told
    acl to_item path_beg /item
    acl to_basket path_beg /basket
    acl basket_host hdr(host) -i basket.example
    use_backend basket if to_basket or basket_host
    use_backend item if to_item
    acl by_name path_beg /weights /fair /leastconn /source
    acl by_name path_beg /uri /sticky /dns
    use_backend %[path,field(2,/)] if by_name   # backend weights, ...

backend item
    balance roundrobin
    log global
    option log-health-checks
    option httpchk GET /healthz
    default-server check inter 200ms fall 3 rise 2
    server item1 {item1}:8080
    server item2 {item2}:8080
    server item3 {item3}:8080

backend basket
    server basket {basket}:8080

E"""

BACKENDS = """\
cat > {conf}/more.cfg <<'E'
backend weights
    balance roundrobin
    server item1 {item1}:8080 weight 3
    server item2 {item2}:8080 weight 1
    server item3 {item3}:8080 weight 1

backend fair
    balance roundrobin
    server item1 {item1}:8080
    server slow 127.0.0.1:8081

backend leastconn
    balance leastconn
    server item1 {item1}:8080
    server slow 127.0.0.1:8081

listen slow                          # item2, but 0.2 s slower
    bind 127.0.0.1:8081
    http-request set-path /delay/0.2
    server item2 {item2}:8080

backend source
    balance source
    server item1 {item1}:8080
    server item2 {item2}:8080
    server item3 {item3}:8080

backend uri
    balance uri
    hash-type consistent
    server item1 {item1}:8080
    server item2 {item2}:8080
    server item3 {item3}:8080

listen l4
    bind :81
    mode tcp
    balance roundrobin
    server item1 {item1}:8080
    server item2 {item2}:8080
    server item3 {item3}:8080

E"""

_EQUAL = "--expect-weights item1=1,item2=1,item3=1"
_BY_NAME = "--server-from header:X-Served-By"

STEPS = (
    Step(
        id="containers",
        goal=Text(
            ko="네트워크 하나에 item 서버와 basket 서버, 클라이언트를 띄웁니다",
            en="Start item servers, a basket server and a client on one network",
        ),
        find=checks.find_network,
        commands=(
            "docker run -d {label} --name {item1} --net {net} --net-alias item proxyctl/echo --name item1",
            "docker run -d {label} --name {item2} --net {net} --net-alias item proxyctl/echo --name item2",
            "docker run -d {label} --name {item3} --net {net} proxyctl/echo --name item3",
            "docker run -d {label} --name {item4} --net {net} proxyctl/echo --name item4",
            "docker run -d {label} --name {basket} --net {net} proxyctl/echo --name basket",
            "docker run -d {label} --name {client} --net {net} proxyctl/haproxy sleep 1h",
        ),
        at_once=True,
        vital=True,
        check=checks.containers,
        why=Text(
            ko="서버는 포트를 공개하지 않습니다. item4는 나중에 추가하려고 남겨 둡니다.",
            en="The servers publish no port. item4 is left for later, to be added.",
        ),
    ),
    Step(
        id="by-hand",
        goal=Text(
            ko="global, defaults, frontend, backend를 직접 쓰고 HAProxy를 띄웁니다",
            en="Write global, defaults, frontend and backend, and start HAProxy",
        ),
        commands=(
            HAPROXY,
            BACKENDS,
            clip6_running.BACKENDS,
            "docker run --rm {label} --net {net} -v {conf}:/conf:ro proxyctl/haproxy haproxy -c -f /conf",
            (
                "docker run -d {label} --name {proxy} --net {net} -p 127.0.0.1:{port}:80 -p 127.0.0.1:{l4}:81 "
                "-p 127.0.0.1:{stats}:8404 -v {conf}:/conf:ro proxyctl/haproxy haproxy -W -db -f /conf"
            ),
        ),
        vital=True,
        check=checks.by_hand,
        why=Text(
            ko="global은 프로세스, defaults는 기본값, frontend는 받는 쪽, backend는 보내는 쪽입니다. -c는 문법과 "
            "이름을 검사합니다.",
            en="global is the process, defaults what all others start from, a frontend takes requests and a backend "
            "passes them on. -c checks the syntax and the names.",
        ),
    ),
    Step(
        id="roundrobin",
        goal=Text(ko="roundrobin을 검증합니다", en="Prove roundrobin"),
        commands=(
            either(
                f"proxyctl check http://127.0.0.1:{{port}}/item --requests 300 {_BY_NAME} {_EQUAL} "
                "--proxy-workers 1 --json"
            ),
        ),
        check=checks.roundrobin,
        why=Text(
            ko="차례로 하나씩 보내므로 개수가 정확히 같습니다. HAProxy의 스레드들은 순서를 공유합니다.",
            en="Each in its turn, so the counts are exactly equal; HAProxy's threads count together.",
        ),
    ),
    Step(
        id="weights",
        goal=Text(
            ko="weight 3인 서버가 세 배를 받음을 검증합니다",
            en="Prove that a server of weight 3 takes three times as much",
        ),
        commands=(
            either(
                f"proxyctl check http://127.0.0.1:{{port}}/weights --requests 200 {_BY_NAME} "
                "--expect-weights item1=3,item2=1,item3=1 --proxy-workers 1 --json"
            ),
        ),
        check=checks.weights,
        why=Text(
            ko="요청 다섯 개 중 세 개가 item1로 갑니다. weight는 0에서 256까지이며 실행 중에도 바꿀 수 있습니다.",
            en="Of five requests, three go to item1. A weight is 0 to 256, and can be changed at run time.",
        ),
    ),
    Step(
        id="leastconn",
        goal=Text(
            ko="느린 서버가 있을 때 roundrobin과 leastconn을 비교합니다",
            en="Compare roundrobin and leastconn where one server is slow",
        ),
        commands=(
            either(f"proxyctl check http://127.0.0.1:{{port}}/fair --requests 60 {_BY_NAME} --json"),
            either(f"proxyctl check http://127.0.0.1:{{port}}/leastconn --requests 60 {_BY_NAME} --json"),
        ),
        check=checks.leastconn,
        why=Text(
            ko="roundrobin은 느린 서버에도 절반을 보냅니다. leastconn은 연결이 적은 서버를 고르므로 빠른 서버가 더 "
            "많이 받습니다.",
            en="roundrobin gives the slow server half of it all. leastconn picks the server with fewer connections, "
            "so that the fast one gets more.",
        ),
    ),
    Step(
        id="source",
        goal=Text(
            ko="balance source로 같은 클라이언트를 같은 서버로 보냅니다", en="Keep a client on one server by source"
        ),
        commands=(
            either(
                f"proxyctl check http://127.0.0.1:{{port}}/source --requests 60 {_BY_NAME} "
                "--expect-balance source --json"
            ),
        ),
        check=checks.source,
        why=Text(
            ko="주소 전체를 해시합니다. 앞에 docker-proxy가 있으면 모두 한 주소로 보이므로, 다른 주소는 헤더로 "
            "흉내 냈습니다.",
            en="The whole address is hashed. Behind docker-proxy all clients have one address, so other addresses were "
            "told by a header.",
        ),
    ),
    Step(
        id="uri",
        goal=Text(ko="balance uri로 같은 URI를 같은 서버로 보냅니다", en="Keep a URI on one server by uri"),
        commands=(
            either(
                "proxyctl check http://127.0.0.1:{port}/uri --requests 300 --keys 60 --key-by uri "
                f"{_BY_NAME} {_EQUAL} --expect-balance uri --json"
            ),
        ),
        check=checks.uri,
        why=Text(
            ko="캐시 서버 앞에 두기에 적합합니다. hash-type consistent를 쓰면 서버가 바뀌어도 옮겨 가는 URI가 "
            "적습니다.",
            en="This suits caches. With hash-type consistent few URIs move when servers change.",
        ),
    ),
    Step(
        id="routes",
        goal=Text(ko="ACL로 경로와 호스트에 따라 나눕니다", en="Route by path and by host, with ACLs"),
        commands=(
            either(f"proxyctl check http://127.0.0.1:{{port}}/item --requests 60 {_BY_NAME} --json"),
            either(f"proxyctl check http://127.0.0.1:{{port}}/basket --requests 60 {_BY_NAME} --json"),
            either(f"proxyctl check http://127.0.0.1:{{port}}/ --host basket.example --requests 60 {_BY_NAME} --json"),
        ),
        at_once=True,
        check=checks.routes,
        why=Text(
            ko="acl은 조건에 이름을 붙이고, use_backend는 조건이 참인 첫 번째 것이 backend를 고릅니다.",
            en="An acl names a condition; the first use_backend whose condition holds chooses the backend.",
        ),
    ),
    Step(
        id="layers",
        goal=Text(
            ko="연결 하나의 요청을 L4(mode tcp)와 L7(mode http)에서 비교합니다",
            en="Compare the requests of one connection in L4 (mode tcp) and L7 (mode http)",
        ),
        needs=(CURL,),
        commands=(
            either(f"proxyctl check http://127.0.0.1:{{port}}/item --requests 60 --concurrency 1 {_BY_NAME} --json"),
            either(f"proxyctl check http://127.0.0.1:{{l4}}/item --requests 60 --concurrency 1 {_BY_NAME} --json"),
            either(f"proxyctl check http://127.0.0.1:{{l4}}/item --requests 60 --no-keepalive {_BY_NAME} --json"),
            "curl -s --max-time 5 http://127.0.0.1:{port}/item",
            "curl -s --max-time 5 http://127.0.0.1:{l4}/basket",
        ),
        check=checks.layers,
        why=Text(
            ko="L7은 요청마다, L4는 연결마다 서버를 고릅니다. L4는 HTTP를 읽지 않으므로 경로로 나누거나 헤더를 더할 수 "
            "없습니다.",
            en="L7 chooses for each request, L4 for each connection. L4 does not read HTTP, so it cannot route by path "
            "nor add headers.",
        ),
    ),
    *clip6_running.STEPS,
    *clip6_labels.STEPS,
)

LAB = Lab(
    id="clip6",
    title=Text(ko="[실습] HAProxy를 활용한 컨테이너 Proxy", en="HAProxy as container proxy"),
    goal=Text(
        ko="HAProxy 설정을 직접 쓰고 실행 중에 바꾸어 본 뒤, 같은 구성을 라벨과 proxyctl watch로 만듭니다.",
        en="Write HAProxy's configuration by hand and change it at run time, then have it from labels by proxyctl "
        "watch.",
    ),
    names=(
        *("net", "item1", "item2", "item3", "item4", "item5", "basket", "client", "proxy"),
        *("web1", "web2", "web3", "shop"),
    ),
    images={
        "proxyctl/echo": Text(
            ko="받은 요청을 JSON으로 돌려주는 웹 서버입니다", en="web servers that answer with what they received"
        ),
        "proxyctl/haproxy": Text(
            ko="과정의 haproxy이자, wget이 있는 클라이언트(busybox)입니다",
            en="the course's haproxy, and a client with wget (busybox)",
        ),
    },
    steps=STEPS,
)
