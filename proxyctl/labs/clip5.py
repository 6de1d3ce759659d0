"""Clip 5, Nginx as container proxy: by hand first, an upstream block that is edited and reloaded.

Data first: the steps in the order of the course, each with its commands and the check that judges them, which
is in `checks.clip5`. Failures, keepalive and reload are in `clip5_running`, the same by labels in `clip5_labels`.
"""

from __future__ import annotations

from proxyctl.labs import clip5_labels, clip5_running
from proxyctl.labs.checks import clip5 as checks
from proxyctl.labs.command import either
from proxyctl.labs.step import Lab, Step
from proxyctl.labs.texts import Text

NGINX = """\
cat > {conf}/nginx.conf <<'E'
worker_processes 1;
events {}
http {
    log_format tries '$request_uri $upstream_addr';
    access_log /dev/stdout tries;
    set_real_ip_from 0.0.0.0/0;        # believes anyone: in a lab only
    real_ip_header X-Forwarded-For;
    proxy_connect_timeout 200ms;

    include item.conf;
    upstream basket { server {basket}:8080; }

    server {
        listen 80;
        location / { proxy_pass http://item; }
        location /basket { proxy_pass http://basket; }
        location /once {
            proxy_set_header Connection close;
            proxy_pass http://item;
        }
        location /keep {
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_pass http://item;
        }
    }
    server {
        listen 8081;                   # item2, but 0.2 s slower
        rewrite ^ /delay/0.2 break;
        location / { proxy_pass http://{item2}:8080; }
    }
}
E"""

UPSTREAM = """\
cat > {conf}/item.conf <<'E'
upstream item {
    server {item1}:8080;
    server {item2}:8080;
    server {item3}:8080;
}
E"""

WEIGHT = """\
cat > {conf}/item.conf <<'E'
upstream item {
    server {item1}:8080 weight=3;
    server {item2}:8080;
    server {item3}:8080;
}
E"""

SLOW = """\
cat > {conf}/item.conf <<'E'
upstream item {
    server {item1}:8080;
    server 127.0.0.1:8081;
}
E"""

LEAST_CONN = """\
cat > {conf}/item.conf <<'E'
upstream item {
    least_conn;
    server {item1}:8080;
    server 127.0.0.1:8081;
}
E"""

IP_HASH = """\
cat > {conf}/item.conf <<'E'
upstream item {
    ip_hash;
    server {item1}:8080;
    server {item2}:8080;
    server {item3}:8080;
}
E"""

HASH = """\
cat > {conf}/item.conf <<'E'
upstream item {
    hash $request_uri consistent;
    server {item1}:8080;
    server {item2}:8080;
    server {item3}:8080;
}
E"""

RELOAD = "docker exec {proxy} nginx -s reload"

