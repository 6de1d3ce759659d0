"""What the tests of rollouts share: images of other defaults, load beside a rollout, and a rollout to go on beside."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from proxyctl.check.report import Report
from proxyctl.check.steady import SteadyLoad
from tests.docker.loads import in_turn
from tests.docker.watching import Watch, listed

MakeImage = Callable[..., str]
SLOW = "delay/0.15"  # so that every server has requests in it at any moment
one_engine = pytest.mark.parametrize("module_watch", ["haproxy"], indirect=True)


def under_load(watch: Watch, event: Callable[[], None], port: int = 80) -> Report:
    """Send load that is never repeated, let `event` happen in the middle of it, and return what the load saw."""
    url = f"http://{watch.address}:{port}/{SLOW}"
    with in_turn(), SteadyLoad(url, rate=100, method="POST", body=b"x" * 100) as load:
        load.wait(60)
        event()
        load.wait(60)
        return load.stop()


def assert_nothing_lost(report: Report) -> None:
    """Fail with what was lost, and when."""
    assert report.failed == 0, f"{report.errors}: {report.failures[:5]}"


def names(watch: Watch) -> dict[str, str]:
    """Return the containers of the test by short name, with their ids; the gateway is none of them."""
    found = listed(watch.client, name=f"^/{watch.network}-")
    return {name.removeprefix(f"{watch.network}-"): id_ for id_, name in found.items()}


@contextlib.contextmanager
def rollout(watch: Watch, *argv: str) -> Iterator[subprocess.Popen[str]]:
    """Give a rollout that the test goes on beside; one that still runs is told to roll back."""
    place = ("--network", watch.network, "--state", str(watch.state))
    with subprocess.Popen(
        [sys.executable, "-m", "proxyctl", "rollout", *argv, *place],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
