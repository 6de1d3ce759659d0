"""One label key: its name, value type, default, level and rules. Pure.

The families beside this module declare the keys. A pool's key that only the engines print needs only its declaration
and a block in each engine's templates. The first such key of a server or a route needs a `settings` field in `Server`
or `Route` as well, which `labels` fills from the keys of that level. Next: `table`, which lists the families.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Generic, Literal, TypeVar, cast

from proxyctl.core.features.values import Kind

T = TypeVar("T")

Level = Literal["container", "server", "pool", "route"]
Reach = Literal["place", "routes", "container"]


@dataclasses.dataclass(frozen=True, slots=True)
class HttpOnly(Generic[T]):
    """Why a port with `protocol=tcp` refuses a key: with one of `values`, or with any value where `values` is empty."""

    reason: str = "is for HTTP, this port is protocol=tcp"
    values: tuple[T, ...] = ()

    def refuses(self, value: T | None) -> bool:
        """Return whether tcp refuses this value; None stands for a value that could not be read."""
        return not self.values or value in self.values


@dataclasses.dataclass(frozen=True, slots=True)
class Key(Generic[T]):
    """One label key, without the prefix.

    `level` says what the key belongs to: the `container`, one `server`, its whole `pool` (replicas have to agree) or
    a `route`. Keys of level `container` have no default in proxyctl.toml. `default_words` is the default in words, for
    the reference, where the value alone does not say it.

    `field` is where the model keeps the value. A pool's key without a field passes through `Pool.settings` to the
    engines, which print it; the core decides nothing by it. `http` says why a tcp port refuses the key. `reach` says
    where a key counts that is written for the container itself: at this `place` alone, also on further `routes` that
    do not write their own, or for the whole `container`; a key of the last kind asks for no route by itself.
    """

    name: str
    kind: Kind[T]
    level: Level
    default: T
    meaning: str
    default_words: str = ""
    field: str = ""
    http: HttpOnly[T] | None = None
    reach: Reach = "place"

    def of(self, holder: Any) -> T:
        """Return the key's value in its `holder`, such as a Pool; the default where it has none."""
        if self.field:
            return cast("T", getattr(holder, self.field))
        return cast("T", dict(holder.settings).get(self.name, self.default))

    @property
    def default_text(self) -> str:
        """The default as the reference shows it."""
        return self.default_words or f"`{self.kind.brief(self.default)}`"
