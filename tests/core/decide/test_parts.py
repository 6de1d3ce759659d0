"""A wanted state taken apart beside the accepted one, and put together again without what is refused."""

from __future__ import annotations

import dataclasses

import pytest

from proxyctl.core.decide.parts import build, only, parts, stages, useless
from proxyctl.core.model import Desired, Listener, Pool, Route
from tests.core.states import A, B

WEB = Pool("web", servers=(A,))
SLOW = dataclasses.replace(WEB, settings=(("timeout.queue", 1),))


def state(*pools: Pool, routes: str = "") -> Desired:
    """Return these pools, each on its own host, or on `port host pool` of each route that is given."""
    written = [r.split(" ") for r in routes.split(", ")] if routes else [["80", p.name, p.name] for p in pools]
    tcp = {p.name for p in pools if p.protocol == "tcp"}
    listeners = []
    for port in sorted({"80", *(port for port, _, _ in written)}):
        here = tuple(Route(host.strip("*"), "/", pool) for number, host, pool in written if number == port)
        listeners.append(Listener(int(port), "tcp" if here and here[0].pool in tcp else "http", here))
    return Desired(tuple(listeners), pools)


def shown(made: Desired) -> list[str]:
    """Return the routes of a state as `state` takes them."""
    return [f"{x.port} {r.host or '*'} {r.pool}" for x in made.listeners for r in x.routes]


def kinds(accepted: Desired, wanted: Desired) -> list[str]:
    """Return the parts in a few words."""
    return [f"{p.pool} {type(p.change).__name__}" for own in parts(accepted, wanted).values() for p in own]


DRAINED = dataclasses.replace(A, draining=True, weight=9)
MOVED = dataclasses.replace(A, address="10.0.0.9")
PARTS = [
    (state(), state(WEB), ["web Pool", "web Place"]),
    (state(WEB), state(WEB), []),
    (state(WEB), state(), []),
    (state(WEB), state(dataclasses.replace(WEB, servers=())), []),
    (state(WEB), state(dataclasses.replace(WEB, servers=(DRAINED,))), []),
    (state(WEB), state(dataclasses.replace(WEB, servers=(MOVED,))), ["web Server"]),
    (state(WEB), state(dataclasses.replace(SLOW, servers=(A, B))), ["web Server", "web Pool"]),
    (state(WEB), state(WEB, routes="80 web web, 81 web web"), ["web Place"]),
    (state(WEB, routes="80 x web, 80 y web"), state(WEB, routes="80 x web"), []),
]


@pytest.mark.parametrize(("accepted", "wanted", "expected"), PARTS)
def test_parts(accepted: Desired, wanted: Desired, expected: list[str]) -> None:
    """New servers, changed settings and new routes; what goes, drains or has another weight is never refused."""
    assert kinds(accepted, wanted) == expected
    everything = [p for own in parts(accepted, wanted).values() for p in own]
    assert build(accepted, wanted, everything) == wanted


def test_the_order_in_which_they_are_tried() -> None:
    """Servers first, then settings, then routes: kind by kind, also where there is nothing of a kind."""
    (own,) = parts(state(WEB), state(dataclasses.replace(SLOW, servers=(A, B)))).values()
    assert stages(own) == ((own[0],), (own[1],), ())


NEW = Pool("new", servers=(B,))
TCP = Pool("web", protocol="tcp", servers=(A,))
LEFT = [
    # accepted, wanted, the routes that are left when no change is admitted
    (state(), state(NEW), []),
    (state(WEB), state(WEB, NEW), ["80 web web"]),
    (state(WEB, routes="80 x web"), state(WEB, routes="80 y web"), ["80 x web"]),
    (state(WEB, routes="80 x web"), state(SLOW, routes="81 x web"), ["80 x web"]),
    (state(WEB, routes="80 x web, 80 y web"), state(WEB, routes="80 x web, 80 z web"), ["80 x web", "80 y web"]),
    # another pool has what was there before
    (state(WEB, routes="80 x web"), state(SLOW, NEW, routes="80 y web, 80 x new"), []),
    (state(TCP, routes="90 * web"), state(SLOW, NEW, routes="80 y web, 90 x new"), []),
    # the same port, spoken otherwise
    (state(WEB, routes="90 x web"), state(TCP, routes="90 * web"), ["90 x web"]),
    (state(TCP, routes="90 * web"), state(WEB, routes="90 * web"), ["90 * web"]),
]


