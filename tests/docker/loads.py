"""Four loads at once, GET and POST with kept and with new connections: the traffic under which nothing may be lost.

They come over a `wire`, so that there is always something on its way, and no request is ever sent again.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from proxyctl.check.report import Report
from proxyctl.check.steady import SteadyLoad
from tests.docker.wire import Wire

RATES = {("GET", "keepalive"): 67.0, ("GET", "close"): 54.0, ("POST", "keepalive"): 71.0, ("POST", "close"): 46.0}
"""Requests a second of each of the four.

Where servers take requests in turn, four loads in step with each other would each meet the same of four servers every
time, and what that one loses would never be a GET. At these rates a load meets another of three or of four servers
with every second or third request.
"""


@contextlib.contextmanager
def in_turn() -> Iterator[None]:
    """Wait until no other test sends load, and keep others waiting: two at once measure each other."""
    with Path(__file__).open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class FourLoads:
    """All four while the block runs; afterwards `lost` says what each of them lost.

    Every server takes 20 ms for an answer, or as long as `path` says: a server that ends has requests inside.
    """

    def __init__(self, wire: Wire, path: str = "delay/0.02") -> None:
        self._loads = {
            (method, connection): SteadyLoad(
                wire.url + path,
                rate=rate,
                method=method,
                body=b"x" * 100 if method == "POST" else b"",
                keepalive=connection == "keepalive",
            )
            for (method, connection), rate in RATES.items()
        }
        self._reports: dict[tuple[str, str], Report] = {}
        self._turn = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._turn.enter_context(in_turn())
        for load in self._loads.values():
            load.start()
        self.more()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None) -> None:
        with self._turn, concurrent.futures.ThreadPoolExecutor() as pool:  # each waits for what is still under way
            self._reports = dict(zip(self._loads, pool.map(SteadyLoad.stop, self._loads.values()), strict=True))

    def more(self, requests: int = 20) -> None:
        """Wait until each load has had so many further answers: what happened has met each of them."""
        due = {load: load.requests + requests for load in self._loads.values()}
        for load, count in due.items():  # all at the same time: one after the other is a second more in every row
            load.wait(count - load.requests)

    def lost(self, method: str) -> int:
        """Return how many requests of a method were not answered with 200."""
        return sum(self.lost_by(m, connection) for m, connection in self._reports if m == method)

    def lost_by(self, method: str, connection: str) -> int:
        """Return how many of one load were not."""
        report = self._reports[method, connection]
        return report.failed + report.unfinished

    def lost_at(self, moment: float, method: str) -> int:
        """Return how many of them had been sent before a moment of `time.perf_counter`."""
        return sum(
            self._loads[each]._load.began + failure.at <= moment
            for each, report in self._reports.items()
            for failure in report.failures
            if each[0] == method
        )

    def story(self) -> str:
        """Return what each load lost and when, for a failed assertion."""
        return "\n".join(
            f"{method} {connection}: {r.failed} of {r.requests} failed, {r.unfinished} unfinished, {dict(r.errors)} "
            f"{[(round(f.at, 3), f.error, round(f.latency, 3)) for f in r.failures[:6]]}"
            for (method, connection), r in self._reports.items()
        )

    def assert_none_lost(self) -> None:
        """Fail with what each load lost; also when one of them hardly ran."""
        assert all(r.requests >= 40 for r in self._reports.values()), self.story()
        assert self.lost("GET") + self.lost("POST") == 0, f"requests were lost\n{self.story()}"

    def assert_lost_at_most(self, posts: int) -> None:
        """Fail when a GET was lost, or more POSTs than that; also when one was not told so before its time-out."""
        assert not any("timeout" in r.errors for r in self._reports.values()), f"a request hung\n{self.story()}"
        assert self.lost("GET") == 0, f"idempotent requests were lost\n{self.story()}"
        assert self.lost("POST") <= posts, f"more than {posts} POSTs were lost\n{self.story()}"
