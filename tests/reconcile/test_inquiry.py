"""A target is ready when its name resolves and it has answered; a server that serves has proved its name."""

from __future__ import annotations

import asyncio

from proxyctl.core.model import Desired, Finding, Pool, Server, Target
from proxyctl.reconcile.dns_names import DnsNames
from proxyctl.reconcile.dns_pulse import DnsPulse
from proxyctl.reconcile.inquiry import Inquiry
from tests import virtual_time
from tests.in_memory import GATEWAY, MemoryProber, MemoryResolver

WEB = Target("id-web", "web", "10.0.0.1", 80, None, "http")
API = Target("id-api", "api", "10.0.0.2", 80, None, "http")
SERVES = Desired((), (Pool("web", servers=(Server("web", "id-web", "10.0.0.1", 80),)),))


class Silent:
    """A DNS that never answers."""

    async def resolve(self, name: str) -> tuple[str, ...]:
        """Wait for ever."""
        await asyncio.Event().wait()
        return (name,)


def findings(
    *targets: Target, dns: dict[str, str] | None, answers: bool = True, previous: Desired | None = None
) -> tuple[dict[Target, Finding], bool]:
    """Return what one question finds, and whether DNS has not answered yet; `dns` None is silent."""

    async def ask() -> tuple[dict[Target, Finding], bool]:
        prober = MemoryProber(lambda _: answers, lambda _: None)
        resolver = Silent() if dns is None else MemoryResolver(lambda: dns)
        names = DnsNames(resolver, lambda _: None, DnsPulse(resolver, lambda: GATEWAY, lambda _: None))
        inquiry = Inquiry(prober, names)
        found = await inquiry.findings(iter(targets), previous or Desired())
        await names.check(())  # ends the questions
        return found, inquiry.names_pending

    return virtual_time.run(ask())


def test_a_target_that_resolves_and_answers_is_ready() -> None:
    """Neither of the two is enough."""
    assert findings(WEB, dns={"web": "10.0.0.1"}) == ({WEB: Finding(ok=True)}, False)
    assert findings(WEB, dns={"web": "10.0.0.1"}, answers=False) == ({WEB: Finding(ok=False, reason="refused")}, False)
    found, pending = findings(WEB, dns={"web": "10.0.0.9"})
    assert not found[WEB].ok
    assert "resolves to 10.0.0.9, not to its own 10.0.0.1" in found[WEB].reason
    assert not pending


def test_a_silent_dns_is_waited_for_and_not_taken_for_a_no() -> None:
    """The target may be ready in a moment, so it is not late."""
    found, pending = findings(WEB, dns=None)
    assert (found[WEB].ok, found[WEB].late, pending) == (False, False, True)


def test_a_server_that_serves_is_ready_without_its_name() -> None:
    """A silent DNS takes no server out; a target of another address has to prove its name."""
    found, pending = findings(WEB, API, dns=None, previous=SERVES)
    assert (found[WEB].ok, found[API].ok, pending) == (True, False, True)
