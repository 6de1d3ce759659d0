"""Clip 4, container proxies: forward and reverse, hidden backends behind one port, and a backend that fails.

Data first: the steps in the order of the course, each with its commands and the check that judges them, which
is in `checks.clip4`. What L4 and L7 do to a request is in `clip4_layers`, with the proxy's configuration here.
"""

from __future__ import annotations

from proxyctl.labs import clip4_layers
from proxyctl.labs.checks import clip4 as checks
from proxyctl.labs.command import either, fails
from proxyctl.labs.needs import CURL, HOST, PGREP, ROOT
from proxyctl.labs.step import Lab, Step
from proxyctl.labs.texts import Text

HAPROXY = """\
cat > {conf}/haproxy.cfg <<'E'
defaults
    mode http
    timeout connect 300ms
    timeout client 10s
    timeout server 10s
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response response-timeout

frontend l7
    bind :80
    log stdout format raw daemon
    log-format "%ci %{+Q}r"
    option forwardfor
    use_backend basket if { path_beg /basket }
    use_backend basket if { hdr(host) -i basket.example }
    default_backend item

backend item
    balance roundrobin
    server item1 {item1}:8080 check inter 500ms
    server item2 {item2}:8080 check inter 500ms

backend basket
    server basket {basket}:8080 check inter 500ms

"""

NGINX = """\
cat > {conf}/forward.conf <<'E'
events {}
http {
    log_format wire '$remote_addr "$request"';
    access_log /dev/stdout wire;
    server {
        listen 3128;
        resolver 127.0.0.11;
        location / { proxy_pass http://$http_host$request_uri; }
    }
}
E"""

