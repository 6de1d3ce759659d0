"""`proxyctl.reconcile.dns_names`: how long a pass waits for DNS, which names are asked for, and how often."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from itertools import pairwise

from proxyctl.core import codes
from proxyctl.core.model import Target
from proxyctl.errors import ResolveError
from proxyctl.providers.port import Resolver, Wake
from proxyctl.reconcile.dns_names import RESOLVE_WAIT, DnsNames
from proxyctl.reconcile.dns_pulse import PATIENCE, DnsPulse
from proxyctl.reconcile.wakes import RETRY_LAST
from tests import virtual_time
from tests.in_memory import GATEWAY


def asking(resolver: Resolver, wake: Wake) -> DnsNames:
    """Return names that are asked of a resolver, with its pulse."""
    return DnsNames(resolver, wake, DnsPulse(resolver, lambda: GATEWAY, wake))


class Silent:
    """A DNS that never answers."""

    async def resolve(self, name: str) -> tuple[str, ...]:
        """Wait for ever."""
        await asyncio.Event().wait()
        return (name,)


async def test_a_silent_name_holds_up_one_pass_only() -> None:
    """The pass that meets it waits a moment, those after it do not wait at all: a drain must not."""
    names = asking(Silent(), lambda _: None)
    target = Target("id", "web", "10.0.0.1", 80, None, "http")
    began = time.perf_counter()
    assert await names.check([target]) == {target: None}
    first = time.perf_counter() - began
    assert first >= RESOLVE_WAIT
    for _ in range(20):
        assert await names.check([target]) == {target: None}
    assert time.perf_counter() - began - first < 10 * RESOLVE_WAIT
    await names.check([])


WEB = Target("0123456789abcdef", "web", "10.0.0.1", 80, None, "http")


class Table:
    """A DNS by a table; notes when it was asked for what."""

    def __init__(self, **addresses: str) -> None:
        self.addresses = addresses
        self.asked: list[tuple[float, str]] = []

    async def resolve(self, name: str) -> tuple[str, ...]:
        """Answer at once."""
        self.asked.append((asyncio.get_running_loop().time(), name))
        if name == GATEWAY:
            return ("10.0.0.254",)
        if name not in self.addresses:
            raise ResolveError("NXDOMAIN")
        return tuple(filter(None, self.addresses[name].split()))


def test_a_name_that_resolves_is_not_asked_for_again() -> None:
    """Until the target goes: one of the same name that comes later has another container or address."""
    dns, woken = Table(web="10.0.0.9 10.0.0.1"), list[str]()

    async def play() -> None:
        names = asking(dns, woken.append)
        for _ in range(3):
            assert await names.check([WEB]) == {WEB: ""}
        assert len(dns.asked) == 1
        assert await names.check([]) == {}
        assert await names.check([WEB]) == {WEB: ""}
        assert len(dns.asked) == 2

    virtual_time.run(play())


def test_the_short_id_counts_as_a_name() -> None:
    """Docker gives it to every container; a generated name it need not know."""
    dns = Table(**{"0123456789ab": "10.0.0.1"})

    async def play() -> None:
        assert await asking(dns, lambda _: None).check([WEB]) == {WEB: ""}

    virtual_time.run(play())


def test_a_name_that_does_not_lead_there_says_where_it_leads() -> None:
    """To another address, to none, or DNS says that there is no such name."""

    async def play(dns: Table) -> str | None:
        names = asking(dns, lambda _: None)
        found = (await names.check([WEB]))[WEB]
        await names.check([])
        return found

    assert virtual_time.run(play(Table(web="10.0.0.9"))) == (
        "the name web resolves to 10.0.0.9, not to its own 10.0.0.1"
    )
    assert virtual_time.run(play(Table(web=""))) == "the name web resolves to nothing, not to its own 10.0.0.1"
    assert virtual_time.run(play(Table())) == "the name web does not resolve through Docker's DNS: NXDOMAIN"


def test_a_name_that_does_not_resolve_is_asked_for_more_and_more_rarely() -> None:
    """Each new answer wakes the loop, and the same one does not; nobody asks for a target that is gone."""
    dns, woken = Table(), list[str]()

    async def play() -> None:
        names = asking(dns, woken.append)
        await names.check([WEB])
        await asyncio.sleep(30)
        times = [at for at, name in dns.asked if name == "web"]
        gaps = [round(later - earlier, 2) for earlier, later in pairwise(times)]
        assert gaps[:6] == [0.25, 0.5, 1, 2, 4, RETRY_LAST]
        assert set(gaps[6:]) == {RETRY_LAST}
        assert woken == ["name web"]
        dns.addresses["web"] = "10.0.0.1"
        await asyncio.sleep(RETRY_LAST)
        assert woken == ["name web"] * 2
        assert await names.check([WEB]) == {WEB: ""}
        gone = dataclasses.replace(WEB, name="gone")
        await names.check([gone])
        await names.check([])
        asked = len(dns.asked)
        await asyncio.sleep(30)
        assert len(dns.asked) == asked

    virtual_time.run(play())


class Dead:
    """A DNS whose rules are gone: every question is refused at once, until the test says that it answers."""

    def __init__(self) -> None:
        self.answers = False

    async def resolve(self, name: str) -> tuple[str, ...]:
        """Know everybody, or answer nobody."""
        if not self.answers:
            message = f"the embedded DNS cannot be asked for {name}: connection refused"
            raise ResolveError(message)
        return ("10.0.0.1",)


def test_no_container_is_blamed_for_a_dns_that_does_not_answer() -> None:
    """Its name is as unknown as before, and after a while names are not waited for any more.

    What a container answers on its port is asked in any case. Once DNS answers again, names count again.
    """
    dns, woken = Dead(), list[str]()

    async def play() -> None:
        pulse = DnsPulse(dns, lambda: GATEWAY, woken.append)
        names = DnsNames(dns, woken.append, pulse)
        running = asyncio.create_task(pulse.run())
        assert await names.check([WEB]) == {WEB: None}
        await asyncio.sleep(PATIENCE - 0.1)
        assert await names.check([WEB]) == {WEB: None}
        assert pulse.problems("proxyctl-web") == ()
        await asyncio.sleep(0.7)
        assert await names.check([WEB]) == {WEB: ""}
        assert woken == ["Docker's DNS"]
        (problem,) = pulse.problems("proxyctl-web")
        assert problem.code == codes.NO_DNS
        assert "connection refused" in problem.reason
        assert "`docker restart proxyctl-web`" in problem.reason
        dns.answers = True
        await asyncio.sleep(5.1)
        assert pulse.problems("proxyctl-web") == ()
        assert await names.check([WEB]) == {WEB: ""}
        assert sorted(woken) == ["Docker's DNS", "Docker's DNS", "name web"]
        running.cancel()

    virtual_time.run(play())


def test_a_dns_that_answers_is_asked_rarely() -> None:
    """Every ten seconds: its silence is noticed also while no container is new."""
    dns = Table()

    async def play() -> None:
        running = asyncio.create_task(DnsPulse(dns, lambda: GATEWAY, lambda _: None).run())
        await asyncio.sleep(25)
        asked = len(dns.asked)
        assert asked == 3
        running.cancel()

    virtual_time.run(play())


def test_who_is_known_by_other_names_is_asked_for_by_those() -> None:
    """One that leads to its address is enough, whichever it is; else the first one's answer is the reason."""
    target = dataclasses.replace(WEB, known_as=("vpn", "vpn.shop", "0123"))

    async def story(dns: Table) -> str | None:
        names = asking(dns, lambda _: None)
        found = await names.check([target])
        await names.check([])
        return found[target]

    dns = Table(**{"vpn": "10.1.0.1", "vpn.shop": "10.0.0.1", "web": "10.0.0.1"})
    assert virtual_time.run(story(dns)) == ""
    assert [name for _, name in dns.asked] == ["vpn", "vpn.shop"]
    reason = virtual_time.run(story(Table(vpn="10.1.0.1", web="10.0.0.1")))
    assert reason == "the name vpn resolves to 10.1.0.1, not to its own 10.0.0.1"
