"""Checks of clip 5, second part: failures, kept connections, reloads."""

from __future__ import annotations

from proxyctl.labs.at import At
from proxyctl.labs.checks.balance import SERVERS, checked, counts, report, served
from proxyctl.labs.checks.clip5 import masters, reloaded, workers
from proxyctl.labs.checks.facts import address, processes
from proxyctl.labs.texts import Text

REQUESTS = 40
AT_A_TIME = 5
ERRORS = Text(ko="실패", en="failures")


def _wait_for(at: At, key: str, name: str) -> None:
    """Wait until a server that was started again serves requests through the proxy."""
    at.until(
        lambda: f'"server": "{name}"' in at.quiet("docker exec {client} wget -qO- -T 3 http://{proxy}/item").out,
        Text(ko=f"{at[key]}의 응답", en=f"an answer of {at[key]}"),
    )


def max_fails(at: At) -> None:
    """Expect two tries of the dead server and no more, no failure of a client, and its return."""
    reloaded(at)
    dead = address(at, "item1", at["net"])
    at.sh("docker kill {item1}")
    out = checked(at, f"/max-fails --requests {REQUESTS} --concurrency 1")
    at.until(
        lambda: at.quiet("docker logs {proxy} 2>/dev/null | grep -c ^/max-fails").out == str(REQUESTS),
        Text(ko=f"로그 {REQUESTS}줄", en=f"{REQUESTS} lines of log"),
    )
    lines = at.sh("docker logs {proxy} 2>/dev/null | grep ^/max-fails | sort | uniq -c").splitlines()
    at.sh("docker start {item1}")  # before anything is judged: later steps need it
    tried = sum(int(line.split()[0]) for line in lines if f"{dead}:8080" in line)
    at.equal(Text(ko="죽은 서버로 보낸 횟수", en="tries of the dead server"), tried, 2)
    at.equal(ERRORS, sum(report(out)["errors"].values()), 0)
    at.equal(SERVERS, served(out), {"item2": REQUESTS})
    at.equal(f"{at['item1']}", address(at, "item1", at["net"]), dead)
    _wait_for(at, "item1", "item1")
    at.note(*(line.strip() for line in lines))
    at.table(
        (SERVERS, counts(out)),
        (ERRORS, "0"),
        (Text(ko="죽은 서버로 보낸 횟수", en="tries of the dead server"), str(tried)),
        (Text(ko="다시 시작한 뒤", en="after its start"), "→ item1"),
    )


def backup(at: At) -> None:
    """Expect nothing for the backup, then all of it, then nothing again."""
    reloaded(at)
    up = checked(at, "/item --requests 40")
    at.sh("docker kill {item1}")
    down = checked(at, "/item --requests 40")
    at.sh("docker start {item1}")
    _wait_for(at, "item1", "item1")
    again = checked(at, "/item --requests 40")
    at.equal(Text(ko="item1이 살아 있을 때", en="while item1 lives"), served(up), {"item1": 40})
    at.equal(Text(ko="item1이 죽었을 때", en="while item1 is dead"), served(down), {"item3": 40})
    at.equal(Text(ko="다시 시작한 뒤", en="after its start"), served(again), {"item1": 40})
    at.table(
        (Text(ko="item1이 살아 있을 때", en="while item1 lives"), counts(up)),
        (Text(ko="item1이 죽었을 때", en="while item1 is dead"), counts(down)),
        (Text(ko="다시 시작한 뒤", en="after its start"), counts(again)),
    )


def opened(at: At) -> int:
    """Return how many connections the proxy's namespace has opened so far, as its kernel counts them."""
    names, values = at.quiet("docker exec {proxy} grep ^Tcp: /proc/net/snmp").out.splitlines()
    return int(dict(zip(names.split(), values.split(), strict=True))["ActiveOpens"])


