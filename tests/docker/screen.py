"""A terminal of 80 columns and 24 lines, for programs that look whether they have one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios


class Screen:
    """A terminal of 80 columns with one program on it."""

    def __init__(self, *argv: str) -> None:
        self._own, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        os.set_blocking(self._own, False)
        environment = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES", "NO_COLOR"}}
        self.program = subprocess.Popen(
            argv, stdin=other, stdout=other, stderr=other, env={**environment, "TERM": "xterm"}
        )
        os.close(other)
        self._seen = ""

    def new(self) -> str:
        """Return what has come since it was last forgotten, without colours, in one line."""
        with contextlib.suppress(BlockingIOError, OSError):  # the latter when the program has ended
            while part := os.read(self._own, 65536):
                self._seen += part.decode(errors="replace")
        return " ".join(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._seen).split())

    def forget(self) -> None:
        """Look only at what comes from now on."""
        self.new()
        self._seen = ""

    def close(self) -> None:
        """End the program."""
        self.program.kill()
        self.program.wait()
        os.close(self._own)
