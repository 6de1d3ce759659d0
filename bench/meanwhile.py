"""A function in a thread, for as long as a block runs."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def meanwhile(run: Callable[[threading.Event], None]) -> Iterator[None]:
    """Call `run` in a thread during the block; its argument is set when the block has ended, and it returns then."""
    ended = threading.Event()
    thread = threading.Thread(target=run, args=(ended,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
