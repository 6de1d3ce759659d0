"""What can happen to a pool: one function a scenario. It makes the event, waits for what must follow, and says so.

The losses are not judged here: none of the load's requests may fail in any of them. Add a scenario by a function and
its line in `SCENARIOS`.
"""

from __future__ import annotations

import dataclasses
import http.cookiejar
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable

from proxyctl.check.scenarios.stage import Stage, Unfit, Unmet
from proxyctl.check.verdicts import consistency
from proxyctl.check.verdicts.balance import balance
from proxyctl.core import layout
from proxyctl.core.model import BY_KEY
from proxyctl.operate.rollout import Rollout, Wish

_CLIENTS, _VISITS = 12, 4  # of the sticky scenario
_WEIGHED = 400  # requests over which weights are judged
_HEAVY = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Scenario:
    """One thing that can happen: what is expected of it, and how it is made to happen.

    `lasting`: on a pool of the user's own it changes something for good, so `all` leaves it out there.
    """

    name: str
    expected: str
    play: Callable[[Stage], str]
    lasting: bool = False


def join(stage: Stage) -> str:
    """Start one more container."""
    (name,) = stage.copy(1)
    return f"{name} served {stage.until_serves(name):.1f} s after its start"


def leave(stage: Stage) -> str:
    """Stop a container that finishes its work, and start it again."""
    victim = stage.some(2)[0]
    stage.stop(victim)
    stage.until_gone(victim)
    _expect_nothing(stage, victim)
    return f"{victim} was drained and stopped"


def kill(stage: Stage) -> str:
    """Kill a container without a warning."""
    victim = stage.some(2)[0]
    stage.kill(victim)
    return f"{victim} was out of the pool {stage.until_gone(victim):.1f} s after the kill"


def pause(stage: Stage) -> str:
    """Pause a container, and let it go on."""
    victim = stage.some(2)[0]
    unpause = stage.pause(victim)
    stage.until_gone(victim)
    _expect_nothing(stage, victim)
    unpause()
    return f"{victim} got nothing while paused, and served {stage.until_serves(victim):.1f} s after it went on"


def scale(stage: Stage) -> str:
    """Start three more containers at once, and stop them again."""
    names = stage.copy(3)
    took = max(stage.until_serves(name) for name in names)
    for name in names:
        stage.stop(name, for_good=True)
    stage.until_gone(*names)
    return f"three more served within {took:.1f} s and left again"


def rollout(stage: Stage) -> str:
    """Replace every container by a new one of the same image."""
    before = stage.some(1)
    image = stage.containers.old(stage.servers()[before[0]].container).inspect["Image"]
    done = Rollout(stage.containers, stage.watch, lambda _: None, stage.interrupted).run(
        Wish(stage.place.pool, image, None, 60)
    )
    return f"{', '.join(done.old)} replaced by {', '.join(done.new)}"


def reload(stage: Stage) -> str:
    """Open a further route, which no engine takes without a reload, and close it again."""
    before = stage.watch.status().generation or 0
    name = f"{layout.THROWAWAY_POOL}{secrets.token_hex(3)}"
    stage.copy(1, {"pool": name, "host": f"{name}.test"})

    def opened() -> bool:
        status = stage.watch.status()
        pool = status.pool(name)
        return (status.generation or 0) > before and pool is not None and [s.state for s in pool.servers] == ["up"]

    took = stage.until(opened, "a further pool in a new generation")
    return f"generation {before} became {stage.watch.status().generation} in {took:.1f} s"


def failover(stage: Stage) -> str:
    """Stop everyone but the backup, or but one where there is no backup."""
    backups, primaries = stage.up(backup=True), stage.up()
    last = backups[0] if backups else primaries[-1] if len(primaries) > 1 else ""
    if not last:
        raise Unfit("needs a backup server, or two servers that are up")
    if backups and stage.served().get(last):
        raise Unmet(f"the backup {last} served while others were up")
    victims = [name for name in primaries if name != last]
    for victim in victims:
        stage.stop(victim)
    took = stage.until_serves(last)
    _expect_nothing(stage, *victims)
    return f"{last} alone served on, {took:.1f} s after {len(victims)} had stopped"


