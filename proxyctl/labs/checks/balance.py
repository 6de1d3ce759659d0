"""Who answered how often: what `proxyctl check` says of it, and waiting until the right servers do.

Clips 3 to 6 judge by this; what a clip expects of the numbers is in the clip's own checks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import requests

from proxyctl.labs.at import At
from proxyctl.labs.texts import Said, Text

BY_NAME = "--server-from header:X-Served-By"
SERVERS = Text(ko="응답한 서버", en="servers that answered")
INSIDE = Text(ko="풀에 들어온 서버", en="servers that take part")
ROUND = 12  # requests that meet every one of a few servers, whose weights differ by up to three times

HASHED = """\
docker exec {client} sh -c 'for i in $(seq 1 12); do
    wget -qO- -T 5 --header "X-Forwarded-For: ADDRESS" \\
        http://{proxy}/PATH | grep -o "item[123]\\"" | head -n 1
done | sort | uniq -c'"""


def report(out: str) -> Mapping[str, Any]:
    """Return the JSON of `proxyctl check`, which a line that says what failed may follow."""
    read: Mapping[str, Any] = json.JSONDecoder().raw_decode(out)[0]
    return read


def served(out: str) -> dict[str, int]:
    """Return how many requests each server answered; those that answered none are left out."""
    servers = report(out)["servers"]
    return {name: servers[name]["requests"] for name in sorted(servers) if servers[name]["requests"]}


def listed(counts: Mapping[str, int]) -> str:
    """Return `item1 100, item2 100`."""
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def counts(out: str) -> str:
    """Return the same of what `proxyctl check` counted."""
    return listed(served(out))


def judged(at: At, out: str, *needed: str) -> list[tuple[Said, ...]]:
    """Expect good verdicts, those needed among them, and return them as rows.

    Stalls are left out: a busy host has them by itself, and no statement is about them.
    """
    found = {verdict["name"]: verdict for verdict in report(out)["verdicts"] if verdict["name"] != "stalls"}
    for name, verdict in found.items():
        text = f"{name} {verdict['value']}, {verdict['expected']}; {verdict['detail']}"
        at.expect(verdict["ok"], Text(ko=f"판정: {text}", en=f"verdict: {text}"))
    for name in ("errors", *needed):
        at.expect(name in found, Text(ko=f"판정이 없습니다: {name}", en=f"no verdict on {name}"))
    return [(name, "✔") for name in found]


def checked(at: At, options: str, *needed: str) -> str:
    """Run `proxyctl check` on the proxy, with a path and options, shown; return its JSON, with good verdicts."""
    out = at.sh(f"proxyctl check http://127.0.0.1:{{port}}{options} {BY_NAME} --json", "either")
    judged(at, out, *needed)
    return out


def checked_gateway(at: At, options: str) -> str:
    """Run `proxyctl check` on the gateway's /item, shown; return its JSON, with good verdicts, also on weights."""
    out = at.sh(
        f"proxyctl check http://127.0.0.1:{{watch-port}}/item --network {{net}} --state {{state}} {options} --json",
        "either",
    )
    judged(at, out, "balance")
    return out


def pools(at: At) -> list[Mapping[str, Any]]:
    """Ask the running watch for its servers, shown; return what it says of each, with the pool's name as `pool`."""
    status = json.loads(at.sh("proxyctl status --network {net} --state {state} --json"))
    return [{"pool": pool["name"], **server} for pool in status["pools"] for server in pool["servers"]]


def until_served_by(at: At, *keys: str) -> None:
    """Wait until exactly these echo servers, by their own names, answer for the gateway's /item; not shown."""
    wanted = set(keys)
    url = f"http://127.0.0.1:{at['watch-port']}/item"

    def seen() -> bool:
        with requests.Session() as session:
            session.trust_env = False  # no proxy of this host's between
            try:
                return {session.get(url, timeout=2).json()["server"] for _ in range(ROUND)} == wanted
            except requests.RequestException:
                return False

    at.until(seen, Text(ko=f"{', '.join(keys)}의 응답", en=f"answers of {', '.join(keys)}"))


def tally(out: str) -> dict[str, int]:
    """Read what `uniq -c` counted in HASHED."""
    pairs = [line.split() for line in out.splitlines()]
    return {name.strip('"'): int(count) for count, name in pairs}
