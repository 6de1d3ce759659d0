"""Documents of JSON that are not as Docker writes them: the paths of their fields, and another value at one of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

Path = tuple[Any, ...]
ABSENT = object()
"""In place of a value: the field is left out."""


def fields(json: Any, at: Path = ()) -> Iterator[Path]:
    """Yield the path of every field of a document, also of those that have further fields in them."""
    items = json.items() if isinstance(json, dict) else enumerate(json) if isinstance(json, list) else ()
    for key, value in items:
        yield (*at, key)
        yield from fields(value, (*at, key))


def changed(json: Any, at: Path, value: Any) -> Any:
    """Return a document with another value at a path; where that is gone already, the document."""
    if not at:
        return value
    made, (head, *rest) = copy.copy(json), at
    if not isinstance(made, dict | list) or head not in (made if isinstance(made, dict) else range(len(made))):
        return json
    if rest:
        made[head] = changed(made[head], tuple(rest), value)
    elif value is ABSENT:
        del made[head]
    else:
        made[head] = value
    return made
