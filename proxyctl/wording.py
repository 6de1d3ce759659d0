"""Mistakes in our own words: what pydantic, tomllib and the system refuse, as one line for a person.

Each line says where the mistake stands, what was found there and what is accepted. No text of a library is passed on:
it talks of validators and parsers, and the reader has a file and a flag before him. Next: `settings`.
"""

from __future__ import annotations

import errno
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydantic

from proxyctl.core.features.values import quoted
from proxyctl.errors import UsageError, nearest, printable

_OF_SYSTEM = {
    errno.ENOENT: "there is no such file or folder",
    errno.EACCES: "this user may not use it",
    errno.EPERM: "this user may not use it",
    errno.EISDIR: "it is a folder, not a file",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EEXIST: "a file of that name is in the way",
    errno.ENOSPC: "the disk is full",
    errno.EROFS: "the disk is read-only",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ELOOP: "its symbolic links go in a circle",
    errno.EADDRINUSE: "somebody listens there already",
    errno.EADDRNOTAVAIL: "no address of this machine",
}
_OF_TOML = {
    "overwrite": "this key is there twice",
    "declare": "this table is there twice",
    "Invalid value": 'text goes into quotes, as in engine = "nginx"',
    "Unterminated": "a quote is not closed",
    "Unclosed": "a bracket is not closed",
    "Unescaped": "a backslash in text is written twice",
    "Illegal character": "a quote is not closed, or there is a character that no text may have",
    "Invalid character": "a quote is not closed, or there is a character that no text may have",
}
_SHAPE = 'a line is KEY = VALUE, [TABLE] or # COMMENT, and text goes into quotes, as in engine = "nginx"'


@dataclass(frozen=True, slots=True)
class Words:
    """What a setting means and which values it accepts: for lines about mistakes, and for the file that `init` writes.

    `example` is the value as TOML where the setting has no default.
    """

    meaning: str
    accepts: str
    example: str = ""


def of(model: type[pydantic.BaseModel], field: str) -> Words:
    """Return the words of a model's field; KeyError where it has none."""
    found = [m for m in model.model_fields[field].metadata if isinstance(m, Words)]
    if not found:
        message = f"{model.__name__}.{field} has no Words: say what it means and what it accepts"
        raise KeyError(message)
    return found[0]


def not_accepted(value: object, accepts: str) -> str:
    """Return that a value is not accepted, and what is."""
    if isinstance(value, str):
        return f"{quoted(value)} is not accepted: {accepts}" if value else f"it is empty: {accepts}"
    return f"{_shown(value)} is not accepted: {accepts}"


def _shown(value: object) -> str:
    text = printable(json.dumps(value, default=str))
    return text if len(text) <= 60 else f"{text[:60]}..."  # noqa: PLR2004 - as `quoted` cuts


def unknown(name: str, known: Iterable[str], what: str) -> str:
    """Return that a name is not known: `unknown key; did you mean grace?`, else all that are known."""
    names = sorted(known)
    near = nearest(name, names)
    return f"unknown {what}; did you mean {near}?" if near else f"unknown {what}; known are {', '.join(names)}"


def refused(error: Mapping[str, Any], words: Words) -> str:
    """Return what is wrong with one value, by pydantic's error; a text that a validator of ours raised is its own."""
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    return not_accepted(error["input"], words.accepts)


def of_system(exc: OSError) -> str:
    """Return why the system refused something."""
    return _OF_SYSTEM.get(exc.errno or 0) or (exc.strerror or str(exc)).lower()


def read_toml(path: Path, origin: str = "") -> dict[str, Any]:
    """Read a TOML file; raise UsageError with the file, the line and what is wrong. `origin` is the flag, if any."""
    where = f"{origin}: {path}" if origin else str(path)
    try:
        text = path.read_text("utf-8-sig")  # some editors begin a file with a mark that is no part of it
    except OSError as exc:
        raise UsageError(f"{where}: {of_system(exc)}") from exc
    except UnicodeDecodeError as exc:
        raise UsageError(f"{where}: it is not text in UTF-8") from exc
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise UsageError(f"{where}{_of_toml(str(exc), text.splitlines())}") from exc


def _of_toml(reason: str, lines: list[str]) -> str:
    """Return the place and the cause of a TOML mistake: `, line 3: "grace = 5s": ...`."""
    at = re.search(r"line (\d+)", reason)
    number = min(int(at[1]) if at else len(lines), len(lines))
    told = next((ours for theirs, ours in _OF_TOML.items() if theirs in reason), _SHAPE)
    return f", line {number}: {quoted(lines[number - 1].strip())}: {told}" if number else f": {told}"
