"""Which server served a request, by what the answer says: a header, a part of the body, a value in its JSON."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

from proxyctl.core.layout import SERVER_HEADER
from proxyctl.errors import UsageError

LONGEST_BODY = 1_048_576  # of which more is not looked at

_LONGEST_NAME = 64
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ACCEPTED = "header:X-Served-By, body:REGEX or json:/path"


@dataclasses.dataclass(frozen=True, slots=True)
class ServerFrom:
    """Where the name is: `kind` is header, body (a regular expression) or json (a pointer, RFC 6901)."""

    kind: str = "header"
    what: str = SERVER_HEADER

    @property
    def reads_body(self) -> bool:
        """Whether the body is needed for it."""
        return self.kind != "header"

    @property
    def gateway(self) -> bool:
        """Whether it is proxyctl's own header, which the check token asks for."""
        return self.kind == "header" and self.what.lower() == SERVER_HEADER.lower()

    def __str__(self) -> str:
        return f"{self.kind}:{self.what}"

    def name(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """Return the server's name; None where the answer does not tell."""
        if self.kind == "header":
            return headers.get(self.what)
        if self.kind == "body":
            found = re.search(self.what, body.decode(errors="replace"))
            return found[found.re.groups and 1][:_LONGEST_NAME] if found else None
        return _pointed(self.what, body)


def parse_server_from(text: str) -> ServerFrom:
    """Return what `header:X-Served-By`, `body:REGEX` or `json:/path` means; raise UsageError."""
    kind, _, what = text.partition(":")
    if kind not in {"header", "body", "json"} or not what:
        raise UsageError(f"{text!r} is not like {_ACCEPTED}")
    if kind == "header" and not _HEADER_NAME.fullmatch(what):
        raise UsageError(f"{what!r} is not the name of a header")
    if kind == "json" and not what.startswith("/"):
        raise UsageError(f"{what!r} is not a JSON pointer such as /server or /hosts/0/name")
    if kind == "body":
        try:
            re.compile(what)
        except re.error as exc:
            raise UsageError(f"{what!r} is not a regular expression: {exc}") from exc
    return ServerFrom(kind, what)


def _pointed(pointer: str, body: bytes) -> str | None:
    try:
        value: Any = json.loads(body)
        for step in pointer[1:].split("/"):
            key = step.replace("~1", "/").replace("~0", "~")
            value = value[int(key)] if isinstance(value, list) else value[key]
    except (ValueError, KeyError, IndexError, TypeError):
        return None
    return str(value)[:_LONGEST_NAME] if isinstance(value, str | int | float) else None
