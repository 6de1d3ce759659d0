"""Asks a backend that echoes its request what the proxy told it about the client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from yarl import URL

from proxyctl.check.load.fetch import Answer, fetch
from proxyctl.check.load.request import Request
from proxyctl.check.load.shots import host_of
from proxyctl.check.verdicts.forwarded import SPOOFED, forwarded
from proxyctl.check.verdicts.verdict import Verdict

UNKNOWN: Final = Verdict(
    "headers",
    ok=False,
    value=None,
    expected="== 0",
    detail="the answer is no JSON with the headers that a server received, as that of `proxyctl echo` is",
)


async def headers(request: Request) -> Verdict | None:
    """Send a plain request and a spoofed one, and judge what arrived; None where the backend does not echo."""
    plain = _received(await fetch(request, {}))
    spoofed = _received(await fetch(request, SPOOFED))
    if plain is None or spoofed is None:
        return None
    url = URL(request.url)
    host = next((value for name, value in request.headers if name.lower() == "host"), host_of(url))
    return forwarded(plain, spoofed, scheme=url.scheme, host=host)


def _received(answer: Answer) -> Mapping[str, str] | None:
    document = answer.document or {}
    received = document.get("headers")
    return received if isinstance(received, dict) and "server" in document else None
