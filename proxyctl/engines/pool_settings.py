"""A pool's settings by label name, as templates write it: `pool["timeout.connect"]`. Pure.

So a new pool label needs no change of an engine's printed form. Next: `printed` of each engine.
"""

from __future__ import annotations

import dataclasses

from proxyctl.core.features.table import SETTINGS
from proxyctl.core.model import Pool, Setting


@dataclasses.dataclass(frozen=True, slots=True)
class PoolSettings:
    """The values of a pool's labels by name, with defaults filled in; times in milliseconds."""

    values: tuple[tuple[str, Setting], ...]

    @classmethod
    def of(cls, pool: Pool) -> PoolSettings:
        """Return the settings of a pool: a value for every label that passes through to the engines."""
        return cls(tuple((key.name, key.of(pool)) for key in SETTINGS))

    def __getitem__(self, label: str) -> Setting:
        """Return the value of a label; raise KeyError where no such label passes through to the engines."""
        for name, value in self.values:
            if name == label:
                return value
        raise KeyError(label)
