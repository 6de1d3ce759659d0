"""One connection to the target: a request goes out as it is, and what comes back is reported once.

aiohttp's client takes four times as long for a request as its parser does alone, and it sends a request again when a
kept connection turns out to be closed. So this is aiohttp's protocol and parser without its client.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from aiohttp import ClientPayloadError
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpProcessingError, HttpResponseParser

from proxyctl.check.load.sample import BAD_RESPONSE, RESET, SHORT_BODY, kind_of
from proxyctl.check.load.served import LONGEST_BODY

_UNLIMITED: Final = 2**30  # of the parser's buffer, which is emptied as it fills
_FINAL: Final = 200
_SWITCHING: Final = 101

LONGEST_IDLE = 3.0
"""Seconds for which a connection may lie idle and be used again.

Every server closes an idle connection some time: most after 5 s or more, an old nginx worker 5 s after its last answer.
A request that is sent at that moment is lost by the client's own doing; browsers and proxies drop a connection earlier.
"""

NO_HEADERS: Final[Mapping[str, str]] = {}


class Connection(BaseProtocol):
    """Calls `ended` when the request that was sent has, with the word for its failure or None.

    Then `status`, `headers` and `body` are those of the answer, `first_byte` is when it began (perf_counter),
    and `usable` says whether another request may follow.
    """

    __slots__ = (
        "_busy", "_ended", "_http", "_idle_since", "_keep_body", "_message", "_payload", "body", "exchange",
        "first_byte", "usable",
    )  # fmt: skip

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        ended: Callable[[Connection, str | None], None],
        *,
        has_body: bool,
        keep_body: bool,
    ) -> None:
        """Prepare it; answers to HEAD have no body, and only where `keep_body` says so is a body kept."""
        super().__init__(loop)
        self._ended = ended
        self._keep_body = keep_body
        self._http: Any = HttpResponseParser(
            self,
            loop,
            _UNLIMITED,
            payload_exception=ClientPayloadError,
            response_with_body=has_body,
            read_until_eof=True,
            auto_decompress=False,
        )
        self._busy = False
        self._message: Any = None
        self._payload: Any = None
        self.exchange: Any = None
        self.usable = True
        self._idle_since = 0.0
        self.first_byte: float | None = None
        self.body = b""

    @property
    def status(self) -> int | None:
        """The status of the answer; None where none began."""
        return self._message.code if self._message is not None else None

    @property
    def headers(self) -> Mapping[str, str] | None:
        """The headers of the answer; None where none began."""
        return self._message.headers if self._message is not None else None

    def still_usable(self, now: float) -> bool:
        """Return whether another request may follow now (perf_counter); end a connection that lay idle for too long."""
        if self.usable and now - self._idle_since > LONGEST_IDLE:
            self.abort()
        return self.usable

    def send(self, octets: bytes) -> None:
        """Send a request; only when the last one has ended."""
        self._busy = True
        self._message = self._payload = self.first_byte = None
        self.body = b""
        assert self.transport is not None  # noqa: S101 - else it would not be usable
        self.transport.write(octets)

    def abort(self) -> None:
        """End it at once and report nothing more."""
        self._busy = self.usable = False
        if self.transport is not None:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take a part of the answer."""
        if not self._busy:
            self.abort()  # nobody asked
            return
        if self.first_byte is None:
            self.first_byte = time.perf_counter()
        try:
            messages, _, _ = self._http.feed_data(data)
        except HttpProcessingError:
            self._end(BAD_RESPONSE)
            return
        for message, payload in messages:
            if message.code >= _FINAL or message.code == _SWITCHING:  # others announce an answer
                self._message, self._payload = message, payload
        if self._payload is not None:
            self._read()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Take the end of the connection, which may be that of the answer."""
        super().connection_lost(exc)
        self.usable = False
        if not self._busy:
            return
        if self._message is None:
            self._end(RESET if exc is None else kind_of(exc))
            return
        try:
            self._http.feed_eof()
        except (HttpProcessingError, ClientPayloadError):
            self._end(SHORT_BODY)
            return
        if exc is not None:
            self._end(SHORT_BODY)
        else:
            self._read()
            if self._busy:
                self._end(SHORT_BODY)

    def eof_received(self) -> None:
        """Take the end of what the other side sends; a connection that has nothing to do is then over."""
        if not self._busy:
            self.usable = False

    def pause_reading(self) -> None:
        """Go on: what comes is read at once."""

    def resume_reading(self, *_: Any, **__: Any) -> None:
        """Go on: it was never paused."""

    def _read(self) -> None:
        payload = self._payload
        if payload.exception() is not None:
            self._end(BAD_RESPONSE)
            return
        part = payload.read_nowait()
        if self._keep_body and len(self.body) < LONGEST_BODY:
            self.body += part
        if payload.is_eof():
            self.usable = self.usable and not self._message.should_close and self._message.code != _SWITCHING
            self._end(None)

    def _end(self, error: str | None) -> None:
        self._busy, self._idle_since = False, time.perf_counter()
        if error is not None:
            self.usable = False
        if not self.usable and self.transport is not None:
            self.transport.close() if error is None else self.transport.abort()
        self._ended(self, error)
