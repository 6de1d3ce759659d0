"""Clip 4, what L4 and L7 proxies do to a request: addresses, headers, bytes, the PROXY protocol, routing.

The checks are in `checks.clip4_layers`.
"""

from __future__ import annotations

from proxyctl.labs.checks import clip4_layers as checks
from proxyctl.labs.command import fails
from proxyctl.labs.step import Step
from proxyctl.labs.texts import Text

HAPROXY = """\
listen l4
    mode tcp
    bind :81
    server item1 {item1}:8080

listen l4-raw
    mode tcp
    bind :82
    server raw {raw}:7000

listen l4-proxy-protocol
    mode tcp
    bind :83
    server raw {raw}:7000 send-proxy

listen l4-proxy-protocol-nginx
    mode tcp
    bind :84
    server pp-web {pp-web}:8080 send-proxy

listen l4-proxy-protocol-unaware
    mode tcp
    bind :85
    server item1 {item1}:8080 send-proxy

frontend l4-by-header
    mode tcp
    bind :86
    tcp-request inspect-delay 5s
    tcp-request content accept if HTTP
    use_backend l4-basket if { hdr(host) -i basket.example }
    default_backend l4-item

backend l4-basket
    mode tcp
    server basket {basket}:8080

backend l4-item
    mode tcp
    server item1 {item1}:8080
E"""

PP_CONF = """\
cat > {conf}/pp.conf <<'E'
events {}
http {
    access_log off;
    server {
        listen 8080 proxy_protocol;
        return 200 "$remote_addr says: client $proxy_protocol_addr\\n";
    }
}
E"""

TWO_REQUESTS = """\
docker exec -i {alone} python3 - <<'E'
import http.client, json
for port in 80, 86:
    web = http.client.HTTPConnection("{proxy}", port)
    for host in "basket.example", "item.example":
        web.request("GET", "/", headers={"Host": host})
        local = web.sock.getsockname()[1]
        answer = json.load(web.getresponse())
        print(port, local, host, answer["server"])
E"""

HTTP_ON_L4 = """\
cat > {conf}/http-on-l4.cfg <<'E'
defaults
    mode tcp
    timeout connect 1s
    timeout client 10s
    timeout server 10s

listen l4
    bind :87
    option forwardfor
    http-request deny if { path_beg /admin }
    server item1 {item1}:8080
E"""

WGET = "docker exec {client} wget -qO- -T 5 "

STEPS = (
    Step(
        id="l4-l7",
        goal=Text(
            ko="같은 요청이 L4와 L7을 거쳐 어떻게 도착하는지 봅니다",
            en="See how one request arrives through L4 and through L7",
        ),
        commands=(WGET + "http://{proxy}:81/item", WGET + "http://{proxy}:80/item"),
        check=checks.l4_l7,
        why=Text(
            ko="둘 다 새 연결을 열므로 백엔드는 프록시의 주소를 봅니다. L4는 바이트를 그대로 옮기고, L7은 요청을 "
            "읽고 다시 씁니다. X-Forwarded-For를 더하고, 한 구간만을 위한 Connection 헤더는 뺍니다.",
            en="Both open a connection of their own, so the backend sees the proxy's address. L4 moves bytes as they "
            "are; L7 reads the request and writes it anew: with X-Forwarded-For, and without Connection, which is "
            "for one hop.",
        ),
    ),
    Step(
        id="forged",
        goal=Text(ko="클라이언트가 지어낸 X-Forwarded-For를 보냅니다", en="Send an X-Forwarded-For that is made up"),
        commands=(
            WGET + "--header 'X-Forwarded-For: 203.0.113.9' http://{proxy}:81/item",
            WGET + "--header 'X-Forwarded-For: 203.0.113.9' http://{proxy}:80/item",
        ),
        check=checks.forged,
        why=Text(
            ko="L4는 거짓말을 그대로 전하고, L7은 뒤에 진짜 주소를 덧붙입니다. 믿을 수 있는 것은 내 프록시가 더한 "
            "마지막 값뿐입니다.",
            en="L4 passes the lie on, L7 adds the true address after it. Only the last value, which your own proxy "
            "added, can be believed.",
        ),
    ),
    Step(
        id="any-bytes",
        goal=Text(ko="HTTP가 아닌 바이트를 보냅니다", en="Send bytes that are not HTTP"),
        commands=(
            "docker exec {client} sh -c 'echo hello | nc {proxy} 82'",
            "docker exec {client} sh -c 'echo hello | nc {proxy} 80'",
        ),
        check=checks.any_bytes,
        why=Text(
            ko="L4는 데이터베이스든 SSH든 바이트라면 가리지 않습니다. L7은 HTTP만 이해하므로 스스로 400으로 답합니다.",
            en="To L4 databases and SSH are bytes like any other. L7 understands HTTP alone, and answers 400 by "
            "itself.",
        ),
    ),
    Step(
        id="proxy-protocol",
        goal=Text(
            ko="L4에서 클라이언트의 주소를 PROXY 프로토콜로 전합니다",
            en="Tell the client's address on L4 by the PROXY protocol",
        ),
        commands=(
            "docker exec {client} sh -c 'echo hello | nc {proxy} 83'",
            WGET + "http://{proxy}:84/",
            fails(WGET + "http://{proxy}:85/"),
        ),
        check=checks.proxy_protocol,
        why=Text(
            ko="send-proxy는 연결의 첫 줄에 원래 주소를 적어 보냅니다. 백엔드가 이를 기대해야 하며(nginx의 listen … "
            "proxy_protocol), 모르는 백엔드에는 깨진 요청입니다.",
            en="send-proxy puts a line with the true addresses in front of the stream. The backend must expect it "
            "(nginx: listen … proxy_protocol); to one that does not, it is a broken request.",
        ),
    ),
    Step(
        id="route-by-header",
        goal=Text(
            ko="L4에서는 헤더로 요청을 나눌 수 없음을 확인합니다", en="See that L4 cannot route requests by a header"
        ),
        commands=(
            TWO_REQUESTS,
            HTTP_ON_L4,
            "docker exec {proxy} haproxy -c -f /conf/http-on-l4.cfg",
        ),
        check=checks.route_by_header,
        why=Text(
            ko="L4는 연결을 한 번 나눌 뿐입니다. HAProxy는 첫 바이트를 엿볼 수 있지만(inspect-delay), 같은 연결의 "
            "다음 요청도 같은 서버로 갑니다. L7은 요청마다 나눕니다. HTTP 규칙은 tcp 모드에서 무시됩니다.",
            en="L4 routes a connection, once. HAProxy can peek at its first bytes (inspect-delay), yet the next "
            "request on it goes to the same server, where L7 routes each. In mode tcp rules about HTTP are ignored.",
        ),
    ),
)
