"""`python -m bench.soak`: random events for minutes under constant load; nothing may be lost, and nothing may grow.

The events are drawn from a seed: `--seed` of an earlier run gives the same ones. No GET may fail at any time, and no
POST except while a server ends without having been asked to. Exit 1 where that, or what must stay flat, does not hold.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import dataclasses
import itertools
import json
import random
import signal
import sys
import time
from collections import Counter

import docker

from bench import machine, rig
from bench.__main__ import NAMES, RESULTS, removed_at_the_end, say
from bench.happenings import ABRUPT, Event, Happenings, plan
from bench.rig import BASE
from bench.samples import SERIES, SLACK, Sample, look, quarters, samples_of
from proxyctl.check.report import Report
from proxyctl.check.steady import SteadyLoad

SHORTEST, LEAST, MOST = 0.5, 4, 5000
KINDS = tuple(itertools.product(("GET", "POST"), (True, False)))
_AFTER = 1.0
"""Seconds after an abrupt event in which a POST that it cost may still come to its end."""

MAY_STAY = {"processes": 0, "connections": len(BASE)}
"""A proxy that reuses connections may keep one to each server open for as long as it likes."""

_SETTLED = 30.0
_INTERRUPTED = 130


@dataclasses.dataclass
class Soak:
    """One engine's soak. Losses are (seconds, kind of failure, method); `allowed` are POSTs that an abrupt end cost."""

    engine: str
    version: str
    seed: int
    seconds: float
    rate: float
    events: list[Event] = dataclasses.field(default_factory=list)
    requests: int = 0
    latency_ms: dict[str, dict[str, float | None]] = dataclasses.field(default_factory=dict)
    lost: list[tuple[float, str, str]] = dataclasses.field(default_factory=list)
    allowed: list[tuple[float, str, str]] = dataclasses.field(default_factory=list)
    samples: list[Sample] = dataclasses.field(default_factory=list)
    flat: dict[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    leftovers: dict[str, tuple[int, int]] = dataclasses.field(default_factory=dict)
    """Before the load and after it: what a leak would leave in the gateway."""

    @property
    def faults(self) -> list[str]:
        """What must not be."""
        grown = [s for s, (early, late) in self.flat.items() if late > early + SLACK[s]]
        left = [s for s, (before, after) in self.leftovers.items() if after > before + MAY_STAY[s]]
        return [
            *([f"{len(self.lost)} requests were lost"] if self.lost else []),
            *(f"{s} grew from {self.flat[s][0]:.0f} to {self.flat[s][1]:.0f}" for s in grown),
            *(f"{s} did not come down to {self.leftovers[s][0]}: {self.leftovers[s][1]}" for s in left),
        ]


def main() -> int:
    """Soak, print a table for each engine, and keep all of it in `results/`."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--engine", choices=[*NAMES, "both"], default="both")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rate", type=float, default=500, help="requests per second, all loads together")
    parser.add_argument(
        "--seed",
        type=int,
        default=random.randrange(10_000),  # noqa: S311 - no secret
    )
    args = parser.parse_args()
    if args.minutes < SHORTEST or not LEAST <= args.rate <= MOST:
        parser.error(f"--minutes is {SHORTEST} or more, --rate is {LEAST} to {MOST}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    client, faults = docker.from_env(), 0
    RESULTS.mkdir(exist_ok=True)
    try:
        for engine in NAMES if args.engine == "both" else (args.engine,):
            soak = run(client, engine, args.seed, args.minutes * 60, args.rate)
            print("\n".join(table(soak)), flush=True)
            name = f"soak-{engine}.json"
            told = dataclasses.asdict(soak) | {"machine": machine.described(client), "faults": soak.faults}
            (RESULTS / name).write_text(json.dumps(told, indent=1) + "\n")
            print(f"written: bench/{RESULTS.name}/{name}\n")
            faults += len(soak.faults)
    except rig.Stuck as exc:
        sys.exit(f"\n{exc}")
    except KeyboardInterrupt:
        print("\ninterrupted; nothing is left behind", file=sys.stderr)
        return _INTERRUPTED
    return 1 if faults else 0


def run(client: docker.DockerClient, engine: str, seed: int, seconds: float, rate: float) -> Soak:
    """Soak one engine and remove what it took, however it ends."""
    rig.remove(client)
    events = plan(seed, seconds)
    made = rig.Rig(client, engine)
    templates = made.folder / "templates"
    templates.mkdir()
    made.flags = ("--templates", str(templates))
    with contextlib.ExitStack() as stack:
        stack.callback(say, "")
        stack.enter_context(removed_at_the_end(made))
        happenings = Happenings(made, templates)
        say(f"{engine}: gateway and three servers")
        made.begin()
        soak = Soak(engine, made.version, seed, seconds, rate, list(events))
        gateway = made.gateway_pid
        before = look(made, gateway, 0)
        loads = {
            (method, keepalive): SteadyLoad(
                f"http://{made.gateway}/", rate=rate / len(KINDS), method=method, body=b"x" * 100, keepalive=keepalive
            )
            for method, keepalive in KINDS
        }
        began = time.perf_counter()
        for load in loads.values():
            load.start()
        try:
            with samples_of(made) as samples:
                happenings.carry_out(events, say)
                time.sleep(max(0.0, began + seconds - time.perf_counter()))
            happenings.tidy_up(events)
        finally:
            with concurrent.futures.ThreadPoolExecutor() as pool:
                reports = dict(zip(loads, pool.map(SteadyLoad.stop, loads.values()), strict=True))
        _count(soak, reports, [(start - began, end - began) for e, start, end in happenings.done if e.what in ABRUPT])
        soak.samples = samples.taken
        soak.flat = {series: quarters(samples.of_the_last(), series) for series in SERIES}
        soak.leftovers = _leftovers(made, gateway, before)
    return soak


def _count(soak: Soak, reports: dict[tuple[str, bool], Report], abrupt: list[tuple[float, float]]) -> None:
    """Sort failures into those that an abrupt end excuses and those that nothing does."""
    for (method, keepalive), report in reports.items():
        soak.requests += report.requests
        soak.latency_ms[f"{method}, {'kept' if keepalive else 'new'} connections"] = dict(report.latency_ms)
        soak.lost += [(soak.seconds, "unfinished", method)] * report.unfinished
        for failure in report.failures:
            loss = (round(failure.at, 3), str(failure.error), method)
            end = failure.at + failure.latency
            excused = method == "POST" and any(a <= end and failure.at <= b + _AFTER for a, b in abrupt)
            (soak.allowed if excused else soak.lost).append(loss)


def _leftovers(made: rig.Rig, gateway: int, before: Sample) -> dict[str, tuple[int, int]]:
    """Wait until the gateway is as it was before the load; return what it is then, or still is not."""
    series = ("processes", "connections")
    deadline = time.monotonic() + _SETTLED
    while True:
        after = look(made, gateway, 0)
        pairs = {s: (getattr(before, s), getattr(after, s)) for s in series}
        if all(now <= then for then, now in pairs.values()) or time.monotonic() > deadline:
            return pairs
        time.sleep(0.5)


def table(soak: Soak) -> list[str]:
    """Return the report, at most 80 columns wide."""
    kinds = Counter(event.what for event in soak.events)
    lines = [
        f"{NAMES[soak.engine]} {soak.version}: {soak.seconds:.0f} s, {soak.requests} requests, seed {soak.seed}",
        f"{len(soak.events)} events:",
        *(f"  {count:4} {what}" for what, count in kinds.most_common()),
        f"{'lost (must be 0)':<34}{len(soak.lost):>10}",
        *(f"  {at:8.2f} s  {kind}  {method}" for at, kind, method in soak.lost[:10]),
        f"{'POSTs that an abrupt end cost':<34}{len(soak.allowed):>10}",
        f"{'latency, ms':<34}{'p50':>10}{'p99':>10}{'max':>10}",
    ]
    for name, latency in soak.latency_ms.items():
        lines.append(f"  {name:<32}" + "".join(f"{latency[k] or 0:>10.1f}" for k in ("p50", "p99", "max")))
    lines.append(f"{'medians':<34}{'early':>10}{'late':>10}{'most':>10}")
    for series, (early, late) in soak.flat.items():
        most = max(getattr(s, series) for s in soak.samples)
        lines.append(f"  {series:<32}{early:>10.0f}{late:>10.0f}{most:>10}")
    for series, (before, after) in soak.leftovers.items():
        lines.append(f"{f'{series} before and after the load':<34}{before:>10}{after:>10}")
    return [*lines, *(f"✘ {fault}" for fault in soak.faults), *([] if soak.faults else ["✔ nothing lost, all flat"])]


if __name__ == "__main__":
    sys.exit(main())
