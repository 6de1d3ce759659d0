"""`proxyctl.reconcile.dns_names`: how long a pass waits for DNS."""

from __future__ import annotations

import asyncio
import time

from proxyctl.core.model import Target
from proxyctl.reconcile.dns_names import RESOLVE_WAIT, DnsNames


class Silent:
    """A DNS that never answers."""

    async def resolve(self, name: str) -> tuple[str, ...]:
        """Wait for ever."""
        await asyncio.Event().wait()
        return (name,)


async def test_a_silent_name_holds_up_one_pass_only() -> None:
    """The pass that meets it waits a moment, those after it do not wait at all: a drain must not."""
    names = DnsNames(Silent(), lambda _: None)
    target = Target("id", "web", "10.0.0.1", 80, None, "http")
    began = time.perf_counter()
    assert await names.check([target]) == {target: None}
    first = time.perf_counter() - began
    assert first >= RESOLVE_WAIT
    for _ in range(20):
        assert await names.check([target]) == {target: None}
    assert time.perf_counter() - began - first < 10 * RESOLVE_WAIT
    await names.check([])
