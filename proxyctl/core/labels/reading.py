"""Reads one container's labels into typed values or Problems; pure.

A mistake leaves the whole container out, never a part of it; all of its mistakes are reported at once.
`core.features.table` has the keys. Next: `decide.members`.
"""

from __future__ import annotations

from proxyctl.core import codes, layout
from proxyctl.core.features import membership
from proxyctl.core.labels.declaration import Declaration, Options
from proxyctl.core.labels.memberships import memberships
from proxyctl.core.labels.origin import one_off
from proxyctl.core.labels.scopes import Labels
from proxyctl.core.model import Container, Problem

_PLAIN = Options()


def parse(container: Container, options: Options = _PLAIN) -> Declaration:
    """Read the labels of one container; the defaults in `options` must have passed `check_defaults`."""
    if layout.GATEWAY_LABEL in dict(container.labels):
        return Declaration(takes_part=False)
    labels = Labels(container, options)
    enable = labels.main.own(membership.ENABLE)
    asked = membership.ENABLE.name in labels.main.given
    if asked and enable is None:
        bad = tuple(p for p in labels.problems if p.label == labels.main.label(membership.ENABLE))
        return Declaration(takes_part=False, asked=True, problems=bad)
    if not (enable if asked else options.expose_by_default):
        return Declaration(takes_part=False, asked=asked, problems=() if asked else _forgotten(labels))
    if one_off(container) and not options.one_offs:
        return Declaration(takes_part=False, asked=asked, one_off=True)
    found = tuple(memberships(labels))
    if labels.problems:
        found = ()
    network = labels.main.get(membership.NETWORK)
    problems = tuple(sorted({*labels.problems, *labels.warnings}))
    return Declaration(takes_part=True, asked=asked, network=network, memberships=found, problems=problems)


def _forgotten(labels: Labels) -> tuple[Problem, ...]:
    """Return the warning for a container that has labels of proxyctl, but not `enable`."""
    if not (labels.main.given or labels.routes or labels.problems):
        return ()
    enable = labels.main.label(membership.ENABLE)
    reason = f"has {labels.prefix.rstrip('.')} labels but no {enable}=true: it takes no part"
    return (Problem(labels.container.name, enable, reason, "warning", code=codes.NOT_ENABLED),)
