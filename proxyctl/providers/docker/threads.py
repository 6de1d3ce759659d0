"""Blocking calls of docker-py beside the event loop, each in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


async def in_thread(function: Callable[[], T]) -> T:
    """Return what a blocking call returns, or raise what it raises.

    Not `asyncio.to_thread`: its few threads are shared, so that hung questions would hold up commands in the gateway,
    and the end of the program waits for them. Nobody waits for a daemon thread.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(settled: Callable[[Any], None], value: Any) -> None:
        if not answer.done():  # nobody waits any more
            settled(value)

    def run() -> None:
        settled: Callable[[Any], None]
        value: Any
        try:
            settled, value = answer.set_result, function()
        except Exception as exc:  # noqa: BLE001 - raised again where the answer is awaited
            settled, value = answer.set_exception, exc
        on_loop(loop, settle, settled, value)

    threading.Thread(target=run, name="docker-question", daemon=True).start()
    return await answer


def on_loop(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *args: Any) -> None:
    """Call a function in the loop from another thread; a loop that is closed is no error."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(function, *args)
