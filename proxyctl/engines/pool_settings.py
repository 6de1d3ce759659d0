"""A pool's settings by the names of their labels, as templates ask for them: `pool["timeout.connect"]`. Pure.

With it a new label of a pool needs no change in an engine's printed form. Next: `printed` of each engine.
"""

from __future__ import annotations

import dataclasses

from proxyctl.core.features.table import SETTINGS
from proxyctl.core.model import Pool, Setting


@dataclasses.dataclass(frozen=True, slots=True)
class PoolSettings:
    """Values by label name, defaults filled in; times in milliseconds."""

    values: tuple[tuple[str, Setting], ...]

    @classmethod
    def of(cls, pool: Pool) -> PoolSettings:
        """Return the settings of a pool, of every label that passes through to the engines."""
        return cls(tuple((key.name, key.of(pool)) for key in SETTINGS))

    def __getitem__(self, label: str) -> Setting:
        """Return the value of a label; raise KeyError where no such label passes through to the engines."""
        for name, value in self.values:
            if name == label:
                return value
        raise KeyError(label)
