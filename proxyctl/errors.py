"""The exception tree, which exit code each branch has, and texts of others as one line for a person.

Bad labels are not here: they are `proxyctl.core.model.Problem` values, because one container's mistake
must not stop the rest. What is raised here ends a command (or one pass) with one line for a person.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import PurePath


class ProxyctlError(Exception):
    """Anything that ends a command with one clear line; `exit_code` is the process's exit code."""

    exit_code = 1


class UsageError(ProxyctlError):
    """A flag, a file or an environment variable that cannot be meant that way."""

    exit_code = 2


class DockerUnavailable(ProxyctlError):
    """Docker could not be asked: no socket, no permission, no answer, or an answer of 500."""


class DockerAway(DockerUnavailable):
    """Nobody listens where Docker should, or only a proxy with nobody behind it."""


class DockerSilent(DockerUnavailable):
    """Docker took a question and gave no answer in time: it may be slow."""


class DockerRefuses(DockerUnavailable):
    """Docker is there and refuses a question; mostly it is a proxy in front of its socket that does."""


class GatewayError(ProxyctlError):
    """The gateway container cannot be made, adopted or reached."""


class ResolveError(ProxyctlError):
    """A name could not be resolved through the embedded DNS; the message says how it failed."""


class TemplateError(ProxyctlError):
    """A template does not render; the message names file and line."""


class ConfigRefused(ProxyctlError):
    """The proxy's own check refused a configuration; the message is the proxy's own error line."""


class ReloadFailed(ProxyctlError):
    """The proxy did not take the new configuration; the old one is still serving."""


class RuntimeRefused(ProxyctlError):
    """A run-time change got an answer other than the exact expected one: fall back to a reload."""


class ThresholdFailed(ProxyctlError):
    """`check` measured something that was not what was asked for."""

    exit_code = 99


class CannotTell(ProxyctlError):
    """`check compare` was given runs that say too little to call anything better, worse or equal."""

    exit_code = 98


class ContainerGone(ProxyctlError):
    """A container that was there a moment ago is not there any more."""


def printable(text: str) -> str:
    """Return a text of others with its control characters written as escapes: a terminal must not obey it."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def mistake(exc: Exception) -> str:
    """Return where in proxyctl an exception was raised that nobody expected, and what it was, in one line."""
    at = exc.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    where = f"{PurePath(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}" if at else "an unknown place"
    return printable(f"{type(exc).__name__} at {where}: {str(exc)[:200]}".removesuffix(": "))


def nearest(name: str, known: Iterable[str], like: float = 0.6) -> str:
    """Return the known name that a mistyped one stands for; empty where it is less `like` all of them (1: equal)."""
    plain = {k.lower().replace("_", "-"): k for k in known}
    found = difflib.get_close_matches(name.lower().replace("_", "-")[:80], plain, n=1, cutoff=like)
    return plain[found[0]] if found else ""
