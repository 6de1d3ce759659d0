"""`proxyctl.core.decide.unserved`: a route that leads to nobody is a problem."""

from __future__ import annotations

from typing import Any

import pytest

from proxyctl.core import codes
from proxyctl.core.model import Finding, Override, Problem
from tests.core.worlds import container, decide, targets, world

WEB, OTHER = (container(n, {"pool": "web"}) for n in ("web1", "web2"))
PREVIOUS = decide(world(WEB, OTHER)).desired


def told(*containers: Any, **sides: Any) -> list[Problem]:
    """Return the problems about pools that nobody serves."""
    return [p for p in decide(world(*containers), **{"previous": PREVIOUS, **sides}).problems if p.code == codes.NOBODY]


NOBODY: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("stopped", {"state": "exited"}, {}, "web1 is exited, web2 is exited"),
    ("drained", {}, {"overrides": {f"id-web{n}": Override(drain=True) for n in (1, 2)}}, "web1 drains, web2 drains"),
    ("weight 0", {"labels": {"weight": "0"}}, {}, "web1 has weight 0, web2 has weight 0"),
    ("unhealthy", {"health": "unhealthy"}, {"previous": None}, "web1 is not ready, web2 is not ready"),
    ("they stop", {"stopping": True}, {}, "web1 drains, web2 drains"),
]


@pytest.mark.parametrize(("how", "sides", "why"), [row[1:] for row in NOBODY], ids=[row[0] for row in NOBODY])
def test_a_pool_that_nobody_serves_is_a_problem(how: dict[str, Any], sides: dict[str, Any], why: str) -> None:
    """It says who there is and why each of them does not serve; one that does is enough."""
    labels = {"pool": "web", **how.get("labels", {})}
    rest = {k: v for k, v in how.items() if k != "labels"}
    one, two = (container(n, labels, **rest) for n in ("web1", "web2"))
    (problem,) = told(one, two, **sides)
    assert (problem.container, problem.severity) == ("", "error")
    assert problem.reason == f"pool web has nobody to serve it, requests are answered with 503: {why}"
    sides = {k: v for k, v in sides.items() if k != "overrides"}
    assert told(one, OTHER, **sides) == []


def test_who_is_just_starting_is_waited_for() -> None:
    """Until its grace is over, when it has a problem of its own as well."""
    (target,) = targets(world(WEB))
    for late, count in ((False, 0), (True, 1)):
        finding = Finding(ok=False, reason="refused", late=late)
        assert len(told(WEB, previous=None, findings={target: finding})) == count


def test_maintenance_is_wanted() -> None:
    """Somebody closed the pool."""
    assert told(container("web1", {"pool": "web"}, state="exited"), maintenance=["web"]) == []


def test_a_backup_serves_and_many_names_are_cut() -> None:
    """A pool of backups alone serves; a tcp port closes connections."""
    assert told(container("web1", {"pool": "web", "backup": "true"})) == []
    gone = [container(f"w{n}", {"pool": "web", "protocol": "tcp", "listen": "81"}, state="exited") for n in range(9)]
    (problem,) = told(*gone)
    assert problem.reason.startswith("pool web has nobody to serve it, connections are closed: w0 is exited, ")
    assert problem.reason.endswith(" and 5 more")


def test_who_fails_the_proxy_s_own_check_serves_nothing() -> None:
    """It stays in the proxy's list, where it is checked on; it has a problem itself, and its pool where all fail."""
    one = decide(world(WEB, OTHER), previous=PREVIOUS, failing={("web", "web1"): "refused"})
    assert [(p.container, p.code) for p in one.problems] == [("web1", codes.UNCHECKED)]
    assert one.problems[0].reason == "fails the health check of pool web: refused"
    assert [s.name for s in one.desired.pools[0].servers] == ["web1", "web2"]
    every = {("web", name): "refused" for name in ("web1", "web2")}
    (problem,) = told(WEB, OTHER, failing=every)
    assert problem.reason.endswith("web1 fails its health check, web2 fails its health check")
    drained = {f"id-web{n}": Override(drain=True) for n in (1, 2)}
    codes_told = {
        p.code for p in decide(world(WEB, OTHER), previous=PREVIOUS, failing=every, overrides=drained).problems
    }
    assert codes_told == {codes.NOBODY}
