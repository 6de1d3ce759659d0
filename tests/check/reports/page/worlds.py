"""Checks to draw: with few servers and many, good and bad, short and long, and one by somebody with bad intentions."""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Callable, Sequence

from proxyctl.check.expected import Expected
from proxyctl.check.judge import judge
from proxyctl.check.load.sample import Sample
from proxyctl.check.report import Report
from proxyctl.check.verdicts.threshold import parse_threshold
from proxyctl.core.status import Event
from tests.check.report_values import STARTED_AT, report_of

World = Callable[[], Report]

MARKUP = (
    "<script>document.title='executed'</script>",
    '"><img src=http://outside.example/x onerror="document.title=\'executed\'">',
    "</title></style></svg><svg onload=\"document.title='executed'\">",
    "{{ 7 * 191 }}",
    "\u202edesrever",
    "\udc80\x00",
    "a" * 300,
)


def world(
    seconds: float,
    requests: int,
    servers: Sequence[str],
    *,
    failures: int = 0,
    stalls: bool = False,
    events: Sequence[tuple[float, str, str]] = (),
) -> Report:
    """Return a report that is judged by equal weights; failures come from the middle of the run on."""
    rng = random.Random(len(servers))
    samples = []
    for i in range(requests):
        at = seconds * i / requests
        latency = 0.002 * math.exp(0.35 * rng.gauss(0, 1)) + (0.2 * rng.random() if stalls and at % 5 < 0.2 else 0.0)
        samples.append(Sample(at, min(latency, seconds - at), None, 200, rng.choice(servers), latency * 0.8))
    for _ in range(failures):
        at = seconds * (0.5 + 0.05 * rng.random())
        kind, status = rng.choice((("http_503", 503), ("http_502", 502), ("refused", None)))
        samples.append(Sample(at, 0.003 * rng.random(), kind, status, rng.choice((None, *servers))))
    report = report_of(sorted(samples, key=lambda sample: sample.at + sample.latency))
    report = report.with_events([Event(STARTED_AT + at, kind, text) for at, kind, text in events])
    report = dataclasses.replace(report, options={"concurrency": 10, "rate": None, "headers": ["Host"], "urls": ["x"]})
    thresholds = [parse_threshold(text) for text in ("errors==0", "p99<50ms", "rate>1")]
    return judge(report, Expected(dict.fromkeys(servers, 1.0), "the weights of pool web"), thresholds)


def rollout(seconds: float, steps: int) -> list[tuple[float, str, str]]:
    """Return the events of containers that are replaced one after the other."""
    return [
        (seconds * (0.4 + 0.2 * i / steps), kind, f"web{i} of pool web {kind}s")
        for i in range(steps)
        for kind in ("join", "drain")
    ]


def usual() -> Report:
    """Return 20 s with three servers, stalls, some failures and the events around them."""
    return world(20, 8000, ("web1", "web2", "web3"), failures=41, stalls=True, events=rollout(20, 3))


def short() -> Report:
    """Return one second of one server that is good."""
    return world(1, 900, ("web1",))


def long() -> Report:
    """Return ten minutes of thirty servers with thousands of failures and many events."""
    names = [f"shop-frontend-{i:02}" for i in range(30)]
    return world(600, 12_000, names, failures=3000, stalls=True, events=rollout(600, 30))


def hostile() -> Report:
    """Return a report in which every text is an attack."""
    events = [(0.5 + i / 10, text, text) for i, text in enumerate(MARKUP)]
    report = world(2, 1500, MARKUP, failures=30, events=events)
    samples = tuple(dataclasses.replace(f, error=MARKUP[0], server=MARKUP[1]) for f in report.failures)
    verdicts = tuple(dataclasses.replace(v, ok=False, name=MARKUP[0], detail=MARKUP[2]) for v in report.verdicts)
    return dataclasses.replace(
        report,
        url=MARKUP[1],
        by_url=((MARKUP[1], 1, 1), (MARKUP[2], 1, 1)),
        failures=samples,
        verdicts=verdicts,
        notes=MARKUP,
        options={MARKUP[0]: MARKUP[1], "urls": list(MARKUP)},
        machine={MARKUP[0]: MARKUP[2]},
        expected=Expected(dict.fromkeys(MARKUP, 1.0), MARKUP[0]),
    )


def refused() -> Report:
    """Return a check of nothing: every request was refused."""
    return judge(report_of(Sample(i / 100, 0.0004, "refused") for i in range(200)))
