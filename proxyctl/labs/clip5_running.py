"""Clip 5, second part: servers that fail, connections that are kept, and a configuration that is replaced.

The checks are in `checks.clip5_running`; the configuration around these upstream blocks is in `clip5`.
"""

from __future__ import annotations

from proxyctl.labs.checks import clip5 as common
from proxyctl.labs.checks import clip5_running as checks
from proxyctl.labs.command import fails
from proxyctl.labs.step import Step
from proxyctl.labs.texts import Text

MAX_FAILS = """\
cat > {conf}/item.conf <<'E'
upstream item {
    server {item1}:8080 max_fails=2 fail_timeout=2s;
    server {item2}:8080;
}
E"""

BACKUP = """\
cat > {conf}/item.conf <<'E'
upstream item {
    server {item1}:8080 fail_timeout=1s;
    server {item3}:8080 backup;
}
E"""

KEEPALIVE = """\
cat > {conf}/item.conf <<'E'
upstream item {
    server {item1}:8080;
    keepalive 16;
}
E"""

BROKEN = """\
cat > {conf}/item.conf <<'E'
upstream item {
    server {item1}:8080
}
E"""

RELOAD = "docker exec {proxy} nginx -s reload"

STEPS = (
    Step(
        id="max-fails",
        goal=Text(
            ko="max_fails와 fail_timeout이 죽은 서버를 빼고 다시 넣는 것을 봅니다",
            en="See max_fails and fail_timeout take a dead server out, and back in",
        ),
        find=common.find_workers,
        commands=(MAX_FAILS, RELOAD),
        check=checks.max_fails,
        why=Text(
            ko="실패한 요청은 다음 서버로 다시 보내므로 클라이언트는 알지 못합니다. 두 번 실패하면 2초 동안 빼고, "
            "그 뒤 실제 요청으로 다시 시험합니다. 오픈 소스 nginx에는 능동적인 헬스체크가 없습니다.",
            en="What fails is tried on the next server, unseen by the client. Two failures take it out for 2 s; then "
            "a real request tries it. Open-source Nginx has no active health checks.",
        ),
    ),
    Step(
        id="backup",
        goal=Text(
            ko="backup 서버는 다른 서버가 모두 죽었을 때만 받게 합니다",
            en="Let a backup server serve only when the others are dead",
        ),
        find=common.find_workers,
        commands=(BACKUP, RELOAD),
        check=checks.backup,
        why=Text(
            ko="item1이 살아 있으면 backup은 요청을 받지 않고, 죽으면 전부 받으며, 살아나면 다시 물러납니다.",
            en="While item1 lives, the backup gets nothing; then it gets all, and steps back when item1 returns.",
        ),
    ),
    Step(
        id="keepalive",
        goal=Text(
            ko="업스트림 keepalive가 연결 수를 얼마나 줄이는지 셉니다",
            en="Count the connections that keepalive to upstreams saves",
        ),
        find=common.find_workers,
        commands=(KEEPALIVE, RELOAD),
        check=checks.keepalive,
        why=Text(
            ko="커널이 센 새 연결(ActiveOpens)입니다. Connection 헤더를 비우고 HTTP/1.1을 써야 연결을 다시 씁니다.",
            en="The kernel's count of new connections (ActiveOpens). It takes an empty Connection header and HTTP/1.1.",
        ),
    ),
    Step(
        id="reload",
        goal=Text(
            ko="긴 요청이 진행되는 동안 reload하고 워커가 바뀌는 것을 봅니다",
            en="Reload during a long request, and see the workers change",
        ),
        find=common.find_workers,
        check=checks.reload,
        why=Text(
            ko="마스터 프로세스는 그대로이고 새 워커를 만듭니다. 이전 워커는 새 연결을 받지 않고, 처리하던 요청을 "
            "마친 뒤 끝납니다.",
            en="The master stays and starts new workers. The old one takes no new connections, finishes what it has, "
            "and ends.",
        ),
    ),
    Step(
        id="broken",
        goal=Text(
            ko="세미콜론이 빠진 설정을 nginx -t가 거절하고, 이전 설정으로 계속 서비스하는 것을 봅니다",
            en="See nginx -t refuse a file that lacks a semicolon, and the old one serve on",
        ),
        find=common.find_workers,
        commands=(
            BROKEN,
            fails("docker exec {proxy} nginx -t"),
            fails("docker exec {proxy} nginx -s reload"),
            "docker kill -s HUP {proxy}",
        ),
        check=checks.broken,
        why=Text(
            ko="신호(HUP)를 직접 보내도 마스터가 먼저 설정을 읽어 보고, 틀리면 이전 워커를 그대로 둡니다. 그러나 "
            "컨테이너를 다시 시작하면 실패하므로 먼저 -t로 확인하십시오.",
            en="Even on a bare HUP the master reads the file first, and keeps the old workers if it is wrong. A "
            "restart of the container would fail, so ask -t first.",
        ),
    ),
)