STEPS = (
    Step(
        id="containers",
        goal=Text(
            ko="네트워크 하나에 item 서버 셋, basket 서버 하나와 클라이언트를 띄웁니다",
            en="Start three item servers, a basket server and a client on one network",
        ),
        find=checks.find_network,
        commands=(
            "docker run -d {label} --name {item1} --net {net} proxyctl/echo --name item1",
            "docker run -d {label} --name {item2} --net {net} proxyctl/echo --name item2",
            "docker run -d {label} --name {item3} --net {net} proxyctl/echo --name item3",
            "docker run -d {label} --name {basket} --net {net} proxyctl/echo --name basket",
            "docker run -d {label} --name {client} --net {net} proxyctl/haproxy sleep 1h",
        ),
        at_once=True,
        vital=True,
        check=checks.containers,
        why=Text(
            ko="서버는 포트를 공개하지 않습니다. 같은 네트워크의 프록시가 이름으로 찾습니다.",
            en="The servers publish no port; a proxy on their network finds them by name.",
        ),
    ),
    Step(
        id="upstream",
        goal=Text(
            ko="upstream 블록을 직접 쓰고, nginx에 마운트하여 띄웁니다",
            en="Write an upstream block, mount it into nginx and start it",
        ),
        commands=(
            NGINX,
            UPSTREAM,
            (
                "docker run -d {label} --name {proxy} --net {net} -p 127.0.0.1:{port}:80 "
                "-v {conf}:/etc/nginx:ro proxyctl/nginx"
            ),
        ),
        vital=True,
        check=checks.upstream,
        why=Text(
            ko="upstream은 서버의 목록이고 proxy_pass가 그 이름을 부릅니다. nginx는 시작할 때 이름을 주소로 바꿉니다.",
            en="An upstream is a list of servers, and proxy_pass calls it by name. Nginx looks up the addresses as it "
            "starts.",
        ),
    ),
    Step(
        id="round-robin",
        goal=Text(ko="기본값인 라운드 로빈을 검증합니다", en="Prove the default, round robin"),
        commands=(
            either(
                "proxyctl check http://127.0.0.1:{port}/item --requests 300 --server-from header:X-Served-By "
                "--expect-weights item1=1,item2=1,item3=1 --proxy-workers 1 --json"
            ),
        ),
        check=checks.balanced,
        why=Text(
            ko="차례로 하나씩 보내므로 개수가 정확히 같습니다. 워커가 여럿이면 zone이 있어야 순서를 공유합니다.",
            en="Each in its turn, so the counts are exactly equal. Several workers count together only with a zone.",
        ),
    ),
    Step(
        id="weight",
        goal=Text(ko="weight=3인 서버가 세 배를 받게 합니다", en="Let a server with weight=3 take three times as much"),
        find=checks.find_workers,
        commands=(WEIGHT, RELOAD),
        check=checks.weight,
        why=Text(
            ko="요청 다섯 개 중 세 개가 item1로 갑니다. 성능이 다른 서버를 섞어 쓸 때 적합합니다.",
            en="Of five requests, three go to item1. This suits servers that differ in strength.",
        ),
    ),
    Step(
        id="slow-server",
        goal=Text(ko="느린 서버가 있을 때의 라운드 로빈을 봅니다", en="See round robin where one server is slow"),
        find=checks.find_workers,
        commands=(SLOW, RELOAD),
        check=checks.slow,
        why=Text(
            ko="순서만 따르므로 느린 서버에도 절반을 보내고, 클라이언트는 그만큼 기다립니다.",
            en="It only takes turns: the slow server gets half of it all, and clients wait for it.",
        ),
    ),
    Step(
        id="least-conn",
        goal=Text(ko="같은 서버들에 least_conn으로 나누어 보냅니다", en="Share the same by least_conn"),
        find=checks.find_workers,
        commands=(LEAST_CONN, RELOAD),
        check=checks.least_conn,
        why=Text(
            ko="처리 중인 요청이 가장 적은 서버를 고르므로, 빠른 서버가 더 많이 받습니다.",
            en="It picks the server with the fewest requests under way, so the fast one gets more.",
        ),
    ),
    Step(
        id="ip-hash",
        goal=Text(ko="ip_hash로 같은 클라이언트를 같은 서버로 보냅니다", en="Keep a client on one server by ip_hash"),
        find=checks.find_workers,
        commands=(IP_HASH, RELOAD),
        check=checks.ip_hash,
        why=Text(
            ko="ip_hash는 IPv4 주소의 앞 세 옥텟만 보므로, 같은 /24의 클라이언트는 모두 한 서버로 갑니다. 앞에 다른 "
            "프록시나 docker-proxy가 있으면 모두 한 주소로 보입니다.",
            en="ip_hash takes the first three numbers of an IPv4 address only, so a whole /24 meets one server. Behind "
            "another proxy, or docker-proxy, all clients have one address.",
        ),
    ),
    Step(
        id="hash",
        goal=Text(ko="hash로 같은 URI를 같은 서버로 보냅니다", en="Keep a URI on one server by hash"),
        find=checks.find_workers,
        commands=(HASH, RELOAD),
        check=checks.hash_uri,
        why=Text(
            ko="캐시 서버 앞에 두기에 적합합니다. consistent를 쓰면 서버가 늘거나 줄어도 옮겨 가는 키가 적습니다.",
            en="This suits caches. With consistent, few keys move when a server comes or goes.",
        ),
    ),
    Step(
        id="paths",
        goal=Text(ko="경로에 따라 두 서버 풀로 나눕니다", en="Route by path to two pools"),
        commands=(
            either(
                "proxyctl check http://127.0.0.1:{port}/item --requests 60 --keys 30 --key-by uri "
                "--server-from header:X-Served-By --json"
            ),
            either(
                "proxyctl check http://127.0.0.1:{port}/basket --requests 60 --server-from header:X-Served-By --json"
            ),
        ),
        at_once=True,
        check=checks.paths,
        why=Text(
            ko="location마다 다른 upstream을 부릅니다. 가장 길게 일치하는 접두사의 location이 선택됩니다.",
            en="Each location calls its own upstream, and the longest prefix that fits wins.",
        ),
    ),
    *clip5_running.STEPS,
    *clip5_labels.STEPS,
)

LAB = Lab(
    id="clip5",
    title=Text(ko="[실습] Nginx를 활용한 컨테이너 Proxy", en="Nginx as container proxy"),
    goal=Text(
        ko="nginx의 upstream을 직접 쓰고, 같은 구성을 라벨과 proxyctl watch로 만듭니다.",
        en="Write Nginx's upstream by hand, then get the same from labels by proxyctl watch.",
    ),
    names=("net", "item1", "item2", "item3", "basket", "client", "proxy", "web1", "web2", "web3", "web4", "shop"),
    images={
        "proxyctl/echo": Text(
            ko="받은 요청을 JSON으로 돌려주는 웹 서버입니다", en="web servers that answer with what they received"
        ),
        "proxyctl/nginx": Text(ko="nginx 이미지입니다", en="the nginx image"),
        "proxyctl/haproxy": Text(ko="wget이 있는 클라이언트(busybox)입니다", en="a client with wget (busybox)"),
    },
    steps=STEPS,
)
