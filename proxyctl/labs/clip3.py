"""Clip 3, Docker DNS: where 127.0.0.11 comes from, which names it knows and for whom, and what it asks others.

Data first: the steps in the order of the course, each with its commands and the check that judges them, which
is in `checks.clip3`. Which names there are is in `clip3_names`; one name for several containers, and names that
change, are in `clip3_alias`.
"""

from __future__ import annotations

from proxyctl.labs import clip3_alias, clip3_names
from proxyctl.labs.checks import clip3 as checks
from proxyctl.labs.command import either, fails
from proxyctl.labs.needs import HOST, IPTABLES, NSENTER, ROOT, SS
from proxyctl.labs.step import Lab, Step
from proxyctl.labs.texts import Text

# what dig would say; few machines have dig, and every echo container has Python
ASK = r"""cat > {tools}/ask.py <<'E'
import socket, sys, time
given = sys.argv[1:] + ["1", "53"][len(sys.argv) - 2:]
name, times, port = given[0], int(given[1]), int(given[2])
codes = {0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN"}
labels = [b"%c%s" % (len(l), l.encode()) for l in name.split(".")]
asked = b"".join(labels) + b"\0\0\1\0\1"  # end of name, A, IN
sock = socket.socket(type=socket.SOCK_DGRAM)
sock.settimeout(2)
sock.connect(("127.0.0.11", port))
for _ in range(times):
    began = time.monotonic()
    try:
        sock.send(b"\0\1\1\0\0\1" + bytes(6) + asked)
        got = sock.recv(4096)
    except OSError as error:
        sys.exit("no answer: %s" % (error.strerror or error))
    print("%.2f ms" % ((time.monotonic() - began) * 1000), end="  ")
    print(codes.get(got[3] & 15, got[3] & 15), end="")
    count, rest = got[7], got[12 + len(asked):]
    for i in range(count):
        record = rest[len(rest) // count * i:][:len(rest) // count]
        ttl = int.from_bytes(record[-10:-6], "big")
        print(" ", socket.inet_ntoa(record[-4:]), "TTL", ttl, end="")
    print()
E"""

UPSTREAM = r"""cat > {tools}/upstream.py <<'E'
import socket
sock = socket.socket(type=socket.SOCK_DGRAM)
sock.bind(("", 53))
codes = {b"www": 0, b"broken": 2}  # all others: 3, NXDOMAIN
while True:
    query, asker = sock.recvfrom(4096)
    end = query.index(b"\0", 12)
    first = query[13:13 + query[12]]
    code = codes.get(first, 3)
    print(asker[0], "asked for", first.decode(), flush=True)
    head = query[:2] + bytes([0x81, 0x80 + code, 0, 1, 0, code == 0])
    reply = head + bytes(4) + query[12:end + 5]
    if code == 0:
        reply += b"\xc0\x0c\0\1\0\1\0\0\0\x05\0\4"  # TTL 5
        reply += socket.inet_aton("203.0.113.7")
    sock.sendto(reply, asker)
E"""

