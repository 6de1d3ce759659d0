"""How a `watch` is told to end: the first signal asks for it, the second does not wait.

SIGHUP, of a terminal that is closed, is one of them; under `nohup` it is ignored as ever.
"""

from __future__ import annotations

import asyncio
import os
import signal

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_AT_ONCE = b"\nproxyctl: ended at once; a gateway that runs serves on\n"


class Ending:
    """The wish that this process ends; listens for signals from its making on."""

    def __init__(self) -> None:
        """Listen for signals on the running loop."""
        self.signal: signal.Signals | None = None
        self.heeded = False
        """Whether somebody waits for it, and ends in order."""
        self._asked = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._heard, number)

    def _heard(self, number: signal.Signals) -> None:
        if self.signal is not None:
            os.write(2, _AT_ONCE)
            os._exit(code(number))
        self.signal = number
        self._asked.set()

    async def asked(self) -> None:
        """Return once a signal has come."""
        await self._asked.wait()


def code(number: signal.Signals) -> int:
    """Return the exit code of a process that a signal has ended, as a shell tells it."""
    return 128 + number
