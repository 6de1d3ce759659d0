"""How proxyctl logs: key=value lines on stderr, or above a live display."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

import structlog

from proxyctl.errors import printable

if TYPE_CHECKING:
    from rich.console import Console


def _printable(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Write control characters in texts of others as escapes; a traceback is of several lines, and ours."""
    return {k: printable(v) if isinstance(v, str) and k != "exception" else v for k, v in event.items()}


class _ToConsole:
    """A file for structlog that prints above the live display."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def write(self, text: str) -> None:
        if text.strip():
            self._console.print(text.rstrip("\n"), highlight=False, markup=False)

    def flush(self) -> None:
        """Nothing is held back."""


def set_up_logging(console: Console | None, *, verbose: bool) -> None:
    """Log as key=value lines on stderr; a live display shows the same in its own way."""
    level = logging.ERROR if console else logging.INFO
    level = logging.DEBUG if verbose else level
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _printable,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=_ToConsole(console) if console else sys.stderr),  # type: ignore[arg-type]
        cache_logger_on_first_use=False,
    )
