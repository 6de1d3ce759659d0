"""One check from start to report: send the load, add it up, judge it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Unpack

from proxyctl.check import workers
from proxyctl.check.expected import Expected
from proxyctl.check.judge import judge
from proxyctl.check.load.request import Pace, Request, RequestOptions
from proxyctl.check.load.shots import KeyBy
from proxyctl.check.measures.tally import Progress, Tally
from proxyctl.check.plan import Plan
from proxyctl.check.report import Report, summarize
from proxyctl.check.verdicts.threshold import Threshold
from proxyctl.check.workers import Outcome

DEFAULT_REQUESTS: Final = 1000


async def run(  # noqa: PLR0913 - the whole of `proxyctl check`, by name
    url: str | Sequence[str],
    *,
    requests: int | None = None,
    duration: float | None = None,
    concurrency: int = 10,
    rate: float | None = None,
    shares: Sequence[float] = (),
    key_by: KeyBy | None = None,
    keys: int = 0,
    processes: int = 1,
    token: str | None = None,
    expected: Mapping[str, float] | None = None,
    thresholds: Iterable[Threshold] = (),
    on_progress: Callable[[Progress], None] | None = None,
    stop: asyncio.Event | None = None,
    **options: Unpack[RequestOptions],
) -> Report:
    """Send requests to one URL or several and report how they ended; times in seconds.

    The load ends after `requests` or `duration`, whatever comes first (1,000 requests where neither is
    given), or when `stop` is set. `token` makes proxyctl's gateway name the servers; `expected` are their
    weights. Raise UsageError for what cannot be sent.
    """
    if requests is None and duration is None:
        requests = DEFAULT_REQUESTS
    urls = (url,) if isinstance(url, str) else tuple(url)
    plan = Plan(
        tuple(Request(each, **options) for each in urls),
        Pace(requests, duration, concurrency, rate),
        tuple(shares),
        key_by,
        keys,
        processes,
        token,
    )
    by_caller = Expected(expected, "the weights given") if expected else None
    return judge(await carry_out(plan, on_progress, stop), by_caller, thresholds)


async def carry_out(
    plan: Plan, show: Callable[[Progress], None] | None = None, stop: asyncio.Event | None = None
) -> Report:
    """Send the load of a plan and return what was counted, not judged yet."""
    if plan.workers == 1:
        return summarize(plan, [await _here(plan, show, stop)])
    return summarize(plan, await workers.run(plan, show, stop))


async def _here(plan: Plan, show: Callable[[Progress], None] | None, stop: asyncio.Event | None) -> Outcome:
    """Send a load from this process."""
    tally = Tally()
    load = workers.load_of(plan, 0, 1, tally.add)

    async def tell(show: Callable[[Progress], None]) -> None:
        while True:
            await asyncio.sleep(workers.PROGRESS_SECONDS)
            show(tally.progress())

    async def end(stop: asyncio.Event) -> None:
        await stop.wait()
        load.stop()

    helpers = [asyncio.create_task(tell(show))] if show else []
    if stop is not None:
        helpers.append(asyncio.create_task(end(stop)))
    try:
        unfinished = await load.run()
    finally:
        for helper in helpers:
            helper.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)
    return Outcome(tally, unfinished, load.waited, load.pulse)