def keepalive(at: At) -> None:
    """Expect a connection for each request without it, and as many as there are requests at a time with it."""
    reloaded(at)
    before = opened(at)
    checked(at, f"/once --requests 200 --concurrency {AT_A_TIME}")
    between = opened(at)
    checked(at, f"/keep --requests 200 --concurrency {AT_A_TIME}")
    at.sh("docker exec {proxy} grep ^Tcp: /proc/net/snmp")
    without, kept = between - before, opened(at) - between
    at.equal(Text(ko="keepalive 없는 연결", en="connections without keepalive"), without, 200)
    at.expect(0 < kept <= AT_A_TIME, Text(ko=f"keepalive의 연결: {kept}", en=f"connections with keepalive: {kept}"))
    at.table(
        ("", Text(ko="요청", en="requests"), Text(ko="새 연결", en="new connections")),
        ("Connection: close", "200", str(without)),
        ("keepalive 16", "200", str(kept)),
    )


def reload(at: At) -> None:
    """Expect a new worker beside the old one, which finishes its request and goes; the same master."""
    old = set(at["workers"].split())
    master = masters(at)
    long = at.background("docker exec {client} wget -qO- http://{proxy}/stream/2")
    at.until(lambda: long.log.stat().st_size, Text(ko="긴 응답의 시작", en="the start of a long answer"))
    at.sh("docker exec {proxy} nginx -s reload")

    def both() -> bool:
        seen = processes(at, "proxy")
        leaving = {pid for pid, args in seen.items() if "shutting down" in args}
        return leaving == old and bool(set(workers(at).split()) - old)

    at.until(both, Text(ko="이전 워커와 함께 있는 새 워커", en="a new worker beside the old one"))
    during = at.sh("docker top {proxy} -o pid,args")
    at.sh("docker exec {client} wget -qO- -T 5 http://{proxy}/item")
    at.expect(long.alive, Text(ko="긴 요청이 먼저 끝났습니다", en="the long request ended before"))
    at.until(lambda: not long.alive, Text(ko="긴 응답의 끝", en="the end of the long answer"))
    at.equal(Text(ko="긴 요청의 종료 코드", en="exit code of the long request"), long.end(), 0)
    reloaded(at)
    after = at.sh("docker top {proxy} -o pid,args")
    at.equal(Text(ko="마스터", en="master"), masters(at), master)
    at.note(Text(ko="긴 요청이 진행되는 동안:", en="during the long request:"), *_tidy(during))
    at.note(Text(ko="끝난 뒤:", en="after it:"), *_tidy(after))
    at.note(
        Text(
            ko=f"긴 응답은 끝까지 왔습니다: {long.log.stat().st_size}바이트",
            en=f"the long answer came whole: {long.log.stat().st_size} bytes",
        )
    )


def _tidy(top: str) -> list[str]:
    """Return what `docker top` said, without its head and its padding."""
    return [" ".join(line.split()) for line in top.splitlines()[1:]]


def broken(at: At) -> None:
    """Expect the line that is wrong, the same workers after HUP, the reason in the log, and answers."""
    _, test, signal, _ = at.out
    at.expect("item.conf:3" in test and "test failed" in test, Text(ko=f"nginx -t: {test}", en=f"nginx -t: {test}"))
    reason = "unexpected"
    at.expect(reason in test, Text(ko=f"nginx -t: {test}", en=f"nginx -t: {test}"))
    at.until(
        lambda: "[emerg]" in at.quiet("docker logs --tail 5 {proxy}").out,
        Text(ko="로그의 [emerg]", en="[emerg] in the log"),
    )
    out = checked(at, "/item --requests 50")
    at.equal(Text(ko="워커", en="workers"), workers(at), at["workers"])
    at.equal(SERVERS, served(out), {"item1": 50})
    at.note(Text(ko="nginx -t:", en="nginx -t:"), *test.splitlines())
    at.note(Text(ko="nginx -s reload:", en="nginx -s reload:"), *signal.splitlines())
    at.table((Text(ko="HUP 뒤의 워커", en="workers after HUP"), workers(at)), (SERVERS, counts(out)), (ERRORS, "0"))
