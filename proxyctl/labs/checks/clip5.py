"""Checks of clip 5: who serves what by each way of choosing a server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from proxyctl.labs.at import At
from proxyctl.labs.checks.clip1 import address, find_port
from proxyctl.labs.texts import Said, Text

HEADER = "--server-from header:X-Served-By"
SERVERS = Text(ko="응답한 서버", en="servers that answered")


def report(out: str) -> Mapping[str, Any]:
    """Return the JSON of `proxyctl check`, which a line that says what failed may follow."""
    read: Mapping[str, Any] = json.JSONDecoder().raw_decode(out)[0]
    return read


def served(out: str) -> dict[str, int]:
    """Return how many requests each server answered; those that answered none are left out."""
    servers = report(out)["servers"]
    return {name: servers[name]["requests"] for name in sorted(servers) if servers[name]["requests"]}


def counts(out: str) -> str:
    """Return `item1 100, item2 100`."""
    return ", ".join(f"{name} {count}" for name, count in served(out).items())


def judged(at: At, out: str) -> list[tuple[Said, ...]]:
    """Expect the verdicts to be good, and return them as rows; how busy this machine is (stalls) is none of it."""
    found = [verdict for verdict in report(out)["verdicts"] if verdict["name"] != "stalls"]
    at.expect(found, Text(ko="판정이 없습니다", en="no verdict"))
    for verdict in found:
        text = f"{verdict['name']} {verdict['value']}, {verdict['expected']}; {verdict['detail']}"
        at.expect(verdict["ok"], Text(ko=f"판정: {text}", en=f"verdict: {text}"))
    return [(verdict["name"], "✔") for verdict in found]


def processes(at: At, key: str) -> dict[str, str]:
    """Return a container's processes: by host pid, what they call themselves."""
    lines = at.quiet(f"docker top {{{key}}} -o pid,args").out.splitlines()[1:]
    return {pid: args.strip() for pid, args in (line.split(None, 1) for line in lines)}


def workers(at: At, key: str = "proxy") -> list[str]:
    """Return the pids of nginx's workers, also of those that are shutting down."""
    return sorted(pid for pid, args in processes(at, key).items() if args.startswith("nginx: worker process"))


def find_network(at: At) -> None:
    """Make the network, a folder for the configuration, and find a free port."""
    find_port(at)
    at.folder("conf")
    at.sh("docker network create {label} {net}")


def find_workers(at: At) -> None:
    """Remember the workers before a reload."""
    at.found(workers=" ".join(workers(at)))


def reloaded(at: At) -> None:
    """Wait until new workers serve and the old ones are gone."""
    before = set(at["workers"].split())

    def new() -> bool:
        now = set(workers(at))
        return bool(now) and not now & before

    at.until(new, Text(ko="새 워커", en="new workers"))


def check(at: At, options: str) -> str:
    """Run `proxyctl check` on the proxy, with a path and options, shown; return its JSON, with good verdicts."""
    out = at.sh(f"proxyctl check http://127.0.0.1:{{port}}{options} {HEADER} --json", "either")
    judged(at, out)
    return out


def _answers(at: At, ask: str) -> bool:
    return at.quiet(ask).code == 0


def containers(at: At) -> None:
    """Expect each on the network; wait until all servers answer."""
    for key in ("item1", "item2", "item3", "basket"):
        ask = f"docker exec {{client}} wget -qO- -T 1 http://{{{key}}}:8080/healthz"
        at.until(partial(_answers, at, ask), Text(ko=f"{at[key]}의 응답", en=f"an answer of {at[key]}"))
    at.table(*((at[key], address(at, key, at["net"])) for key in ("item1", "item2", "item3", "basket", "client")))


def upstream(at: At) -> None:
    """Expect an answer through the proxy, by an item server that sees the proxy as its client."""
    answer = at.until(
        lambda: at.quiet("docker exec {client} wget -qO- -T 1 http://{proxy}/item").out,
        Text(ko="프록시의 응답", en="an answer of the proxy"),
    )
    told = json.loads(answer)
    at.equal(
        Text(ko="백엔드가 본 클라이언트", en="client that it saw"), told["client"], address(at, "proxy", at["net"])
    )
    at.expect(told["server"].startswith("item"), Text(ko=f"다른 서버입니다: {answer}", en=f"not item: {answer}"))
    at.table(
        (f"http://{at['proxy']}/item", f"→ {told['server']}"),
        (Text(ko="백엔드가 본 클라이언트", en="client that it saw"), told["client"]),
    )


