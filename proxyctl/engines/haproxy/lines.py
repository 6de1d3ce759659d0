"""Reads a rendered haproxy.cfg line by line: its servers, its ports, its maxconn.

Run-time commands are made from these lines, so a server that joins without a reload gets exactly the options of the
file, also those of a user's own template. Pure. Next: `change`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

_SECTIONS = frozenset({
    "acme", "backend", "cache", "crt-store", "defaults", "fcgi-app", "frontend", "global", "http-errors", "listen",
    "log-forward", "log-profile", "mailers", "peers", "program", "resolvers", "ring", "traces", "userlist",
})  # fmt: skip
_BIND = re.compile(r"(?:ipv[46]@)?(?:\*|\[?[0-9a-fA-F.:]*?\]?):(\d+)")


@dataclasses.dataclass(frozen=True, slots=True)
class ServerLine:
    """One `server` line; `options` is everything after the address, word by word."""

    name: str
    address: str
    port: int
    options: tuple[str, ...]

    @property
    def weight(self) -> int:
        """The weight in effect."""
        return int(self._value("weight") or 1)

    @property
    def maxconn(self) -> str | None:
        """The connection limit, if there is one."""
        return self._value("maxconn")

    @property
    def disabled(self) -> bool:
        """Whether the server starts in maintenance: a draining server of a sticky pool is printed so."""
        return "disabled" in self.options

    @property
    def checked(self) -> bool:
        """Whether HAProxy checks its health."""
        return "check" in self.options

    @property
    def check_port(self) -> str | None:
        """The port of the check; None where it is the server's own port."""
        return self._value("port")

    @property
    def fixed(self) -> tuple[str, ...]:
        """The options that cannot be changed at run time, among them whether there is a maxconn at all."""
        left = list(self.options)
        for option in ("weight", "maxconn"):
            if option in left:
                del left[left.index(option) + 1]
        return tuple(o for o in left if o not in {"weight", "disabled"})

    def _value(self, option: str) -> str | None:
        after = self.options.index(option) + 1 if option in self.options else len(self.options)
        return self.options[after] if after < len(self.options) else None


def servers(text: str) -> dict[str, dict[str, ServerLine]]:
    """Return the servers of each backend by name; a server whose address is not IPv4:port is left out."""
    found: dict[str, dict[str, ServerLine]] = {}
    for section, name, words in _lines(text):
        if section in {"backend", "listen"}:
            pool = found.setdefault(name, {})
            if words[0] == "server" and len(words) > 2:  # noqa: PLR2004 - `server NAME ADDRESS`
                address, _, port = words[2].rpartition(":")
                if address and port.isdecimal():
                    pool[words[1]] = ServerLine(words[1], address, int(port), words[3:])
    return found


def default_server(text: str) -> bool:
    """Return whether a `default-server` line gives options: a server that is added at run time would lack them."""
    return any(words[0] == "default-server" for _, _, words in _lines(text))


def ports(text: str) -> set[int]:
    """Return the TCP ports that the configuration listens on."""
    found = set()
    for _, _, words in _lines(text):
        if words[0] == "bind" and len(words) > 1:
            for address in words[1].split(","):
                match = _BIND.fullmatch(address)
                if match:
                    found.add(int(match[1]))
    return found


def maxconn(text: str) -> int | None:
    """Return the process-wide limit of connections; None where the file names none."""
    for section, _, words in _lines(text):
        if section == "global" and words[0] == "maxconn" and len(words) > 1 and words[1].isdecimal():
            return int(words[1])
    return None


def _lines(text: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield (section, its name, the words of a line) without comments, for every line inside a section."""
    section, name = "", ""
    for line in text.splitlines():
        words = tuple(line.partition("#")[0].split())
        if words and words[0] in _SECTIONS:
            section, name = words[0], words[1] if len(words) > 1 else ""
        elif words:
            yield section, name, words