def consistent(stage: Stage) -> str:
    """Start one more container where a key chooses the server: it takes its share of keys, the others keep theirs."""
    stage.some(2)
    if (how := stage.settings().balance) not in BY_KEY:
        raise Unfit(f"keys show in balance={' and '.join(BY_KEY)}, this pool has {how}")
    before = stage.by_key()
    kept = consistency.consistent(before)
    if not kept.ok:
        raise Unmet(kept.detail)
    (name,) = stage.copy(1)
    stage.until_serves(name)
    stage.settle()  # what old workers still had
    after = stage.by_key()
    servers = stage.servers()
    weights = {each: servers[each].weight for each in stage.up()}
    verdict = consistency.moved(consistency.owners(before), consistency.owners(after), weights)
    if not verdict.ok:
        raise Unmet(f"{verdict.detail}, when {name} joined; a consistent hash moves {verdict.expected}")
    return f"{verdict.detail}, when {name} joined {len(weights) - 1} others"


def sticky(stage: Stage) -> str:
    """Visit with cookies: each client keeps its server."""
    if not stage.settings().sticky:
        raise Unfit("this pool keeps no client by a cookie: label it sticky=NAME")
    moved = 0
    seen = set()
    for _ in range(_CLIENTS):
        visit = _client(stage)
        servers = {visit() for _ in range(_VISITS)}
        moved += len(servers) > 1
        seen |= servers
    if moved:
        raise Unmet(f"{moved} of {_CLIENTS} clients with cookies were moved to another server")
    return f"{_CLIENTS} clients, {_VISITS} visits each: everyone kept its server, {len(seen)} servers in all"


def weights(stage: Stage) -> str:
    """Give one server three times the weight of the others."""
    names = stage.some(2)
    if (how := stage.settings().balance) not in {"roundrobin", "random"}:
        raise Unfit(f"weights show in balance=roundrobin and random, this pool has {how}")
    weights = {name: _HEAVY if name == names[0] else 1 for name in names}
    for name, weight in weights.items():
        stage.weigh(name, weight)
    stage.until(lambda: {n: stage.servers()[n].weight for n in names} == weights, "the new weights")
    stage.settle()  # what old workers still had
    before = stage.served()
    stage.settle(_WEIGHED)
    counts = {n: c - before.get(n, 0) for n, c in stage.served().items() if c > before.get(n, 0)}
    verdict = balance(counts, weights)
    if not verdict.ok:
        raise Unmet(f"{counts} for the weights {weights}: {verdict.detail}")
    return f"{names[0]} served {counts[names[0]]} of {sum(counts.values())} requests with weight {_HEAVY}"


def _expect_nothing(stage: Stage, *names: str) -> None:
    stage.settle()  # what was under way
    before = stage.served()
    stage.settle()
    for name, count in stage.served().items():
        if name in names and (got := count - before.get(name, 0)):
            raise Unmet(f"{name} still answered {got} requests after it had left")


def _client(stage: Stage) -> Callable[[], str]:
    """Return a visitor with cookies of its own, who tells which server answered."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    headers = {layout.CHECK_HEADER: stage.target.token, **dict(stage.target.headers)}

    def visit() -> str:
        try:
            request = urllib.request.Request(stage.target.url, headers=headers)  # noqa: S310 - the gateway's own, http
            with opener.open(request, timeout=10) as answer:
                return str(answer.headers.get(layout.SERVER_HEADER, ""))
        except urllib.error.URLError as exc:
            raise Unmet(f"a visit failed: {exc}") from exc

    return visit


SCENARIOS = (
    Scenario("join", "a new container serves, nothing is lost", join),
    Scenario("leave", "a stopped container is drained, nothing is lost", leave),
    Scenario("kill", "a killed container leaves, no request is lost that may be repeated", kill),
    Scenario("pause", "a paused container gets nothing, and comes back", pause),
    Scenario("scale", "three more at once, and away again, nothing is lost", scale),
    Scenario("reload", "a reload of the proxy loses nothing", reload),
    Scenario("failover", "the last one serves alone, a backup only then", failover),
    Scenario("consistent", "one more server takes its share of keys, the others keep theirs", consistent),
    Scenario("sticky", "a client with a cookie keeps its server", sticky),
    Scenario("weights", "three times the weight is three times the share", weights),
    Scenario("rollout", "every container replaced, nothing is lost", rollout, lasting=True),
)
