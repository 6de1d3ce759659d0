"""Checks of clip 3: the embedded DNS, what it knows, and what it asks its upstream."""

from __future__ import annotations

import dataclasses
import re
import statistics
from pathlib import Path

from proxyctl.labs.at import At
from proxyctl.labs.checks.facts import address
from proxyctl.labs.texts import Said, Text

EMBEDDED = "127.0.0.11"
SERVERS = ("was1", "was2", "was3")
UNKNOWN = ("NXDOMAIN", "SERVFAIL", "no answer")
"""What a name that nobody knows may come to: by the upstream, and by the engine where there is none."""
KNOWN_WITHIN = 50.0
"""Milliseconds for a known name: 0.1 to be expected, with room for a machine that is busy."""
ANSWERED = {"www": "NOERROR", "nothing": "NXDOMAIN"}


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """One line of ask.py; times in milliseconds, TTLs in seconds."""

    code: str
    ms: float = 0.0
    addresses: tuple[str, ...] = ()
    ttls: frozenset[int] = frozenset()

    def __str__(self) -> str:
        return " ".join(self.addresses) or self.code


def answers(out: str) -> list[Answer]:
    """Read what ask.py printed; raise ValueError for anything else."""
    return [_answer(line) for line in out.splitlines()]


def _answer(line: str) -> Answer:
    if line.startswith("no answer"):
        return Answer("no answer")
    match = re.match(r"([\d.]+) ms  (\w+)", line)
    if match is None:
        raise ValueError(line)
    records = re.findall(r"([\d.]+) TTL (\d+)", line)
    return Answer(match[2], float(match[1]), tuple(ip for ip, _ in records), frozenset(int(ttl) for _, ttl in records))


def one(out: str) -> Answer:
    """Read the single answer of ask.py."""
    (answer,) = answers(out)
    return answer


def not_known(at: At, answer: Answer) -> None:
    """Expect a name that nobody knows."""
    at.expect(answer.code in UNKNOWN, Text(ko=f"아는 이름입니다: {answer}", en=f"it is known: {answer}"))


def nameservers(out: str) -> list[str]:
    """Return the servers out of a resolv.conf."""
    return re.findall(r"^nameserver\s+(\S+)", out, re.MULTILINE)


def find_networks(at: At) -> None:
    """Choose a subnet, as containers with static addresses need one, and an address for the upstream server."""
    subnet = at.free_subnet()
    at.folder("tools")
    at.found(**{"subnet": str(subnet), "dns-ip": str(subnet[53])})


def networks(at: At) -> None:
    """Say which subnets the networks have."""
    at.table(*((at[key], at.network(key)["IPAM"]["Config"][0]["Subnet"]) for key in ("net", "other-net")))


def containers(at: At) -> None:
    """Expect the alias on all three, and say who is where."""
    for key in SERVERS:
        aliases = at.container(key)["NetworkSettings"]["Networks"][at["net"]]["Aliases"]
        at.expect("was" in aliases, Text(ko=f"별칭이 없습니다: {aliases}", en=f"no alias: {aliases}"))
    at.table(*((at[key], address(at, key, at["net"]), "was") for key in SERVERS))
    at.table((at["client"], address(at, "client", at["net"])), (at["other"], address(at, "other", at["other-net"])))


def resolv_conf(at: At) -> None:
    """Expect the embedded DNS on the network alone, and --dns in no line."""
    inside, on_bridge, host = at.out
    at.equal("nameserver", nameservers(inside), [EMBEDDED])
    servers = nameservers(on_bridge)
    at.expect(
        servers and EMBEDDED not in servers,
        Text(ko=f"기본 브리지에 {servers}", en=f"the default bridge has {servers}"),
    )
    at.table(
        (at["net"], *nameservers(inside), f"--dns {at['dns-ip']}"),
        ("bridge", *servers),
        (Text(ko="호스트", en="host"), *nameservers(host)),
    )


def find_pid(at: At) -> None:
    """Find the client's first process, whose namespace is entered."""
    pid = str(at.container("client")["State"]["Pid"])
    if not Path(f"/proc/{pid}").exists():
        at.skip(
            Text(ko="엔진의 네임스페이스가 여기서 보이지 않습니다", en="the engine's namespaces cannot be seen here")
        )
    at.found(pid=pid)


