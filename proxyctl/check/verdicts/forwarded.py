"""Whether the headers of a proxy tell its servers the truth about the client, and not what the client made up.

Judged on what a backend that echoes its request, as `proxyctl echo` does, has received.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Final

from proxyctl.check.verdicts.verdict import Verdict

SPOOFED: Final[Mapping[str, str]] = {
    "X-Forwarded-For": "203.0.113.77",  # RFC 5737: nobody has it
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-Host": "spoofed.invalid",
    "X-Request-ID": "spoofed-request-id",
    "X-Real-IP": "203.0.113.77",
    "Forwarded": "for=203.0.113.77;host=spoofed.invalid;proto=gopher",
}
"""Headers of a client that pretends to be another one."""


def forwarded(plain: Mapping[str, str], spoofed: Mapping[str, str], *, scheme: str, host: str) -> Verdict:
    """Judge the headers that a backend received for a plain request and for one with the headers of `SPOOFED`.

    `scheme` and `host` are what was asked for. The value is how many headers are wrong.
    """
    wrong = [*_wrong(_lower(plain), "", scheme, host), *_wrong(_lower(spoofed), "spoofed ", scheme, host)]
    identities = [_lower(headers).get("x-request-id") for headers in (plain, spoofed)]
    if identities[0] and identities[0] == identities[1]:
        wrong.append("X-Request-ID is the same for two requests")
    detail = (
        "; ".join(wrong) or "X-Forwarded-For, -Proto, -Host and X-Request-ID are right, spoofed ones are not believed"
    )
    return Verdict("headers", not wrong, len(wrong), "== 0", detail)


def _wrong(headers: Mapping[str, str], kind: str, scheme: str, host: str) -> Iterator[str]:
    for name, right in (("X-Forwarded-Proto", scheme), ("X-Forwarded-Host", host)):
        if (seen := headers.get(name.lower())) != right:
            yield f"{kind}{name} is {seen!r} and not {right!r}"
    client = headers.get("x-forwarded-for")
    if client is None or not _is_address(client):
        yield f"{kind}X-Forwarded-For is {client!r} and not one address"
    elif client == SPOOFED["X-Forwarded-For"]:
        yield "a spoofed X-Forwarded-For is believed"
    identity = headers.get("x-request-id")
    if not identity:
        yield f"{kind}X-Request-ID is missing"
    elif identity == SPOOFED["X-Request-ID"]:
        yield "a spoofed X-Request-ID is believed"
    for name in ("X-Real-IP", "Forwarded"):
        if "203.0.113.77" in headers.get(name.lower(), ""):
            yield f"a spoofed {name} is believed"


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
