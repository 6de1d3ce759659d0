"""The desired state in the files that are kept, read in the form of every release so far.

An upgrade of proxyctl adopts the running pools from these files, so the form of each release must stay readable.
"""

from __future__ import annotations

from typing import Annotated, Any

import pydantic

from proxyctl.core.features import retry, timeouts
from proxyctl.core.features.key import Key
from proxyctl.core.model import Desired

# Fields of a pool in releases before `settings`.
_FIELDS: dict[str, Key[Any]] = {
    "timeout_connect_ms": timeouts.CONNECT,
    "timeout_server_ms": timeouts.SERVER,
    "timeout_queue_ms": timeouts.QUEUE,
    "retry_unsafe": retry.UNSAFE,
}


def _current(value: Any) -> Any:
    """Return the JSON of a desired state with each pool in the present form; pydantic refuses any other JSON."""
    if not isinstance(value, dict) or not isinstance(value.get("pools"), list):
        return value
    return value | {"pools": [_pool(p) if isinstance(p, dict) else p for p in value["pools"]]}


def _pool(pool: dict[str, Any]) -> dict[str, Any]:
    found = [(key.name, pool[field]) for field, key in _FIELDS.items() if pool.get(field, key.default) != key.default]
    return {"settings": found} | pool


RecordedDesired = Annotated[Desired, pydantic.BeforeValidator(_current)]
