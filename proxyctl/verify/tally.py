"""Adds samples up while they come, in a size that does not grow with their number."""

from __future__ import annotations

import collections
import time
from collections.abc import Mapping
from typing import Final

from hdrh.histogram import HdrHistogram

from proxyctl.edges.load.sample import Sample

KEPT_FAILURES: Final = 10_000

_LONGEST_US: Final = 3_600_000_000
_DIGITS: Final = 3
_PERCENTILES: Final[Mapping[str, float]] = {"p50": 50, "p90": 90, "p99": 99, "p99.9": 99.9}


class Tally:
    """What is known so far. `servers` counts every request whose server is known, failed ones too."""

    def __init__(self) -> None:
        self.requests = 0
        self.failed = 0
        self.errors: collections.Counter[str] = collections.Counter()
        self.servers: collections.Counter[str] = collections.Counter()
        self.failures: list[Sample] = []
        self.started_at = time.time()
        self._began = time.perf_counter()
        self._ended = self._began
        self._histogram = HdrHistogram(1, _LONGEST_US, _DIGITS)

    @property
    def seconds(self) -> float:
        """From the start to the end of the last request so far."""
        return self._ended - self._began

    def add(self, sample: Sample) -> None:
        """Count one request. Latency is that of good requests: a fast refusal must not improve it."""
        self._ended = time.perf_counter()
        self.requests += 1
        if sample.server is not None:
            self.servers[sample.server] += 1
        if sample.error is None:
            self._histogram.record_value(min(_LONGEST_US, max(1, round(sample.latency * 1e6))))
            return
        self.failed += 1
        self.errors[sample.error] += 1
        if len(self.failures) < KEPT_FAILURES:
            self.failures.append(sample)

    def latency_ms(self) -> dict[str, float | None]:
        """Return percentiles and maximum in milliseconds; None without a good request."""
        if self.failed == self.requests:
            return dict.fromkeys((*_PERCENTILES, "max"))
        values = {name: self._histogram.get_value_at_percentile(p) / 1000 for name, p in _PERCENTILES.items()}
        return {**values, "max": self._histogram.get_max_value() / 1000}
