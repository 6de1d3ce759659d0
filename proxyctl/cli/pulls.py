"""How a pull looks: on a terminal one line that is written anew, elsewhere a log line now and then."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator

import structlog
from rich.console import Console

from proxyctl.providers.docker.pulling import Progress, Tell

PAUSE = 10.0
"""Seconds between two log lines of one pull."""
_WIPE = "\r\x1b[K"


def line(progress: Progress) -> str:
    """Return a pull in one line: the image, what has come of what is known to come, and what a person should know."""
    name = f"pull{'ed' if progress.ended else 'ing'} {progress.image}"
    if progress.ended:
        return f"{name} ({_size(progress.total)})" if progress.total else name
    if not progress.total:
        told = f"{name} …"
    elif progress.done < progress.total:
        told = f"{name} … {_size(progress.done)} / {_size(progress.total)}"
    else:
        told = f"{name} … {_size(progress.total)}, unpacking"
    return f"{told}, nothing for {progress.silent:.0f} s, Ctrl-C ends it" if progress.stalled else told


def _size(size: int) -> str:
    """Return bytes as a registry's page shows them; what is there is at least 1 MB."""
    return f"{math.ceil(size / 1_000_000)} MB"


@contextlib.contextmanager
def shown(console: Console | None) -> Iterator[Tell]:
    """Give what shows a pull: on one line of the console, or in the log where there is none."""
    if console is None:
        yield in_log(time.monotonic)
        return
    begun = False

    def show(progress: Progress) -> None:
        nonlocal begun
        begun = not progress.ended
        text = line(progress)
        console.file.write(_WIPE + (text if progress.ended else text[: console.width - 1]) + "\n" * progress.ended)
        console.file.flush()

    try:
        yield show
    finally:
        if begun:  # and not ended: what comes next has a line of its own
            console.file.write(_WIPE)
            console.file.flush()


def in_log(clock: Callable[[], float]) -> Tell:
    """Return what logs a pull: its beginning and its end, its state every `PAUSE` seconds, and that it stalls."""
    log = structlog.get_logger()
    last = -math.inf

    def tell(progress: Progress) -> None:
        nonlocal last
        if not progress.ended and clock() - last < PAUSE:
            return
        last = clock()
        (log.warning if progress.stalled else log.info)(line(progress))

    return tell
