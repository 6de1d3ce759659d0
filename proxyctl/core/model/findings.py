"""What was found out: which targets are ready, and what is wrong."""

from __future__ import annotations

import dataclasses
from typing import Literal

from proxyctl.core import codes
from proxyctl.core.model.desired import HealthCheck

Severity = Literal["error", "warning"]


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Target:
    """One address whose readiness matters: a container's port, and the check that it has to pass.

    Without a `check`, one TCP connect that succeeds is enough. `protocol` is what the check speaks. `known_as` are the
    names by which DNS knows the address, where they are not the container's name and id alone.
    """

    container: str
    name: str
    address: str
    port: int
    check: HealthCheck | None = None
    protocol: Literal["http", "https"] = "http"
    known_as: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """Whether a target is ready; `reason` says to a person why not.

    `late`: the grace time is over, so that waiting has become a problem to report, of the kind `code`.
    """

    ok: bool
    reason: str = ""
    late: bool = False
    code: str = codes.NOT_READY


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Why a container, a route or the gateway is not as its owner may expect, and what to do about it.

    An `error` keeps the container (or the route) out; a `warning` does not. `label` may be empty. `code` is its kind.
    """

    container: str
    label: str
    reason: str
    severity: Severity = "error"
    code: str = dataclasses.field(kw_only=True)
