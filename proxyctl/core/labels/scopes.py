"""Sorts one container's labels into scopes: the container itself, and each further route.

Each value is typed by the table of `core.features`, or becomes a Problem. Labels of another dialect would go into the
same scopes. Next: `memberships`, which reads the values together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from proxyctl.core import codes
from proxyctl.core.features import membership, table
from proxyctl.core.features.key import Key
from proxyctl.core.features.values import quoted
from proxyctl.core.labels.declaration import Options
from proxyctl.core.labels.defaults import parsed
from proxyctl.core.model import Container, Problem

T = TypeVar("T")

ROUTE_NAME = r"[a-z0-9][a-z0-9_-]{0,31}"


class Scope:
    """The labels of the container itself or of one further route, with the defaults that count without them.

    `given` are the keys that are written here, `values` the typed values of the keys that could be read.
    """

    def __init__(self, at: str, defaults: Mapping[str, object], parent: Scope | None = None) -> None:
        self.at = at
        self.given: set[str] = set()
        self.values: dict[str, object] = {}
        self.defaults = defaults
        self._parent = parent

    def label(self, key: Key[Any]) -> str:
        """Return the full label of this key in this scope."""
        return f"{self.at}{key.name}"

    def own(self, key: Key[T]) -> T | None:
        """Return the value that is written here; None when there is none, or it could not be read."""
        return cast("T | None", self.values.get(key.name))

    def wrote(self, key: Key[T]) -> bool:
        """Return whether the key is written here, or at the container where it counts for further routes, too."""
        inherited = self._parent is not None and key.reach != "place" and key.name in self._parent.given
        return key.name in self.given or inherited

    def get(self, key: Key[T], *, tcp: bool = False) -> T:
        """Return the value that counts here: the written one, else that of `[defaults]`, else the key's default.

        With `tcp` the key's default counts instead of a value that is for HTTP only.
        """
        scope = self if key.name in self.given or self._parent is None else self._parent
        values = scope.values if self.wrote(key) else self.defaults
        value = cast("T", values.get(key.name, key.default))
        return key.default if tcp and key.http and key.http.refuses(value) else value


class Labels:
    """One container's labels during the reading: the `main` scope, the further `routes`, the problems so far."""

    def __init__(self, container: Container, options: Options) -> None:
        """Read every label below the prefix; the defaults in `options` must have passed `check_defaults`."""
        self.container = container
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.prefix = f"{options.label_prefix}."
        self._defaults = parsed(options.defaults)
        self.main = Scope(self.prefix, self._defaults)
        self.routes: dict[str, Scope] = {}
        for label, text in container.labels:
            if label.startswith(self.prefix) and label not in table.OWN_MARKERS:
                self._read(label, text)

    def refuse(self, label: str, reason: str, code: str = codes.CONTRADICTION) -> None:
        """Add a Problem for a mistake in a label."""
        shown = label if label.isprintable() and len(label) < 200 else quoted(label)  # noqa: PLR2004
        self.problems.append(Problem(self.container.name, shown, reason, code=code))

    def warn(self, label: str, reason: str, code: str) -> None:
        """Add a warning, which does not leave the container out."""
        self.warnings.append(Problem(self.container.name, label, reason, "warning", code=code))

    def _read(self, label: str, text: str) -> None:
        name, scope = label.removeprefix(self.prefix), self.main
        if name.startswith("route."):
            route, dot, name = name.removeprefix("route.").partition(".")
            if not dot or not re.fullmatch(ROUTE_NAME, route):
                form = f"{self.prefix}route.<name>.<key>"
                self.refuse(
                    label, f"not a route's label: {form}, the name 1 to 32 of a-z, 0-9, _ and -", codes.UNKNOWN_LABEL
                )
                return
            if name == membership.ENABLE.name:
                self.refuse(label, f"a route cannot be enabled alone: use {self.main.label(membership.ENABLE)}")
                return
            at = f"{self.prefix}route.{route}."
            scope = self.routes.setdefault(route, Scope(at, self._defaults, self.main))
        value, reason = table.check(name, text, scope.at)
        if reason:
            self.refuse(label, reason, codes.BAD_VALUE if name in table.BY_NAME else codes.UNKNOWN_LABEL)
        if name in table.BY_NAME:
            scope.given.add(name)
            if not reason:
                scope.values[name] = value
