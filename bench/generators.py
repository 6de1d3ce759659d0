"""`python -m bench.generators`: `proxyctl check` beside hey and wrk, in turns, on the same URL. Prints one table.

Two questions. How fast is each where the generator is the limit: requests per second and per second of processor time,
for that is what a shared machine leaves comparable. And do the figures agree where the target is the limit: a server
that takes 100 ms, and a rate that is asked for.
"""

from __future__ import annotations

import dataclasses
import json
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from bench import machine
from tests.backend.backends import echo_process

SECONDS = 3
TURNS = 3
CONNECTIONS = 20
DELAY = 0.1
RATE = 150
TARGET_CONFIG = """\
daemon off; worker_processes 1; pid /tmp/pid; error_log stderr; events {}
http { access_log off; keepalive_requests 1000000; server { listen 80; location / { return 200 "hello"; } } }
"""


@dataclasses.dataclass(frozen=True)
class Figures:
    """One run: requests per second, seconds of processor time for each, median latency in milliseconds."""

    rate: float
    cpu: float
    p50: float


def run(argv: list[str], read: Callable[[str], tuple[float, float, float]]) -> Figures:
    """Run one generator; `read` finds rate, requests and median latency in what it says."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS + 60, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        rate, requests, p50 = read(ran.stdout)
    except (TypeError, ValueError, KeyError) as exc:
        raise SystemExit(f"{' '.join(argv)} said what is not understood:\n{ran.stdout}{ran.stderr}") from exc
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Figures(rate, used / requests, p50)


def hey(url: str, *more: str) -> Figures:
    """Run hey."""

    def read(said: str) -> tuple[float, float, float]:
        rate = float(found(r"Requests/sec:\s*([\d.]+)", said))
        total = float(found(r"Total:\s*([\d.]+) secs", said))
        return rate, rate * total, float(found(r"50% in ([\d.]+) secs", said)) * 1000

    return run(["hey", "-z", f"{SECONDS}s", "-c", str(CONNECTIONS), *more, url], read)


def wrk(url: str, *more: str) -> Figures:
    """Run wrk."""

    def read(said: str) -> tuple[float, float, float]:
        value, unit = found(r"50%\s+([\d.]+)", said), found(r"50%\s+[\d.]+(us|ms|s)", said)
        scale = {"us": 1e-3, "ms": 1.0, "s": 1e3}[unit]
        requests = float(found(r"(\d+) requests in", said))
        return float(found(r"Requests/sec:\s*([\d.]+)", said)), requests, float(value) * scale

    return run(["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", *more, url], read)


def check(url: str, *more: str) -> Figures:
    """Run proxyctl check."""
    argv = [sys.executable, "-m", "proxyctl", "check", url, "-d", f"{SECONDS}s", "-c", str(CONNECTIONS), "--json"]

    def read(said: str) -> tuple[float, float, float]:
        told = json.loads(said)
        return told["rate"], told["requests"], told["latency_ms"]["p50"]

    return run([*argv, "--server-from", "header:Server", *more], read)


def startup() -> float:
    """Return the processor time that one check takes before it sends anything."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    argv = [sys.executable, "-m", "proxyctl", "check", "http://127.0.0.1:1/", "-r", "1", "--json"]
    subprocess.run(argv, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def found(pattern: str, text: str) -> str:
    """Return the group of a pattern that must be there; raise ValueError."""
    match = re.search(pattern, text)
    if match is None:
        raise ValueError(pattern)
    return match[1]


def turns(generators: dict[str, Callable[[], Figures]]) -> dict[str, list[Figures]]:
    """Run all in turns."""
    figures: dict[str, list[Figures]] = {name: [] for name in generators}
    for _ in range(TURNS):
        for name, generator in generators.items():
            figures[name].append(generator())
    return figures


def rows(figures: dict[str, list[Figures]]) -> Iterator[str]:
    """Yield a line for each generator: rate, its ratio to hey's, processor time for a request, median latency."""
    yield f"{'':<28}{'req/s':>9}{'to hey':>8}{'us CPU/req':>12}{'to hey':>8}{'p50 ms':>9}"
    first = next(iter(figures.values()))
    for name, runs in figures.items():
        rate, cpu, p50 = (statistics.median(getattr(f, what) for f in runs) for what in ("rate", "cpu", "p50"))
        to_rate = statistics.median(f.rate / g.rate for f, g in zip(runs, first, strict=True))
        to_cpu = statistics.median(f.cpu / g.cpu for f, g in zip(runs, first, strict=True))
        yield f"{name:<28}{rate:>9,.0f}{to_rate:>8.2f}{cpu * 1e6:>12.0f}{to_cpu:>8.2f}{p50:>9.2f}"


def target() -> tuple[str, str]:
    """Start an nginx that answers at once; return its container and address."""
    script = 'printf %s "$CONFIG" > /tmp/conf && exec nginx -c /tmp/conf'
    made = ["docker", "run", "--detach", "--label", "proxyctl.test", "--env", f"CONFIG={TARGET_CONFIG}"]
    name = output([*made, "proxyctl/nginx:latest", "sh", "-c", script])
    form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    return name, output(["docker", "inspect", "--format", form, name])


def output(argv: list[str]) -> str:
    """Return what a command prints."""
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    """Measure and print."""
    missing = [tool for tool in ("hey", "wrk") if shutil.which(tool) is None]
    if missing:
        sys.exit(f"not installed: {', '.join(missing)} (apt-get install hey wrk)")
    before = machine.load()
    name, address = target()
    try:
        url = f"http://{address}/"
        deadline = time.monotonic() + 10
        while subprocess.run(["curl", "-sf", "-o", "/dev/null", url], check=False).returncode:
            if time.monotonic() > deadline:
                sys.exit(f"nginx did not answer at {url} within 10 s")
        own = startup()
        print(f"the generator is the limit: nginx, {CONNECTIONS} connections, {TURNS} turns of {SECONDS} s")
        fast = turns(
            {
                "hey": lambda: hey(url),
                "wrk": lambda: wrk(url),
                "check": lambda: check(url),
                "check --workers 2": lambda: check(url, "--workers", "2"),
            }
        )
        print("\n".join(rows(fast)))
        print(f"(the processor time of check includes {own:.2f} s that it takes to start, of each process)\n")
    finally:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=False)
    with echo_process("--name", "web1") as server:
        print(f"the target is the limit: a server that takes {DELAY * 1000:.0f} ms")
        slow = server.url(f"/delay/{DELAY}")
        print(
            "\n".join(rows(turns({"hey": lambda: hey(slow), "wrk": lambda: wrk(slow), "check": lambda: check(slow)})))
        )
        each = str(RATE / CONNECTIONS)
        print(f"\n{RATE} requests per second are asked for")
        paced = {"hey": lambda: hey(slow, "-q", each), "check": lambda: check(slow, "--rate", str(RATE))}
        print("\n".join(rows(turns(paced))))
    print(f"\nload average before {before}, after {machine.load()}")


if __name__ == "__main__":
    main()
