"""What `proxyctl echo` can be told, on the command line or in its environment."""

from __future__ import annotations

import argparse
import dataclasses
import math
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NoReturn

from proxyctl.errors import nearest, printable

OnTerm = Literal["graceful", "abrupt", "ignore"]

PATHS = """\
paths:
  /                  what was received, as JSON, for every method
  /healthz           200 or 503; POST or PUT /healthz/up and /healthz/down switch it
  /delay/SECONDS     the same after a delay of up to 60 s
  /stream/SECONDS    a chunk every 100 ms, up to 3600 s
  /status/CODE       that status, 200 to 599
  /bytes/N           N bytes, up to 100000000
  /close             ends the connection without an answer
  /reset             resets the connection without an answer
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """How the server runs; times in seconds.

    A graceful end takes three steps: it still accepts, and each answer closes its connection, until no request came for
    `linger`, or for 5 s at most if `linger` is shorter; then it stops listening and finishes what runs, for `drain` at
    most; then it exits with 0.
    """

    name: str
    host: str = "0.0.0.0"  # noqa: S104 - it is there to be reached
    port: int = 8080
    on_term: OnTerm = "graceful"
    linger: float = 0.2
    drain: float = 30.0
    start_delay: float = 0.0
    unhealthy: bool = False
    sick: bool = False
    idle_close: float = 0.0
    log_requests: bool = False


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """End with one line, like every other verb."""
        self.exit(2, f"{self.prog}: {self._told(message)}\n")

    def _told(self, message: str) -> str:
        """Return what argparse refuses in the words of the other verbs."""
        _, unknown, words = message.partition("unrecognized arguments: ")
        if unknown:
            known = [flag for action in self._actions for flag in action.option_strings if flag.startswith("--")]
            near = nearest(words.split()[0], known)
            return f"no option {printable(words)}; " + (
                f"did you mean {near}?" if near else f"`{self.prog} --help` lists them"
            )
        message = message.removeprefix("argument ").replace("expected one argument", "it needs a value after it")
        return printable(message)


def _seconds(text: str) -> float:
    value = bounded(text.removesuffix("s"), 86_400)
    if value is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value


def _port(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) > 65535:  # noqa: PLR2004
        raise argparse.ArgumentTypeError(f"{text!r} is not a port")
    return int(text)


def _on_term(text: str) -> str:
    if text not in ("graceful", "abrupt", "ignore"):
        raise argparse.ArgumentTypeError(f"{text!r} is not one of graceful, abrupt, ignore")
    return text


def parse(argv: Sequence[str], environ: Mapping[str, str]) -> Options:
    """Return the options of a command line; end the process with 2 and one line where it is wrong."""
    parser = _Parser(
        prog="proxyctl echo",
        description="A small web server that says who it is and what it received.",
        epilog=PATHS + "\nEach option can also be set as ECHO_NAME, ECHO_PORT, ECHO_ON_TERM and so on.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    def option(flag: str, kind: Callable[[str], object], default: str, text: str) -> None:
        name = "ECHO_" + flag.upper().replace("-", "_")
        parser.add_argument(f"--{flag}", type=kind, default=environ.get(name) or default, help=text)

    option("name", str, socket.gethostname(), "what it calls itself (the host name)")
    option("host", str, "0.0.0.0", "the address it listens on (all)")  # noqa: S104
    option("port", _port, "8080", "the port it listens on; 0 picks one (8080)")
    option("on-term", _on_term, "graceful", "on SIGTERM: graceful, abrupt or ignore (graceful)")
    option(
        "linger",
        _seconds,
        "0.2",
        "graceful: it accepts until nothing came for so long, 5 s at most if this is less (0.2 s)",
    )
    option("drain-seconds", _seconds, "30", "graceful: how long running requests may take (30 s)")
    option("start-delay", _seconds, "0", "how long it waits before it listens (0 s)")
    option("idle-close", _seconds, "0", "closes idle connections at random times up to this (0: never)")

    def switch(flag: str, text: str) -> None:
        name = "ECHO_" + flag.upper().replace("-", "_")
        on = environ.get(name, "").lower() in {"1", "true", "yes", "on"}
        parser.add_argument(f"--{flag}", action="store_true", default=on, help=text)

    switch("unhealthy", "/healthz says 503 at first")
    switch("sick", "while unhealthy it ends every connection without an answer")
    switch("log-requests", "prints a line when a request begins and when it is answered")
    given = parser.parse_args(argv)
    return Options(
        name=given.name,
        host=given.host,
        port=given.port,
        on_term=given.on_term,
        linger=given.linger,
        drain=given.drain_seconds,
        start_delay=given.start_delay,
        unhealthy=given.unhealthy,
        sick=given.sick,
        idle_close=given.idle_close,
        log_requests=given.log_requests,
    )


def bounded(text: str, most: float) -> float | None:
    """Return the number that a text means, None unless it is one from 0 to `most`."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value <= most else None
