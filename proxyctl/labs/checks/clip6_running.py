"""Checks of clip 6, second part: what the statistics and the traffic say while HAProxy goes on running."""

from __future__ import annotations

import csv
import re

from proxyctl.labs.at import At
from proxyctl.labs.checks.balance import SERVERS, checked, counts, judged, report, served
from proxyctl.labs.checks.clip6 import ITEMS
from proxyctl.labs.checks.facts import address, pids, until_servers_answer
from proxyctl.labs.texts import Text

Row = dict[str, str]


def tell(at: At, command: str) -> str:
    """Say something to the runtime API, shown; return the answer."""
    return at.sh(f'echo "{command}" | docker exec -i {{proxy}} nc 127.0.0.1 9999')


def statistics(at: At, backend: str) -> dict[str, Row]:
    """Return a backend's rows of the statistics, by server."""
    page = at.quiet("docker exec {client} wget -qO- -T 2 'http://{proxy}:8404/;csv'").out
    rows = csv.DictReader(page.removeprefix("# ").splitlines())
    return {row["svname"]: row for row in rows if row["pxname"] == backend}


def _is(at: At, status: str) -> Row:
    """Wait until the statistics say so of item3, and no check is under way; return what they say."""
    seen: Row = {}

    def says_so() -> bool:
        seen.update(statistics(at, "item")["item3"])
        return seen["status"] == status and not seen["check_status"].startswith("* ")

    at.until(says_so, Text(ko=f"item3 {status}", en=f"item3 {status}"))
    return seen


def _log(at: At) -> list[str]:
    """Return how item3's health went, as HAProxy logged it: such as `2/3 UP` and `1/3 UP`."""
    out = at.sh("docker logs {proxy} 2>/dev/null | grep '^Health check.*item3'")
    return [m[1] for m in re.finditer(r"status: (\d/\d (?:UP|DOWN))", out)]


def _row(row: Row) -> str:
    keys = ("check_status", "check_code", "chkfail", "chkdown", "downtime")
    return ", ".join(f"{key} {row[key]}" for key in keys if row[key])


def fall(at: At) -> None:
    """Expect two failures to leave it up and the third to take it out, with no request lost."""
    row = _is(at, "DOWN")
    at.equal("check_status, check_code", (row["check_status"], row["check_code"]), ("L7STS", "503"))
    seen = _log(at)
    at.equal(Text(ko="로그", en="log"), seen[-3:], ["2/3 UP", "1/3 UP", "0/2 DOWN"])
    out = checked(at, "/item --requests 100")
    at.equal(SERVERS, served(out), {"item1": 50, "item2": 50})
    at.equal(Text(ko="실패", en="failures"), report(out)["ok"], 100)
    at.table(
        (Text(ko="로그", en="log"), " → ".join(seen[-3:])),
        ("item3", f"{row['status']}, {_row(row)}"),
        (SERVERS, counts(out)),
    )


def rise(at: At) -> None:
    """Expect one success to leave it down and the second to bring it back."""
    row = _is(at, "UP")
    seen = _log(at)
    at.equal(Text(ko="로그", en="log"), seen[-2:], ["1/2 DOWN", "3/3 UP"])
    at.expect(int(row["chkdown"]) >= 1, Text(ko=f"chkdown: {row['chkdown']}", en=f"chkdown is {row['chkdown']}"))
    out = checked(at, "/item --requests 60")
    at.equal(SERVERS, served(out), dict.fromkeys(ITEMS, 20))
    at.table(
        (Text(ko="로그", en="log"), " → ".join(seen[-2:])),
        ("item3", f"{row['status']}, {_row(row)}"),
        (SERVERS, counts(out)),
    )


def find_counts(at: At) -> None:
    """Remember the statistics' counts before the load."""
    before = statistics(at, "item")
    at.found(**{f"before-{name}": row["hrsp_2xx"] for name, row in before.items()})


def stats(at: At) -> None:
    """Expect the page, and the counts in the CSV to have grown by the requests that were sent."""
    title, out, _, printed = at.out
    judged(at, out)
    at.expect("HAProxy" in title, Text(ko=f"다른 페이지입니다: {title}", en=f"another page: {title}"))
    rows = {cells[0]: cells[1:] for cells in (line.split() for line in printed.splitlines())}
    grown = {name: int(rows[name][1]) - int(at[f"before-{name}"]) for name in (*ITEMS, "BACKEND")}
    at.equal(Text(ko="늘어난 2xx", en="2xx that were added"), grown, {**served(out), "BACKEND": 60})
    at.note(title)
    at.table(
        ("", "status", "2xx", Text(ko="늘어난 수", en="added"), "check"),
        *((name, rows[name][0], rows[name][1], f"+{grown[name]}", str(served(out).get(name, 60))) for name in grown),
    )


