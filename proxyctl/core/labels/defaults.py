"""The `[defaults]` of proxyctl.toml: values of labels that a container does not write itself. Pure."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from proxyctl.core.features import table


def check_defaults(defaults: Mapping[str, str]) -> tuple[str, ...]:
    """Return what is wrong with `[defaults]`, one line each: `weight: "300" is not accepted: ...`."""
    lines = []
    for name, text in sorted(defaults.items()):
        _, reason = table.check(name, text, "")
        if not reason and table.BY_NAME[name].level == "container":
            reason = "belongs on a container, it has no default"
        if reason:
            lines.append(f"{name}: {reason}")
    return tuple(lines)


@functools.lru_cache(maxsize=8)
def parsed(defaults: tuple[tuple[str, str], ...]) -> Mapping[str, object]:
    """Return the typed values by key; raise ValueError where `check_defaults` returns a line."""
    if wrong := check_defaults(dict(defaults)):
        raise ValueError("; ".join(wrong))
    return {name: table.check(name, text, "")[0] for name, text in defaults}