def balanced(at: At) -> None:
    """Expect the same for each, to the request."""
    at.equal(SERVERS, served(at.out[-1]), {"item1": 100, "item2": 100, "item3": 100})
    at.table((SERVERS, counts(at.out[-1])), *judged(at, at.out[-1]))


def weight(at: At) -> None:
    """Expect three parts of five for one of them, to the request."""
    reloaded(at)
    out = check(at, "/item --requests 200 --expect-weights item1=3,item2=1,item3=1 --proxy-workers 1")
    at.equal(SERVERS, served(out), {"item1": 120, "item2": 40, "item3": 40})
    at.table((SERVERS, counts(out)), *judged(at, out))


def slow(at: At) -> None:
    """Expect halves, also for the server that is slow."""
    reloaded(at)
    out = check(at, "/item --requests 60 --concurrency 10")
    at.equal(SERVERS, served(out), {"item1": 30, "item2": 30})
    at.table((SERVERS, counts(out)), (Text(ko="초", en="seconds"), f"{report(out)['seconds']:.2f}"))


def least_conn(at: At) -> None:
    """Expect the fast server to get several times more."""
    reloaded(at)
    out = check(at, "/item --requests 60 --concurrency 10")
    at.expect(
        served(out)["item1"] >= 2 * served(out).get("item2", 0),
        Text(ko=f"빠른 서버가 더 받지 않았습니다: {counts(out)}", en=f"not more for the fast one: {counts(out)}"),
    )
    at.table((SERVERS, counts(out)), (Text(ko="초", en="seconds"), f"{report(out)['seconds']:.2f}"))


ASK = """\
docker exec {client} sh -c 'for i in $(seq 1 12); do
    wget -qO- -T 5 --header "X-Forwarded-For: ADDRESS" \\
        http://{proxy}/item | grep -o "item[123]\\"" | head -n 1
done | sort | uniq -c'"""


def ip_hash(at: At) -> None:
    """Expect one server for one client and for a whole /24, several for several networks."""
    reloaded(at)
    one = check(at, "/item --requests 60 --expect-balance source")
    neighbours = tally(at.sh(ASK.replace("ADDRESS", "10.0.7.$i")))
    spread = tally(at.sh(ASK.replace("ADDRESS", "10.0.$i.7")))
    at.equal(Text(ko="한 클라이언트의 서버 수", en="servers of one client"), len(served(one)), 1)
    at.equal(Text(ko="한 /24의 서버 수", en="servers of one /24"), list(neighbours.values()), [12])
    at.expect(len(spread) > 1, Text(ko=f"나뉘지 않았습니다: {spread}", en=f"not spread: {spread}"))
    at.table(
        (Text(ko="한 클라이언트", en="one client"), counts(one)),
        ("10.0.7.1-12", ", ".join(f"{name} {count}" for name, count in neighbours.items())),
        ("10.0.1-12.7", ", ".join(f"{name} {count}" for name, count in spread.items())),
    )


def tally(out: str) -> dict[str, int]:
    """Read what `uniq -c` counted."""
    pairs = [line.split() for line in out.splitlines()]
    return {name.strip('"'): int(count) for count, name in pairs}


def hash_uri(at: At) -> None:
    """Expect the verdicts that a URI met one server alone, and that all servers have their share of the URIs."""
    reloaded(at)
    out = check(
        at,
        "/item --requests 300 --keys 60 --key-by uri --expect-balance uri --expect-weights item1=1,item2=1,item3=1",
    )
    at.equal(SERVERS, list(served(out)), ["item1", "item2", "item3"])
    at.table((SERVERS, counts(out)), *judged(at, out))


def paths(at: At) -> None:
    """Expect each path to meet its own pool alone."""
    item, basket = at.out
    judged(at, item)
    judged(at, basket)
    at.expect(
        served(item) and set(served(item)) <= {"item1", "item2", "item3"},
        Text(ko=f"/item: {counts(item)}", en=f"/item: {counts(item)}"),
    )
    at.equal("/basket", served(basket), {"basket": 60})
    at.table(("/item", counts(item)), ("/basket", counts(basket)))
