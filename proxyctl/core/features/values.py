"""The types of label values: each `Kind` has a parser, and words for what it accepts.

Every accepted value is a number, a boolean, a word of a list or text of a narrow character set
without blanks, quotes, backslashes, `$`, `#`, `;` and braces: no label can become configuration.
Next: `key`.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)
Word = TypeVar("Word", bound=str)

LONGEST_MS = 24 * 60 * 60 * 1000
MOST_HOSTS = 64
MOST_STATUSES = 16
LONGEST_HOST = 253  # RFC 1035, section 2.3.4, without the trailing dot
LONGEST_PATH = 512

_WHOLE = re.compile(r"[0-9]{1,9}")
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h)")
_UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
_BRIEF = [(unit, _UNIT_MS[unit]) for unit in ("h", "s", "ms")]  # a minute is 60s, as proxies' manuals have it
_HOST = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_PATH = re.compile(r"(/[A-Za-z0-9._~+@=:,!-]*)+")
_URI = re.compile(r"(/([A-Za-z0-9._~+@=:,!-]|%[0-9A-Fa-f]{2})*)+")
_QUERY = re.compile(r"([A-Za-z0-9._~+@=:,!&/?-]|%[0-9A-Fa-f]{2})*")
_STATUS = re.compile(r"[1-5](?:[0-9]{2}|xx)")
_COOKIE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")

_BOOLEAN = {"true": True, "1": True, "yes": True, "on": True}
_BOOLEAN |= {"false": False, "0": False, "no": False, "off": False}


@dataclasses.dataclass(frozen=True, slots=True)
class Kind(Generic[T_co]):
    """A type of value; `parse` raises ValueError, with a message where there is more to say than `accepts`.

    `unit` is the unit of a number as a label writes it, such as `ms`.
    """

    accepts: str
    parse: Callable[[str], T_co]
    unit: str = ""

    def write(self, value: object) -> str:
        """Return the value as a label writes it; `none` where there is no value."""
        if isinstance(value, bool):
            return str(value).lower()
        return "none" if value is None else f"{value}{self.unit}"

    def brief(self, value: object) -> str:
        """Return the value as a person would write it: `2s` for 2000 milliseconds."""
        if self.unit == "ms" and isinstance(value, int):
            return next(f"{value // ms}{unit}" for unit, ms in _BRIEF if value % ms == 0)
        return self.write(value)

    def refuse(self, text: str, detail: str = "") -> str:
        """Return the reason of a Problem: the value, what is accepted and, where known, the detail."""
        more = f" ({detail})" if detail else ""
        return f"{quoted(text)} is not accepted: {self.accepts}{more}"


def quoted(text: str, most: int = 60) -> str:
    """Return `text` in double quotes on one line, plain ASCII and cut to `most` characters."""
    return json.dumps(text if len(text) <= most else text[:most] + "...")


def _boolean(text: str) -> bool:
    if (value := _BOOLEAN.get(text.lower())) is None:
        raise ValueError
    return value


boolean = Kind("true, false, 1, 0, yes, no, on or off", _boolean)


def whole(least: int, most: int) -> Kind[int]:
    """Accept ASCII digits that make a number from `least` to `most`."""

    def parse(text: str) -> int:
        if not _WHOLE.fullmatch(text) or not least <= (value := int(text)) <= most:
            raise ValueError
        return value

    return Kind(f"a whole number from {least} to {most}", parse)


port = whole(1, 65535)


def duration(least_ms: int = 1) -> Kind[int]:
    """Accept `250ms`, `5s`, `1.5m`, `1h`, up to a day; the value is in whole milliseconds."""

    def parse(text: str) -> int:
        if not (match := _DURATION.fullmatch(text)):
            raise ValueError
        value = Decimal(match[1]) * _UNIT_MS[match[2]]
        if value != int(value) or not least_ms <= value <= LONGEST_MS:
            raise ValueError
        return int(value)

    return Kind(f"a time such as 250ms, 5s, 1m or 1h, from {least_ms}ms to 24h", parse, "ms")


def word(*words: Word) -> Kind[Word]:
    """Accept one of `words`, in any case."""
    known: dict[str, Word] = {w: w for w in words}

    def parse(text: str) -> Word:
        if (value := known.get(text.lower())) is None:
            raise ValueError
        return value

    return Kind(f"{', '.join(words[:-1])} or {words[-1]}", parse)


def pattern(regex: str, accepts: str) -> Kind[str]:
    """Accept text that matches `regex` as a whole."""
    compiled = re.compile(regex, re.ASCII)

    def parse(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError
        return text

    return Kind(accepts, parse)


def _host(text: str) -> str:
    if text == "*":
        return ""
    name = text.lower().removesuffix(".")
    if name.startswith("~"):
        raise ValueError("regular expressions are not")
    if not name.isascii():
        raise ValueError("write other alphabets as xn--...")
    if ":" in name or "/" in name:
        raise ValueError("no scheme, port or path; those are the labels `listen` and `path`")
    if len(name) > LONGEST_HOST or not _HOST.fullmatch(name):
        raise ValueError
    return name


def _hosts(text: str) -> tuple[str, ...]:
    names = re.split(r"[, \t]+", text.strip(", \t"))
    if len(names) > MOST_HOSTS:
        raise ValueError(f"at most {MOST_HOSTS} names")
    return tuple(sorted({_host(n) for n in names}))


hosts = Kind("host names separated by commas or blanks, each like shop.example, *.shop.example or *", _hosts)


def _path(text: str) -> str:
    if "%" in text:
        raise ValueError("no %: nginx compares the decoded path, HAProxy the path as it was sent")
    if len(text) > LONGEST_PATH or not _PATH.fullmatch(text):
        raise ValueError
    segments = text[1:].removesuffix("/").split("/")
    if text != "/" and not {"", ".", ".."}.isdisjoint(segments):
        raise ValueError("no //, . or .. in it")
    return "/" + "/".join(segments)


path = Kind("a path such as /api, of letters, digits and ._~+@=:,!-", _path)


def _uri(text: str) -> str:
    before, mark, query = text.partition("?")
    if len(text) > LONGEST_PATH or not _URI.fullmatch(before) or not _QUERY.fullmatch(query):
        raise ValueError
    return before + mark + query


uri = Kind("a path such as /healthz or /health?full=1, of letters, digits and ._~%+@=:,!-", _uri)


def _statuses(text: str) -> str:
    items = re.split(r"[, \t]+", text.lower())
    if len(items) > MOST_STATUSES or not all(_STATUS.fullmatch(i) for i in items):
        raise ValueError
    return ",".join(dict.fromkeys(items))


statuses = Kind("status codes and classes such as 2xx,3xx or 200,204", _statuses)


def _cookie(text: str) -> str | None:
    if (switch := _BOOLEAN.get(text.lower())) is False:
        return None
    if switch or not _COOKIE.fullmatch(text):
        raise ValueError
    return text


cookie = Kind("the name of a cookie, of letters, digits and _.- (or off)", _cookie)
