"""Which signals end a container, so that its server leaves, and what becomes of one that runs on. Both engines."""

from __future__ import annotations

import concurrent.futures
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from tests.docker.watching import BACKEND, LABEL, Watch, eventually, freeze

pytestmark = pytest.mark.docker

DEAF = (
    "import os, signal\n"
    "for n in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:\n"
    "    signal.signal(n, signal.SIG_IGN)\n"
    "os.execvp('proxyctl', ['proxyctl', 'echo', '--on-term', 'ignore'])"
)
"""A program that serves on whatever signal it gets."""


@dataclasses.dataclass(frozen=True)
class Row:
    """A container's stop signal (empty: Docker's default), what is sent to it, and whether that tells it to stop."""

    name: str
    stop_signal: str
    sent: tuple[str, ...]
    stops: bool


ROWS = (
    Row("hup", "", ("HUP", "USR1", "USR2", "WINCH"), stops=False),
    Row("term", "", ("TERM",), stops=True),
    Row("term-by-number", "", ("15",), stops=True),
    Row("term-then-hup", "", ("TERM", "HUP"), stops=True),
    Row("quit-spares-term", "SIGQUIT", ("TERM", "HUP", "INT"), stops=False),  # as of the nginx image
    Row("quit", "SIGQUIT", ("QUIT",), stops=True),
    Row("winch", "WINCH", ("SIGWINCH",), stops=True),  # as of images of httpd and PHP
    Row("hup-stops", "SIGHUP", ("HUP",), stops=True),
    Row("real-time", "RTMIN+3", ("SIGRTMIN+3",), stops=True),
    Row("real-time-from-above", "SIGRTMAX-3", ("RTMAX-3",), stops=True),
    Row("by-number", "37", ("RTMIN+3",), stops=True),
    Row("by-number-spares-term", "37", ("TERM", "RTMIN+4"), stops=False),
)


def run(watch: Watch, row: Row) -> None:
    """Start the container of a row, alone in its pool behind a host of its own."""
    own: dict[str, Any] = {"stop_signal": row.stop_signal} if row.stop_signal else {}
    labels = {"enable": "true", "pool": row.name, "host": f"{row.name}.test", "drain": "500ms"}
    watch.client.containers.run(
        BACKEND,
        name=f"{watch.network}-{row.name}",
        entrypoint=["python3", "-c", DEAF],
        detach=True,
        network=watch.network,
        labels={f"proxyctl.{k}": v for k, v in labels.items()} | {LABEL: "1"},
        **own,
    )


def each(rows: tuple[Row, ...], deed: Callable[[Row], None]) -> None:
    """Do it to all of them at the same time."""
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        list(threads.map(deed, rows))


def running_on(watch: Watch) -> set[str]:
    """Return the containers that were told to stop and run on, by `status`."""
    return {p["container"].removeprefix(f"{watch.network}-") for p in watch.problems() if p["code"] == "P208"}


def test_the_stop_signal_ends_a_container_and_no_other_signal_does(running: Watch) -> None:
    """By name and number, real-time ones too. One that runs on gets nothing, and what was not told to stop all.

    A pause that ends, and a further signal, are no new start. It takes its 10 s: a dozen backends start.
    """
    each(ROWS, lambda row: run(running, row))
    stops = {row.name for row in ROWS if row.stops}
    eventually(lambda: running.servers() == {row.name: "up" for row in ROWS}, "all up")

    def send(row: Row) -> None:
        for signal in row.sent:
            running.container(row.name).kill(signal)

    each(ROWS, send)
    eventually(lambda: running_on(running) == stops, f"{sorted(stops)} to run on")
    freeze(running.container("term"))
    running.container("term").unpause()
    eventually(lambda: running_on(running) == stops, "the same after a pause")
    for row in ROWS:
        assert (row.name, running.get(host=f"{row.name}.test").status) == (row.name, 503 if row.stops else 200)
    each(tuple(r for r in ROWS if r.stops), lambda row: running.container(row.name).restart(timeout=0))
    eventually(lambda: running.servers() == {row.name: "up" for row in ROWS}, "all up again")
    assert running.problems() == []


def test_a_stop_that_has_to_kill_is_a_leave(running: Watch) -> None:
    """`docker stop` waits and then kills, `docker kill` kills at once: the server is gone, and no problem is left."""
    rows = (Row("stopped", "", (), stops=True), Row("killed", "", (), stops=True), Row("kept", "", (), stops=False))
    each(rows, lambda row: run(running, row))
    eventually(lambda: running.servers() == {row.name: "up" for row in rows}, "all up")
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        stop = threads.submit(running.container("stopped").stop, timeout=4)
        eventually(lambda: "stopped" in running_on(running), "one that is told to stop and runs on")
        running.container("killed").kill()
        eventually(lambda: "killed" not in running.servers(), "the killed one to leave")
        assert running.get(host="kept.test").status == 200
        stop.result()
    eventually(lambda: running.servers() == {"kept": "up"}, "the stopped one to leave")
    eventually(lambda: running_on(running) == set(), "the end of the problem")
