"""A pool's settings by the names of their labels, as templates ask for them: `pool["timeout.connect"]`. Pure.

With it a new label of a pool needs no change in an engine's printed form. Next: `printed` of each engine.
"""

from __future__ import annotations

import dataclasses

from proxyctl.core.model import Pool


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Values by label name, defaults filled in; times in milliseconds."""

    values: tuple[tuple[str, object], ...]

    @classmethod
    def of(cls, pool: Pool) -> Settings:
        """Return the settings of a pool."""
        return cls(
            (
                ("timeout.connect", pool.timeout_connect_ms),
                ("timeout.server", pool.timeout_server_ms),
                ("timeout.queue", pool.timeout_queue_ms),
                ("retry.unsafe", pool.retry_unsafe),
            )
        )

    def __getitem__(self, label: str) -> object:
        """Return the value of a label; raise KeyError where there is no such label of pools."""
        for name, value in self.values:
            if name == label:
                return value
        raise KeyError(label)