def nat_rules(at: At) -> None:
    """Expect a rule for each protocol, and dockerd on the ports that they lead to."""
    rules, *sockets = at.out
    rows = []
    for protocol, listening in zip(("udp", "tcp"), sockets, strict=True):
        found = re.search(
            rf"^-A (DOCKER_OUTPUT -d 127\.0\.0\.11/32 -p {protocol} .*--dport 53 -j DNAT --to-destination (\S+))$",
            rules,
            re.MULTILINE,
        )
        if found is None:
            at.skip(Text(ko=f"DNAT 규칙이 없습니다: {rules}", en=f"this engine has other rules: {rules}"))
        rule, to = found.groups()
        at.expect(to in listening, Text(ko=f"{to}에 아무도 없습니다", en=f"nobody listens on {to}"))
        at.expect(
            f'"dockerd",pid={at["pid"]},' not in listening,
            Text(ko="컨테이너의 프로세스입니다", en="it is the container's own process"),
        )
        owner = re.search(r'\("([^"]+)",pid=(\d+)', listening)
        rows.append((protocol, f"{EMBEDDED}:53 → {to}", f"{owner[1]}, pid {owner[2]}" if owner else "-"))
        if protocol == "udp":
            at.found(**{"udp-rule": rule, "dns-port": to.rpartition(":")[2]})
    at.table(*rows)


def without_rule(at: At) -> None:
    """Expect answers with the rule, a refusal without it, and an answer on dockerd's own port all the while."""
    before, _, refused, direct, _, after = at.out
    wanted = (address(at, "was1", at["net"]),)
    for out in (before, direct, after):
        at.equal(at["was1"], one(out).addresses, wanted)
    at.equal(Text(ko="규칙이 없을 때", en="without the rule"), one(refused).code, "no answer")
    at.table(
        (Text(ko="규칙 있음", en="with the rule"), f"{EMBEDDED}:53", str(one(before))),
        (Text(ko="규칙 없음", en="without it"), f"{EMBEDDED}:53", refused),
        (Text(ko="규칙 없음", en="without it"), f"{EMBEDDED}:{at['dns-port']}", str(one(direct))),
        (Text(ko="되돌린 다음", en="put back"), f"{EMBEDDED}:53", str(one(after))),
    )


def forwarded(at: At) -> None:
    """Expect the upstream's answers, asked from the client's address, and no question about a name that is known."""
    _upstream_listens(at)
    rows = []
    for first, code in ANSWERED.items():
        answer = one(at.sh(f"docker exec {{client}} python3 /tools/ask.py {first}.example"))
        at.equal(f"{first}.example", answer.code, code)
        rows.append((f"{first}.example", str(answer)))
    known = one(at.sh("docker exec {client} python3 /tools/ask.py {was1}"))
    at.equal(at["was1"], known.addresses, (address(at, "was1", at["net"]),))
    log = at.sh("docker logs {upstream}").splitlines()
    asker = address(at, "client", at["net"])
    at.equal("docker logs", log, [f"{asker} asked for {first}" for first in ANSWERED])
    at.table(*rows, (at["was1"], str(known)))
    at.note(Text(ko="상위 서버의 로그:", en="the upstream's log:"), *(f"  {line}" for line in log))


def _upstream_listens(at: At) -> None:
    at.until(
        lambda: ":53 " in at.quiet("docker exec {upstream} netstat -lnu").out,
        Text(ko="상위 서버가 53번 포트를 들음", en="the upstream to listen on port 53"),
    )


def upstream_fails(at: At) -> None:
    """Expect its SERVFAIL, and no address without it; say what the host's own DNS makes of such a name."""
    broken, _, gone, _, by_host = at.out
    at.equal("broken.example", one(broken).code, "SERVFAIL")
    at.expect(one(gone).code in UNKNOWN, Text(ko=f"답이 있습니다: {gone}", en=f"there is an answer: {gone}"))
    _upstream_listens(at)
    at.table(
        (Text(ko="상위 서버가 SERVFAIL로 답함", en="the upstream says SERVFAIL"), broken),
        (Text(ko="상위 서버가 멈춤", en="the upstream is gone"), gone),
        (Text(ko="호스트의 DNS, 없는 이름", en="the host's DNS, no such name"), by_host),
    )


def timed(at: At) -> None:
    """Expect all to be answered, and known names fast."""
    known, theirs, unknown = (answers(out) for out in at.out)
    for group, code in ((known, "NOERROR"), (theirs, "NOERROR"), (unknown, "NXDOMAIN")):
        at.equal("code", {answer.code for answer in group}, {code})
    middle = statistics.median(answer.ms for answer in known)
    at.expect(
        middle < KNOWN_WITHIN,
        Text(ko=f"아는 이름에 {middle:.2f} ms 걸렸습니다", en=f"a known name took {middle:.2f} ms"),
    )
    rows: list[tuple[Said, ...]] = [("", "p50", "max")]
    for title, group in (
        (Text(ko="아는 이름", en="known"), known),
        (Text(ko="상위 서버의 주소", en="address from the upstream"), theirs),
        (Text(ko="상위 서버의 NXDOMAIN", en="NXDOMAIN from the upstream"), unknown),
    ):
        times = [answer.ms for answer in group]
        rows.append((title, f"{statistics.median(times):.2f} ms", f"{max(times):.2f} ms"))
    at.table(*rows)