@pytest.mark.parametrize(("accepted", "wanted", "left"), LEFT)
def test_without_any_change_what_serves_goes_on(accepted: Desired, wanted: Desired, left: list[str]) -> None:
    """A pool that is accepted keeps its settings, and its routes unless somebody else wants them."""
    made = build(accepted, wanted, ())
    assert shown(made) == left
    assert any(x.port == 80 for x in made.listeners)
    for pool in made.pools:
        before, now = accepted.pool(pool.name), wanted.pool(pool.name)
        assert before
        assert now
        assert pool == dataclasses.replace(before, servers=tuple(s for s in now.servers if s in before.servers))


def test_a_refused_route_leaves_the_others() -> None:
    """The pool gets its new settings and the new route that is good, and keeps the one that it had."""
    accepted = state(WEB, routes="80 x web")
    wanted = state(SLOW, routes="80 y web, 81 y web")
    refused = [p for p in parts(accepted, wanted)["web"] if "port=81" in repr(p.change)]
    made = build(accepted, wanted, [p for p in parts(accepted, wanted)["web"] if p not in refused])
    assert shown(made) == ["80 x web", "80 y web"]
    assert made.pool("web") == SLOW


def test_a_refused_server_is_left_out_and_costs_no_route() -> None:
    """Only what new settings or routes would replace is kept when those are refused."""
    accepted, wanted = state(WEB, routes="80 x web"), state(dataclasses.replace(SLOW, servers=(A, B)))
    server, *others = parts(accepted, wanted)["web"]
    assert build(accepted, wanted, others) == state(SLOW)
    assert server.change == B


def test_an_operator_closes_a_pool_whose_settings_are_refused() -> None:
    """Maintenance is no setting of the labels: it is not refused, and makes nothing new that could be tried again."""
    closed = dataclasses.replace(SLOW, maintenance=True)
    assert parts(state(WEB), state(closed)) == parts(state(WEB), state(SLOW))
    assert build(state(WEB), state(closed), ()) == state(dataclasses.replace(WEB, maintenance=True))
    assert parts(state(WEB), state(dataclasses.replace(WEB, maintenance=True))) == {}


def test_a_route_that_does_not_fit_the_kept_protocol_is_dropped() -> None:
    """A pool that became tcp keeps no HTTP route, not even when its port is refused."""
    accepted, wanted = state(WEB, routes="80 x web"), state(TCP, routes="90 * web")
    settings, _ = parts(accepted, wanted)["web"]
    assert shown(build(accepted, wanted, [settings])) == []


def test_a_new_pool_without_any_route_is_useless() -> None:
    """Then the reason is that of its first route; one that is accepted already is never useless."""
    wanted = state(WEB, routes="80 x web, 81 x web")
    settings, one, two = parts(state(), wanted)["web"]
    assert useless(state(), (settings, one, two), {one: "why", two: "not"}) == "why"
    assert useless(state(), (settings, one, two), {two: "not"}) == ""
    assert useless(state(WEB), (one, two), {one: "why", two: "not"}) == ""
    assert useless(state(WEB), (), {}) == ""


def test_only() -> None:
    """These pools with their routes, and port 80 in any case."""
    both = state(WEB, NEW, routes="80 x web, 81 y new")
    assert only(both, ["new"]) == state(NEW, routes="81 y new")
    assert only(both, []) == state()
