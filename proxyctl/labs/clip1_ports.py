"""Clip 1, its published ports: NAT both ways, -p, -P, --expose, and docker-proxy beside the DNAT rule.

The checks are in `checks.clip1_ports`.
"""

from __future__ import annotations

from proxyctl.labs.checks import clip1_ports as checks
from proxyctl.labs.command import either, fails
from proxyctl.labs.needs import CURL, HOST, IPTABLES, PGREP, ROOT
from proxyctl.labs.step import Step
from proxyctl.labs.texts import Text

STEPS = (
    Step(
        id="masquerade",
        goal=Text(ko="나가는 패킷의 NAT 규칙을 찾습니다", en="Find the NAT rule for what goes out"),
        needs=(ROOT, HOST, IPTABLES),
        commands=("iptables -w -t nat -S POSTROUTING",),
        check=checks.masquerade,
        why=Text(
            ko="밖으로 나갈 때는 MASQUERADE가 출발지를 호스트 주소로 바꿉니다. 포트 포워딩과 반대 방향의 NAT입니다.",
            en="On the way out MASQUERADE puts the host's address as the source: NAT in the other direction than a "
            "published port.",
        ),
    ),
    Step(
        id="publish",
        goal=Text(ko="-p로 포트를 공개합니다", en="Publish a port with -p"),
        needs=(HOST, CURL),
        commands=("docker port {web}", "curl -s --max-time 5 http://127.0.0.1:{port}/"),
        check=checks.publish,
        why=Text(
            ko="-p 호스트포트:컨테이너포트는 번호를 직접 정하므로 명시적이고, -P는 임의의 포트를 고르므로 "
            "암시적입니다. 강의 표에는 둘이 바뀌어 있습니다.",
            en="-p HOST:CONTAINER says the number, so it is the explicit one, and -P leaves it to Docker; the notes' "
            "table has the two words the other way round.",
        ),
    ),
    Step(
        id="publish-all",
        goal=Text(
            ko="-P로 노출된 모든 포트를 임의의 포트에 공개합니다",
            en="Publish all exposed ports on ephemeral ones with -P",
        ),
        commands=(
            "docker run -d {label} --name {myweb} -P --expose 40001 proxyctl/echo",
            "docker port {myweb}",
            "cat /proc/sys/net/ipv4/ip_local_port_range",
        ),
        check=checks.publish_all,
        why=Text(
            ko="이미지의 EXPOSE(8080)와 --expose(40001)가 모두 공개됩니다. 포트는 커널의 임시 포트 범위에서 고릅니다.",
            en="The image's EXPOSE (8080) and --expose (40001) are both published, on ports of the kernel's ephemeral "
            "range.",
        ),
    ),
    Step(
        id="expose-only",
        goal=Text(ko="--expose만으로는 아무것도 공개되지 않습니다", en="--expose alone publishes nothing"),
        commands=(
            "docker run -d {label} --name {exposed} --expose 40001 proxyctl/haproxy sleep 1h",
            "docker port {exposed}",
            "docker inspect {exposed} -f '{{json .Config.ExposedPorts}}'",
        ),
        check=checks.expose_only,
        why=Text(
            ko="EXPOSE와 --expose는 어느 포트를 쓰는지 적어 둔 것일 뿐입니다. 같은 네트워크의 컨테이너끼리는 노출하지 "
            "않은 포트로도 통신합니다.",
            en="EXPOSE and --expose only note which ports are meant. Containers on one network reach each other's "
            "ports without it.",
        ),
    ),
    Step(
        id="dnat-rule",
        goal=Text(ko="공개된 포트의 DNAT 규칙을 찾습니다", en="Find the DNAT rule of the published port"),
        needs=(ROOT, HOST, IPTABLES),
        commands=("iptables -w -t nat -S DOCKER | grep -- '--dport {port} '", "iptables -w -t nat -S OUTPUT"),
        check=checks.dnat_rule,
        why=Text(
            ko="포트 포워딩은 목적지 주소를 바꾸는 NAT(DNAT)입니다. OUTPUT의 규칙은 127.0.0.0/8을 제외하므로, "
            "호스트에서 127.0.0.1로 한 접속은 이 규칙이 아니라 docker-proxy가 받습니다.",
            en="A published port is NAT of the destination (DNAT). The rule in OUTPUT leaves out 127.0.0.0/8, so a "
            "connection from the host to 127.0.0.1 is not for this rule: docker-proxy takes it.",
        ),
    ),
    Step(
        id="docker-proxy",
        goal=Text(ko="공개된 포트의 docker-proxy 프로세스를 찾습니다", en="Find the published port's docker-proxy"),
        needs=(ROOT, HOST, PGREP),
        commands=(either("pgrep -a docker-proxy | grep -- '-host-port {port} '"),),
        check=checks.docker_proxy,
        why=Text(
            ko="docker-proxy는 공개된 포트마다 dockerd가 띄우는 사용자 공간 프로그램입니다. 접속을 받아 컨테이너로 새 "
            "접속을 엽니다.",
            en="docker-proxy is a program in user space that dockerd starts for each published port. It accepts the "
            "connection and opens a new one to the container.",
        ),
    ),
    Step(
        id="without-dnat",
        goal=Text(
            ko="DNAT 규칙이 없으면 docker-proxy가 대신함을 확인합니다", en="Without the DNAT rule, docker-proxy does it"
        ),
        needs=(ROOT, HOST, IPTABLES, PGREP, CURL),
        find=checks.find_rule,
        commands=(
            "curl -s --max-time 5 http://{address}:{port}/",
            "iptables -w -t nat -D {rule}",
            "curl -s --max-time 5 http://{address}:{port}/",
            "curl -s --max-time 5 http://127.0.0.1:{port}/",
            "iptables -w -t nat -A {rule}",
        ),
        check=checks.without_dnat,
        why=Text(
            ko="docker-proxy가 모든 주소에서 듣고 있으므로 규칙이 없어도 접속됩니다. 다만 접속을 새로 열기 때문에, "
            "컨테이너에는 클라이언트 대신 docker0의 주소가 보입니다.",
            en="docker-proxy listens on all addresses, so it still works. It opens a connection of its own, so the "
            "container sees docker0's address in place of the client's.",
        ),
    ),
    Step(
        id="without-proxy",
        goal=Text(
            ko="docker-proxy가 없으면 무엇이 되고 안 되는지 확인합니다", en="Without docker-proxy, see what still works"
        ),
        needs=(ROOT, HOST, PGREP, CURL),
        find=checks.find_proxy,
        commands=(
            "kill {proxy}",
            "curl -s --max-time 5 http://{address}:{port}/",
            fails("curl -sS --max-time 5 http://127.0.0.1:{port}/"),
        ),
        check=checks.without_proxy,
        why=Text(
            ko="다른 주소로 온 접속은 커널이 DNAT로 보내므로 docker-proxy가 필요 없습니다. 호스트에서 127.0.0.1로 한 "
            "접속만 끊깁니다.",
            en="The kernel's DNAT needs no docker-proxy for other addresses; only 127.0.0.1 on the host is lost.",
        ),
    ),
)