def cookie(at: At) -> None:
    """Expect a cookie that names a server, and no client to meet two servers, though all are in use."""
    line, out = at.out
    at.expect(re.search(r"SRV=item[123]", line), Text(ko=f"쿠키가 다릅니다: {line}", en=f"not the cookie: {line}"))
    at.equal(SERVERS, tuple(served(out)), ITEMS)
    at.note(line)
    at.table((SERVERS, counts(out)), *judged(at, out, "consistent"))


WITH_COOKIE = "/sticky --requests 30 --header 'Cookie: SRV=item1'"


def drain(at: At) -> None:
    """Expect drain to turn away new clients alone, and maint everybody; back to what it was at the end."""
    states = [statistics(at, "sticky")["item1"]["status"]]
    known, new = checked(at, WITH_COOKIE), checked(at, "/sticky --requests 60")
    at.equal(Text(ko="drain, 쿠키 있음", en="drain, with the cookie"), served(known), {"item1": 30})
    at.equal(Text(ko="drain, 새 클라이언트", en="drain, new clients"), served(new), {"item2": 30, "item3": 30})
    tell(at, "set server sticky/item1 state maint")
    states.append(statistics(at, "sticky")["item1"]["status"])
    moved = checked(at, WITH_COOKIE)
    at.expect(
        "item1" not in served(moved) and report(moved)["ok"] == 30,  # noqa: PLR2004 - as many as were sent
        Text(ko=f"maint인데 받습니다: {counts(moved)}", en=f"served in maint: {counts(moved)}"),
    )
    tell(at, "set server sticky/item1 state ready")
    back = checked(at, "/sticky --requests 60")
    at.equal("ready", served(back), dict.fromkeys(ITEMS, 20))
    at.table(
        ("", Text(ko="통계", en="statistics"), Text(ko="쿠키 있음", en="with the cookie"), Text(ko="새로", en="new")),
        ("drain", states[0], counts(known), counts(new)),
        ("maint", states[1], counts(moved), ""),
        ("ready", "", "", counts(back)),
    )


def find_item4(at: At) -> None:
    """Find the new server's address, and remember the process ids."""
    at.found(**{"item4-ip": address(at, "item4", at["net"]), "before": pids(at, "proxy", "haproxy")})


def add_server(at: At) -> None:
    """Expect the new server to have its part, and the processes to be the same."""
    at.expect(
        "New server registered" in at.out[0],
        Text(ko=f"추가되지 않았습니다: {at.out[0]}", en=f"it was not added: {at.out[0]}"),
    )
    at.until(
        lambda: statistics(at, "item").get("item4", {}).get("status") == "UP",
        Text(ko="item4의 UP", en="item4 to be UP"),
    )
    out = checked(at, "/item --requests 200")
    at.equal(SERVERS, served(out), {f"item{number}": 50 for number in (1, 2, 3, 4)})
    after = pids(at, "proxy", "haproxy")
    at.equal(Text(ko="프로세스", en="processes"), after, at["before"])
    at.note(at.out[0])
    at.table(
        (SERVERS, counts(out)),
        (Text(ko="프로세스", en="processes"), f"{at['before']} == {after}"),
    )


def _followed(at: At, *names: str) -> str:
    """Wait until exactly these have slots; return what `proxyctl check` then counts."""
    wanted = {address(at, name, at["net"]) + ":8080" for name in names}

    def up() -> bool:
        slots = [row for name, row in statistics(at, "dns").items() if name.startswith("web")]
        return {row["addr"] for row in slots if not row["status"].startswith("MAINT")} == wanted

    what = ", ".join(names)
    at.until(up, Text(ko=f"별칭의 주소: {what}", en=f"the alias to lead to {what}"))
    out = checked(at, "/dns --requests 60")
    at.equal(SERVERS, served(out), dict.fromkeys(names, 60 // len(names)))
    return out


def find_alias(at: At) -> None:
    """Count before the container with the same alias comes."""
    at.found(followed=counts(_followed(at, "item1", "item2")))


def resolvers(at: At) -> None:
    """Expect a container with the alias to join, and to leave when it is stopped; the same process all the time."""
    until_servers_answer(at, "item5")
    more = _followed(at, "item1", "item2", "item5")
    at.sh("docker kill {item5}")
    less = _followed(at, "item1", "item2")
    at.equal(Text(ko="프로세스", en="processes"), pids(at, "proxy", "haproxy"), at["before"])
    at.table(
        (Text(ko="처음", en="at first"), at["followed"]),
        ("+ item5", counts(more)),
        ("- item5", counts(less)),
    )
