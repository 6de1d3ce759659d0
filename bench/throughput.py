"""Requests per second: wrk straight to one server, through each gateway, and `proxyctl check` straight too.

All take turns, and each counts as its ratio to the direct one of the same turn: a shared machine changes under
them. Everything is asked at its bridge address.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping

TURNS = 3
SECONDS = 4
CONNECTIONS = 32
DIRECT, CHECK = "wrk, direct to one server", "proxyctl check, direct to one server"


@dataclasses.dataclass
class Rates:
    """By what was measured: requests per second of each turn, and what went wrong."""

    per_second: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    errors: list[str] = dataclasses.field(default_factory=list)

    def ratios(self, what: str) -> list[float]:
        """Return the ratios to the direct one, turn by turn."""
        direct = self.per_second[DIRECT]
        return [rate / base for rate, base in zip(self.per_second[what], direct, strict=True)]

    def median(self, what: str) -> float:
        """Return the median of the turns, in requests per second."""
        return statistics.median(self.per_second[what])


def measure(server: str, gateways: Mapping[str, str], say: Callable[[str], None]) -> Rates | None:
    """Measure by address; `gateways` are address by the proxy's name. None where wrk is not installed."""
    if shutil.which("wrk") is None:
        return None
    rates = Rates()
    targets = {DIRECT: server, **{f"wrk, through {name}": address for name, address in gateways.items()}}
    for turn in range(1, TURNS + 1):
        for what, address in targets.items():
            say(f"throughput, turn {turn} of {TURNS}: {what}")
            rates.per_second.setdefault(what, []).append(_wrk(what, address, rates.errors))
        say(f"throughput, turn {turn} of {TURNS}: {CHECK}")
        rates.per_second.setdefault(CHECK, []).append(_check(server, rates.errors))
    return rates


def _wrk(what: str, address: str, errors: list[str]) -> float:
    argv = ["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{SECONDS}s", f"http://{address}/"]
    told = subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS + 20, check=True).stdout
    errors += [f"{what}: {line.strip()}" for line in re.findall(r"^.*(?:Socket errors|Non-2xx).*$", told, re.MULTILINE)]
    found = re.search(r"Requests/sec:\s*([\d.]+)", told)
    if found is None:
        raise ValueError(f"wrk did not say how many requests it made: {told}")
    return float(found[1])


def _check(address: str, errors: list[str]) -> float:
    argv = [sys.executable, "-m", "proxyctl", "check", f"http://{address}/", f"--duration={SECONDS}s", "--json"]
    argv.append(f"--concurrency={CONNECTIONS}")
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS + 20, check=False)
    told = json.loads(ran.stdout)
    errors += [f"{CHECK}: {count} {kind}" for kind, count in told["errors"].items() if count]
    return float(told["rate"])
