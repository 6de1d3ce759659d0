"""Clip 6, second part: a running HAProxy, its checks, statistics and runtime API. Checks: `checks.clip6_running`."""

from __future__ import annotations

from proxyctl.labs.checks import clip6_running as checks
from proxyctl.labs.command import either
from proxyctl.labs.needs import CURL
from proxyctl.labs.step import Step
from proxyctl.labs.texts import Text

BACKENDS = """\
cat > {conf}/run.cfg <<'E'
listen stats
    bind :8404
    stats enable
    stats uri /
    stats show-legends               # also the addresses

backend sticky
    balance roundrobin
    cookie SRV insert indirect nocache
    server item1 {item1}:8080 cookie item1
    server item2 {item2}:8080 cookie item2
    server item3 {item3}:8080 cookie item3

resolvers docker
    nameserver dns 127.0.0.11:53
    resolve_retries 3
    timeout resolve 200ms
    timeout retry 200ms
    hold valid 200ms
    hold obsolete 0
    hold nx 0

backend dns
    balance roundrobin
    server-template web 4 item:8080 resolvers docker init-addr none

E"""

STATS = """\
cat > {conf}/stats.py <<'E'
import csv, requests
columns = "svname status hrsp_2xx rate_max".split()
page = requests.get("http://127.0.0.1:{stats}/;csv", timeout=5).text
for row in csv.DictReader(page.removeprefix("# ").splitlines()):
    if row["pxname"] == "item":
        print(*(row[column] for column in columns))
E"""


def _say(command: str) -> str:
    """Return how a person says it to the runtime API."""
    return f'echo "{command}" | docker exec -i {{proxy}} nc 127.0.0.1 9999'


STEPS = (
    Step(
        id="fall",
        goal=Text(
            ko="헬스체크가 세 번 실패하면 서버가 빠지는 것을 봅니다 (fall 3)",
            en="See a server leave after three failed health checks (fall 3)",
        ),
        commands=("docker exec {client} wget -qO- --post-data= http://{item3}:8080/healthz/down",),
        check=checks.fall,
        why=Text(
            ko="한두 번의 실패로는 빠지지 않습니다. 빠진 뒤에는 나머지가 나누어 받고, 실패한 요청은 없습니다.",
            en="One failure or two do not count. After that the others share the requests, and none fails.",
        ),
    ),
    Step(
        id="rise",
        goal=Text(
            ko="헬스체크가 두 번 성공하면 서버가 돌아오는 것을 봅니다 (rise 2)",
            en="See it come back after two good ones (rise 2)",
        ),
        commands=("docker exec {client} wget -qO- --post-data= http://{item3}:8080/healthz/up",),
        check=checks.rise,
        why=Text(
            ko="통계에서 chkfail은 실패한 헬스체크, chkdown은 DOWN이 된 횟수, downtime은 그 시간(초)입니다.",
            en="In the statistics, chkfail counts failed checks, chkdown how often it went down, downtime the seconds.",
        ),
    ),
    Step(
        id="stats",
        goal=Text(
            ko="통계 페이지를 열고, CSV를 requests로 읽습니다", en="Open the stats page, and read its CSV with requests"
        ),
        needs=(CURL,),
        find=checks.find_counts,
        commands=(
            "curl -s --max-time 5 http://127.0.0.1:{stats}/ | grep -o '<title>.*</title>'",
            either("proxyctl check http://127.0.0.1:{port}/item --requests 60 --server-from header:X-Served-By --json"),
            STATS,
            "python3 {conf}/stats.py",
        ),
        check=checks.stats,
        why=Text(
            ko="통계의 2xx 응답은 check가 센 만큼 정확히 늘어납니다. 주소 끝에 ;csv를 붙이면 CSV로 받습니다.",
            en="The 2xx answers grow by exactly what check counted. ;csv at the address's end asks for CSV.",
        ),
    ),
    Step(
        id="cookie",
        goal=Text(ko="쿠키로 클라이언트를 한 서버에 고정합니다", en="Keep a client on one server by a cookie"),
        needs=(CURL,),
        commands=(
            "curl -si --max-time 5 http://127.0.0.1:{port}/sticky | grep -i '^set-cookie'",
            either(
                "proxyctl check http://127.0.0.1:{port}/sticky --requests 150 --keys 30 --key-by cookie "
                "--server-from header:X-Served-By --json"
            ),
        ),
        check=checks.cookie,
        why=Text(
            ko="HAProxy가 첫 응답에 서버 이름을 쿠키로 넣고, 이후 요청은 쿠키의 서버로 보냅니다. 주소가 같은 "
            "클라이언트들도 구별됩니다.",
            en="HAProxy puts the server's name into the first answer's cookie and goes by it from then on. Clients of "
            "one address are told apart too.",
        ),
    ),
    Step(
        id="drain",
        goal=Text(
            ko="런타임 API로 서버를 drain하고, 이어서 maint로 바꿉니다",
            en="Drain a server over the runtime API, then set it to maint",
        ),
        commands=(_say("set server sticky/item1 state drain"),),
        check=checks.drain,
        why=Text(
            ko="drain인 서버는 새 클라이언트를 받지 않지만 그 쿠키를 가진 클라이언트는 계속 받습니다. maint이면 아무도 "
            "받지 않습니다.",
            en="A draining server takes no new clients, but still those with its cookie. In maint it takes nobody.",
        ),
    ),
    Step(
        id="add-server",
        goal=Text(
            ko="reload 없이 서버를 추가하고, 프로세스 번호를 비교합니다",
            en="Add a server with no reload, and compare the process id",
        ),
        find=checks.find_item4,
        commands=(
            _say("add server item/item4 {item4-ip}:8080 check inter 200ms"),
            _say("enable health item/item4; enable server item/item4"),
        ),
        check=checks.add_server,
        why=Text(
            ko="설정 파일은 그대로이므로, 다음 reload에서도 남으려면 파일에도 써야 합니다. watch가 하는 일입니다.",
            en="The file does not know it, so it has to be written there too before the next reload; watch does that.",
        ),
    ),
    Step(
        id="resolvers",
        goal=Text(
            ko="resolvers와 server-template이 네트워크 별칭을 따라가게 합니다",
            en="Let resolvers and server-template follow a network alias",
        ),
        find=checks.find_alias,
        commands=("docker run -d {label} --name {item5} --net {net} --net-alias item proxyctl/echo --name item5",),
        check=checks.resolvers,
        why=Text(
            ko="HAProxy가 0.2초마다 127.0.0.11에 별칭을 묻고, 응답의 주소로 빈 슬롯을 채웁니다. 사라진 주소는 hold "
            "obsolete 0이므로 바로 빠집니다.",
            en="HAProxy asks 127.0.0.11 for the alias every 0.2 s and fills its slots with the addresses. Those that "
            "are gone leave at once, by hold obsolete 0.",
        ),
    ),
)
