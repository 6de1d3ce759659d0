"""The headers that nginx sets, as complete ordered lists: of requests to servers and of responses to clients. Pure.

nginx inherits `add_header` and `proxy_set_header` only on a level without any of its own. So a level whose list differs
from the level above prints its whole list; `unless_inherited` returns what to print. Next: `printed`.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

from proxyctl.core import layout

Closed = Literal["", "maintenance", "empty"]
"""Why no request reaches a server; empty where requests do."""


@dataclasses.dataclass(frozen=True, slots=True)
class Header:
    """One header, its value as nginx writes it: a variable, a word or quoted text."""

    name: str
    value: str


ANSWERED_BY = Header(layout.SERVER_HEADER, "$proxyctl_answer")  # empty without the secret, and so not sent
RESPONSE_HEADERS = (ANSWERED_BY,)
REQUEST_HEADERS = (
    Header("Host", "$proxyctl_host"),
    Header("X-Real-IP", "$remote_addr"),
    Header("X-Forwarded-For", "$remote_addr"),
    Header("X-Forwarded-Proto", "$scheme"),
    Header("X-Forwarded-Host", "$http_host"),
    Header("X-Forwarded-Port", '""'),
    Header("Forwarded", '""'),
    Header("X-Request-ID", "$request_id"),
    Header(layout.CHECK_HEADER, '""'),
    Header("Upgrade", "$proxyctl_upgrade"),
    Header("Connection", "$proxyctl_connection"),
)
_HOP_BY_HOP = frozenset({"Upgrade", "Connection"})  # HTTP/2 has neither
_RETRY_AFTER = {"maintenance": Header("Retry-After", "60"), "empty": Header("Retry-After", "1")}


def request_headers(*, h2: bool) -> tuple[Header, ...]:
    """Return the headers of requests to servers, over HTTP/2 where `h2`."""
    return tuple(h for h in REQUEST_HEADERS if not (h2 and h.name in _HOP_BY_HOP))


def response_headers(closed: Closed) -> tuple[Header, ...]:
    """Return the headers of responses; the 503 that nginx gives itself, where `closed`, also says when to come back."""
    return (_RETRY_AFTER[closed], *RESPONSE_HEADERS) if closed else RESPONSE_HEADERS


def unless_inherited(own: tuple[Header, ...], above: tuple[Header, ...]) -> tuple[Header, ...]:
    """Return the headers that a level prints: none where the level `above` has the same list, else all of its `own`."""
    return () if own == above else own