STEPS = (
    Step(
        id="networks",
        goal=Text(
            ko="클라이언트의 front-net과 백엔드의 back-net을 만들고, nginx 백엔드의 설정을 씁니다",
            en="Create front-net for clients and back-net for backends, and configure an nginx backend",
        ),
        find=checks.find_ports,
        commands=(
            "docker network create {label} {front-net}",
            "docker network create {label} --internal {back-net}",
            clip4_layers.PP_CONF,
        ),
        vital=True,
        check=checks.networks,
        why=Text(
            ko="백엔드는 바깥과 끊긴 내부 네트워크에 두고, 두 네트워크에 모두 있는 프록시만 둘을 잇습니다.",
            en="Backends are on an internal network, cut off from outside; only a proxy that is on both joins the two.",
        ),
    ),
    Step(
        id="containers",
        goal=Text(ko="백엔드와 클라이언트를 띄웁니다", en="Start the backends and a client"),
        commands=(
            "docker run -d {label} --name {item1} --net {back-net} proxyctl/echo --name item1",
            "docker run -d {label} --name {item2} --net {back-net} proxyctl/echo --name item2",
            "docker run -d {label} --name {basket} --net {back-net} proxyctl/echo --name basket",
            (
                "docker run -d {label} --name {pp-web} --net {back-net} "
                "-v {conf}:/conf:ro proxyctl/nginx nginx -c /conf/pp.conf -g 'daemon off;'"
            ),
            "docker run -d {label} --name {raw} --net {back-net} proxyctl/haproxy nc -ll -p 7000 -e cat",
            (
                "docker run -d {label} --name {alone} --net {front-net} -p 127.0.0.1:{direct}:8080 "
                "proxyctl/echo --name alone"
            ),
            "docker run -d {label} --name {client} --net {front-net} proxyctl/haproxy sleep 1h",
        ),
        at_once=True,
        vital=True,
        check=checks.containers,
        why=Text(
            ko="item과 basket은 서비스, raw는 받은 바이트를 그대로 돌려주는 서버, pp-web은 nginx입니다. alone만 "
            "프록시 없이 포트를 공개합니다.",
            en="item and basket are services, raw sends back the bytes that it gets, pp-web is nginx. Only alone "
            "publishes a port, without a proxy.",
        ),
    ),
    Step(
        id="hidden",
        goal=Text(ko="백엔드가 숨겨져 있음을 확인합니다", en="See that the backends are hidden"),
        find=checks.find_addresses,
        commands=(
            "docker port {item1}",
            fails("docker exec {client} wget -qO- -T 1 http://{item1}:8080/healthz"),
            fails("docker exec {client} wget -qO- -T 1 http://{item1-ip}:8080/healthz"),
            "docker exec {basket} wget -qO- http://{item1}:8080/healthz",
        ),
        check=checks.hidden,
        why=Text(
            ko="공개한 포트가 없고 클라이언트와 네트워크도 다르므로, 이름으로도 주소로도 닿지 않습니다.",
            en="It publishes no port and shares no network with the client, so neither its name nor its address "
            "leads there.",
        ),
    ),
    Step(
        id="reverse",
        goal=Text(ko="리버스 프록시를 두 네트워크에 걸쳐 띄웁니다", en="Start a reverse proxy, on both networks"),
        commands=(
            HAPROXY + clip4_layers.HAPROXY,
            (
                "docker create {label} --name {proxy} --net {front-net} -p 127.0.0.1:{port}:80 "
                "-v {conf}:/conf:ro proxyctl/haproxy haproxy -W -db -f /conf/haproxy.cfg"
            ),
            "docker network connect {back-net} {proxy}",
            "docker start {proxy}",
        ),
        vital=True,
        check=checks.reverse,
        why=Text(
            ko="클라이언트는 프록시만 압니다. 어느 백엔드로 갈지는 프록시가 정하고, 백엔드에는 프록시가 클라이언트로 "
            "보입니다.",
            en="The client knows the proxy alone, which chooses the backend; the backend sees the proxy as its client.",
        ),
    ),
    Step(
        id="one-port",
        goal=Text(ko="공개된 포트 하나로 여러 서비스를 제공합니다", en="Serve several services on one published port"),
        needs=(CURL,),
        commands=(
            "docker ps -f network={back-net} --format '{{.Names}}  {{.Ports}}'",
            "curl -s --max-time 5 http://127.0.0.1:{port}/item",
            "curl -s --max-time 5 http://127.0.0.1:{port}/basket",
            "curl -s --max-time 5 -H 'Host: basket.example' http://127.0.0.1:{port}/",
        ),
        check=checks.one_port,
        why=Text(
            ko="-p로는 포트마다 컨테이너 하나입니다. L7 프록시는 경로나 Host 헤더로 나누므로 포트 하나로 충분합니다.",
            en="With -p a port is one container. An L7 proxy goes by path or Host header, so one port is enough.",
        ),
    ),
    Step(
        id="balance",
        goal=Text(
            ko="같은 서비스의 두 복제본에 골고루 나누는지 검증합니다",
            en="Prove that two copies of a service share the requests evenly",
        ),
        commands=(
            (
                "proxyctl check http://127.0.0.1:{port}/item --requests 200 --server-from header:X-Served-By "
                "--expect-weights item1=1,item2=1 --json"
            ),
        ),
        check=checks.balance,
        why=Text(
            ko="DNS의 무작위와 달리 프록시는 요청마다 차례로 보내며, 가중치도 줄 수 있습니다(clip5, clip6).",
            en="Unlike DNS, which leaves it to chance, the proxy takes turns, request by request, and can give "
            "weights (clip5, clip6).",
        ),
    ),
    Step(
        id="forward",
        goal=Text(
            ko="포워드 프록시를 거쳐 나가고, 요청 줄을 리버스 프록시와 비교합니다",
            en="Go out through a forward proxy, and compare the request line with a reverse proxy's",
        ),
        commands=(
            NGINX,
            (
                "docker create {label} --name {forward} --net {front-net} "
                "-v {conf}:/conf:ro proxyctl/nginx nginx -c /conf/forward.conf -g 'daemon off;'"
            ),
            "docker network connect {back-net} {forward}",
            "docker start {forward}",
        ),
        check=checks.forward,
        why=Text(
            ko="포워드 프록시는 클라이언트가 설정(http_proxy)하고 목적지도 클라이언트가 정하므로, 요청 줄에 전체 "
            "URL이 실립니다. 리버스 프록시는 서버 쪽에 있고, 클라이언트는 그것이 서버인 줄 알고 경로만 보냅니다.",
            en="A forward proxy is set by the client (http_proxy), which also names the target: the request line has "
            "the whole URL. A reverse proxy stands for the servers; the client takes it for one and sends a path.",
        ),
    ),
    Step(
        id="docker-proxy",
        goal=Text(ko="docker-proxy와 진짜 프록시를 비교합니다", en="Compare docker-proxy with a real proxy"),
        needs=(ROOT, HOST, PGREP, CURL),
        commands=(
            either("pgrep -a docker-proxy | grep -- '-host-port {direct} '"),
            "curl -s --max-time 5 http://127.0.0.1:{direct}/",
            "curl -s --max-time 5 http://127.0.0.1:{port}/",
        ),
        check=checks.docker_proxy,
        why=Text(
            ko="docker-proxy는 포트 하나를 컨테이너 하나로 잇는 L4 중계일 뿐입니다. 고르지도, 헤더를 더하지도, "
            "상태를 확인하지도 않습니다. 프록시의 X-Forwarded-For도 여기서는 docker-proxy가 가린 "
            "주소(게이트웨이)입니다.",
            en="docker-proxy is a mere L4 relay from one port to one container: no choice, no headers, no checks. "
            "Even the real proxy's X-Forwarded-For is the gateway here, as docker-proxy hides who is before it.",
        ),
    ),
    *clip4_layers.STEPS,
    Step(
        id="failing",
        goal=Text(
            ko="부하 중에 백엔드를 죽이고, 프록시가 있을 때와 없을 때를 비교합니다",
            en="Kill a backend under load, with a proxy and without",
        ),
        commands=(
            either("proxyctl check http://127.0.0.1:{direct}/ --duration 4s --rate 50 --json"),
            (
                "proxyctl check http://127.0.0.1:{port}/item --duration 4s --rate 50 "
                "--server-from header:X-Served-By --json"
            ),
            "docker logs -f --tail 0 {proxy} | head -n 50 >/dev/null\ndocker kill {alone} {item1}",
        ),
        at_once=True,
        check=checks.failing,
        why=Text(
            ko="50번째 요청에서 죽입니다. 프록시는 실패한 요청을 다른 서버로 다시 보내고(redispatch, retry-on) "
            "헬스체크로 죽은 서버를 뺍니다. 프록시가 없으면 그때부터 모두 실패합니다.",
            en="Killed at the 50th request. The proxy sends what fails to another server (redispatch, retry-on), and "
            "its checks take the dead one out. Without a proxy everything fails from then on.",
        ),
    ),
    Step(
        id="all-gone",
        goal=Text(
            ko="백엔드가 모두 죽었을 때의 응답을 비교합니다", en="Compare what is left when all backends are dead"
        ),
        needs=(CURL,),
        commands=(
            "docker kill {item2}",
            "curl -si --max-time 5 http://127.0.0.1:{port}/item",
            fails("curl -sS --max-time 5 http://127.0.0.1:{direct}/"),
            "curl -s --max-time 5 http://127.0.0.1:{port}/basket",
        ),
        check=checks.all_gone,
        why=Text(
            ko="프록시는 503으로 뜻을 분명히 알리고 다른 서비스는 계속합니다. 프록시가 없으면 연결이 거절될 뿐입니다.",
            en="The proxy says what is the matter, 503, and goes on with the other service. Without one, the "
            "connection is refused and that is all.",
        ),
    ),
)

LAB = Lab(
    id="clip4",
    title=Text(ko="컨테이너 Proxy", en="Container proxies"),
    goal=Text(
        ko="포워드와 리버스, L4와 L7 프록시, docker-proxy가 요청에 무엇을 하는지 양쪽 끝에서 확인합니다.",
        en="See from both ends what forward, reverse, L4 and L7 proxies and docker-proxy do to a request.",
    ),
    names=(
        *("front-net", "back-net", "item1", "item2", "basket", "raw", "alone", "client"),
        *("proxy", "forward", "pp-web"),
    ),
    images={
        "proxyctl/echo": Text(
            ko="받은 요청을 JSON으로 돌려주는 웹 서버입니다", en="web servers that answer with what they received"
        ),
        "proxyctl/haproxy": Text(
            ko="리버스 프록시이자, wget과 nc가 있는 클라이언트(busybox)입니다",
            en="the reverse proxy, and clients with wget and nc (busybox)",
        ),
        "proxyctl/nginx": Text(
            ko="포워드 프록시이자, PROXY 프로토콜을 이해하는 백엔드입니다",
            en="the forward proxy, and a backend that understands the PROXY protocol",
        ),
    },
    steps=STEPS,
)
