"""How a pull is shown, on a terminal and elsewhere."""

from __future__ import annotations

import io

import pytest
import structlog.testing
from rich.console import Console

from proxyctl.cli import pulls
from proxyctl.providers.docker.pulling import STALLED, Progress

IMAGE = "haproxy:3.2"
MB = 1_000_000


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (Progress(IMAGE), "pulling haproxy:3.2 …"),
        (Progress(IMAGE, 34 * MB, 51 * MB), "pulling haproxy:3.2 … 34 MB / 51 MB"),
        (Progress(IMAGE, 1, 51 * MB), "pulling haproxy:3.2 … 1 MB / 51 MB"),
        (Progress(IMAGE, 51 * MB, 51 * MB), "pulling haproxy:3.2 … 51 MB, unpacking"),
        (Progress(IMAGE, silent=STALLED), "pulling haproxy:3.2 …, nothing for 15 s, Ctrl-C ends it"),
        (Progress(IMAGE, ended=True), "pulled haproxy:3.2"),
        (Progress(IMAGE, 51 * MB, 51 * MB, ended=True), "pulled haproxy:3.2 (51 MB)"),
    ],
)
def test_a_pull_is_one_line(progress: Progress, line: str) -> None:
    """It has the image, what has come of what is known to come, and what a person should know."""
    assert pulls.line(progress) == line


def test_on_a_terminal_it_is_one_line_that_fits() -> None:
    """Each step overwrites the one before, and is never as wide as the terminal; the end stays to be read."""
    out = io.StringIO()
    with pulls.shown(Console(file=out, force_terminal=True, width=20)) as tell:
        tell(Progress(IMAGE, 1, 51 * MB))
        tell(Progress(IMAGE, 51 * MB, 51 * MB, ended=True))
    assert out.getvalue() == "\r\x1b[Kpulling haproxy:3.2\r\x1b[Kpulled haproxy:3.2 (51 MB)\n"


def test_a_pull_that_breaks_off_leaves_no_half_line() -> None:
    """The error has a line of its own."""
    out = io.StringIO()
    with pytest.raises(KeyboardInterrupt), pulls.shown(Console(file=out, force_terminal=True)) as tell:  # noqa: PT012
        tell(Progress(IMAGE))
        raise KeyboardInterrupt
    assert out.getvalue() == "\r\x1b[Kpulling haproxy:3.2 …\r\x1b[K"


def test_elsewhere_it_is_a_log_line_now_and_then() -> None:
    """At the beginning, every ten seconds, and at the end; a stalled pull is a warning."""
    now = 0.0
    with structlog.testing.capture_logs() as logged:
        tell = pulls.in_log(lambda: now)
        for second in range(26):
            now = float(second)
            tell(Progress(IMAGE, second, 51 * MB, silent=0.0 if second < 5 else second - 4.0))
        tell(Progress(IMAGE, 51 * MB, 51 * MB, ended=True))
    assert [(line["log_level"], line["event"]) for line in logged] == [
        ("info", "pulling haproxy:3.2 … 0 MB / 51 MB"),
        ("info", "pulling haproxy:3.2 … 1 MB / 51 MB"),
        ("warning", "pulling haproxy:3.2 … 1 MB / 51 MB, nothing for 16 s, Ctrl-C ends it"),
        ("info", "pulled haproxy:3.2 (51 MB)"),
    ]