STEPS = (
    Step(
        id="networks",
        goal=Text(
            ko="네트워크 두 개와, DNS에 물어볼 스크립트를 준비합니다",
            en="Prepare two networks, and a script that asks DNS",
        ),
        find=checks.find_networks,
        commands=(
            "docker network create {label} --subnet {subnet} {net}",
            "docker network create {label} {other-net}",
            ASK,
        ),
        vital=True,
        check=checks.networks,
        why=Text(
            ko="스크립트는 A 레코드를 묻고 걸린 시간, 응답 코드, 주소, TTL을 보여 줍니다. dig가 있다면 dig was "
            "@127.0.0.11로 같은 것을 볼 수 있습니다.",
            en="The script asks for A records and shows time, code, addresses and TTL. Where there is dig, dig was "
            "@127.0.0.11 shows the same.",
        ),
    ),
    Step(
        id="containers",
        goal=Text(
            ko="별칭 was를 함께 쓰는 서버 세 개와 클라이언트를 띄웁니다",
            en="Start three servers that share the alias was, and clients",
        ),
        commands=(
            (
                "docker run -d {label} --name {was1} -h first-host --net {net} --network-alias was "
                "proxyctl/echo --name was1"
            ),
            "docker run -d {label} --name {was2} --net {net} --network-alias was proxyctl/echo --name was2",
            "docker run -d {label} --name {was3} --net {net} --network-alias was proxyctl/echo --name was3",
            (
                "docker run -d {label} --name {client} --net {net} --dns {dns-ip} -v {tools}:/tools:ro "
                "--entrypoint sleep proxyctl/echo 1h"
            ),
            (
                "docker run -d {label} --name {other} --net {other-net} --network-alias was -v {tools}:/tools:ro "
                "--entrypoint sleep proxyctl/echo 1h"
            ),
            "docker run -d {label} --name {box} --net {net} proxyctl/haproxy sleep 1h",
            (
                "docker run -d {label} --name {sick} --net {net} --health-cmd false --health-interval 5s "
                "--health-retries 1 proxyctl/echo"
            ),
        ),
        at_once=True,
        vital=True,
        check=checks.containers,
        why=Text(
            ko="--network-alias는 그 네트워크 안에서만 통하는 이름이며, 여러 컨테이너가 같은 이름을 쓸 수 있습니다.",
            en="--network-alias is a name on that network only, and several containers may have the same.",
        ),
    ),
    Step(
        id="resolv-conf",
        goal=Text(
            ko="사용자 정의 네트워크와 기본 브리지의 resolv.conf를 비교합니다",
            en="Compare resolv.conf on a network of one's own and on the default bridge",
        ),
        commands=(
            "docker exec {client} cat /etc/resolv.conf",
            "docker run --rm {label} --name {on-bridge} proxyctl/haproxy cat /etc/resolv.conf",
            "cat /etc/resolv.conf",
        ),
        check=checks.resolv_conf,
        why=Text(
            ko="사용자 정의 네트워크에서는 언제나 127.0.0.11, 곧 Docker의 내장 DNS입니다. --dns로 준 서버는 파일이 "
            "아니라 내장 DNS의 상위 서버가 됩니다. 기본 브리지에는 호스트의 서버가 적힙니다.",
            en="On a network of one's own it is always 127.0.0.11, Docker's embedded DNS; a server given by --dns "
            "becomes its upstream. The default bridge has the host's servers.",
        ),
    ),
    Step(
        id="nat-rules",
        goal=Text(
            ko="127.0.0.11:53을 받는 규칙과 소켓을 컨테이너 안에서 찾습니다",
            en="Find the rules and the sockets behind 127.0.0.11:53 in the container",
        ),
        needs=(ROOT, HOST, NSENTER, IPTABLES, SS),
        find=checks.find_pid,
        commands=(
            "nsenter -t {pid} -n iptables -w -t nat -S DOCKER_OUTPUT",
            "nsenter -t {pid} -n ss -Hlnup 'src 127.0.0.11'",
            "nsenter -t {pid} -n ss -Hlntp 'src 127.0.0.11'",
        ),
        check=checks.nat_rules,
        why=Text(
            ko="컨테이너에는 DNS 프로세스가 없습니다. dockerd가 컨테이너의 네임스페이스 안에서 임의의 포트를 듣고, "
            "DNAT 규칙이 53번 포트를 그리로 보냅니다. 그래서 컨테이너의 53번 포트는 비어 있습니다.",
            en="There is no DNS process in the container: dockerd itself listens inside its namespace on a port of "
            "its choice, and DNAT leads port 53 there. Port 53 stays free for the container.",
        ),
    ),
    Step(
        id="without-rule",
        goal=Text(ko="그 규칙이 없으면 DNS가 멈춤을 확인합니다", en="Without that rule, DNS stops"),
        needs=(ROOT, HOST, NSENTER, IPTABLES, SS),
        commands=(
            "docker exec {client} python3 /tools/ask.py {was1}",
            "nsenter -t {pid} -n iptables -w -t nat -D {udp-rule}",
            fails("docker exec {client} python3 /tools/ask.py {was1}"),
            "docker exec {client} python3 /tools/ask.py {was1} 1 {dns-port}",
            "nsenter -t {pid} -n iptables -w -t nat -A {udp-rule}",
            "docker exec {client} python3 /tools/ask.py {was1}",
        ),
        check=checks.without_rule,
        why=Text(
            ko="규칙을 지우면 53번에는 아무도 없어 거절되고, dockerd의 포트로 직접 물으면 여전히 대답합니다. "
            "컨테이너 안에서 iptables를 비우면 이름이 풀리지 않게 되는 까닭입니다.",
            en="Nobody is on port 53 itself, so it is refused, while dockerd still answers on its own port. That is "
            "why flushing iptables inside a container breaks its names.",
        ),
    ),
    *clip3_names.STEPS,
    Step(
        id="forwarded",
        goal=Text(
            ko="모르는 이름은 상위 서버에 묻는 것을 직접 만든 서버에서 봅니다",
            en="See unknown names arrive at an upstream server of our own",
        ),
        commands=(
            UPSTREAM,
            (
                "docker run -d {label} --name {upstream} --net {net} --ip {dns-ip} -v {tools}:/tools:ro "
                "--entrypoint python3 proxyctl/echo /tools/upstream.py"
            ),
        ),
        check=checks.forwarded,
        why=Text(
            ko="--dns로 준 서버가 상위 서버입니다. 내장 DNS가 컨테이너를 대신해 컨테이너의 주소로 묻고, 답(주소나 "
            "NXDOMAIN)을 그대로 전합니다. 아는 이름은 묻지 않습니다.",
            en="The server of --dns is the upstream. The embedded DNS asks it from the container's address and "
            "passes on what it says, an address or NXDOMAIN. Names it knows are not asked for.",
        ),
    ),
    Step(
        id="upstream-fails",
        goal=Text(
            ko="상위 서버가 실패할 때와 없을 때 일어나는 일을 봅니다",
            en="See what happens where the upstream fails, and where it is gone",
        ),
        commands=(
            "docker exec {client} python3 /tools/ask.py broken.example",
            "docker kill {upstream}",
            either("docker exec {client} python3 /tools/ask.py www.example"),
            "docker start {upstream}",
            either("docker exec {other} python3 /tools/ask.py no-such-name.example"),
        ),
        check=checks.upstream_fails,
        why=Text(
            ko="상위 서버의 SERVFAIL은 그대로 전해집니다. 상위 서버가 없으면 엔진 버전에 따라 SERVFAIL이 오거나 아무 "
            "답도 오지 않습니다. 답이 없으면 클라이언트가 제 시간제한까지 기다리므로, 이름 하나의 오타에 몇 초가 "
            "걸립니다.",
            en="An upstream's SERVFAIL is passed on. Without an upstream it is SERVFAIL or silence, by the engine's "
            "version; with silence the client waits for its own time-out, and a mistyped name costs seconds.",
        ),
    ),
    Step(
        id="timed",
        goal=Text(ko="응답 시간을 잽니다", en="Time the answers"),
        commands=(
            "docker exec {client} python3 /tools/ask.py {was1} 200",
            "docker exec {client} python3 /tools/ask.py www.example 200",
            "docker exec {client} python3 /tools/ask.py no-such.example 200",
        ),
        check=checks.timed,
        why=Text(
            ko="아는 이름은 dockerd가 메모리에서 답하고, 모르는 이름은 상위 서버까지 다녀옵니다. 여기의 상위 서버는 "
            "같은 호스트에 있습니다.",
            en="dockerd answers known names from memory; unknown ones go to the upstream and back, which is on the "
            "same host here.",
        ),
    ),
    *clip3_alias.STEPS,
)

LAB = Lab(
    id="clip3",
    title=Text(ko="Docker의 DNS", en="Docker DNS"),
    goal=Text(
        ko="컨테이너의 이름이 어떻게 주소가 되는지, 이름으로 하는 부하 분산이 어디까지인지 확인합니다.",
        en="See how containers' names become addresses, and how far balancing by names goes.",
    ),
    names=(
        *("net", "other-net", "was1", "was2", "was3", "client", "other", "box", "sick", "on-bridge", "upstream"),
        *("shop", "proxy", "taker", "renamed"),
    ),
    images={
        "proxyctl/echo": Text(
            ko="웹 서버이자, Python이 있는 클라이언트입니다", en="the web servers, and clients that have Python"
        ),
        "proxyctl/haproxy": Text(
            ko="nslookup과 wget이 있는 상자(busybox)이자, 이름을 한 번만 묻는 프록시입니다",
            en="a box with nslookup and wget (busybox), and a proxy that asks for a name once",
        ),
    },
    steps=STEPS,
)
