"""What people write in options, as values; a bad one is a UsageError that names the flag."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from proxyctl.core.features import table, values
from proxyctl.errors import UsageError
from proxyctl.wording import of_system

T = TypeVar("T")


def read(flag: str, parse: Callable[[str], T], text: str) -> T:
    """Return what the text of a flag means; raise UsageError with the flag's name before the reason."""
    try:
        return parse(text)
    except UsageError as exc:
        raise UsageError(f"{flag}: {exc}") from exc


def seconds(text: str) -> float:
    """Read a time such as 250ms."""
    kind = values.duration()
    try:
        return kind.parse(text) / 1000
    except ValueError as exc:
        raise UsageError(kind.refuse(text, str(exc))) from exc


def header(text: str) -> tuple[str, str]:
    """Read `Name: value`."""
    name, colon, value = text.partition(":")
    if not colon:
        raise UsageError(f"{text!r} is not like 'Name: value'")
    return name.strip(), value.strip()


def label(text: str) -> tuple[str, str]:
    """Read a label such as balance=uri, without its prefix."""
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{text!r} is not like balance=uri")
    if reason := table.check(key, value, "")[1]:
        raise UsageError(f"{key}: {reason}")
    return key, value


def shares(text: str) -> tuple[float, ...]:
    """Read `3,1`."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as exc:
        raise UsageError(f"{text!r} is not like 3,1") from exc


def body(text: str) -> bytes:
    """Read a body, or the file that has it."""
    if not text.startswith("@"):
        return text.encode()
    try:
        return Path(text[1:]).read_bytes()
    except OSError as exc:
        raise UsageError(f"{text[1:]}: {of_system(exc)}") from exc


def part(text: str) -> float:
    """Read a percentage such as 5% as a part of one."""
    try:
        value = float(text.removesuffix("%")) / 100
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise UsageError(f"{text!r} is not a percentage such as 5%")
    return value
