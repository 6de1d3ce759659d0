"""What tests ask of one container's labels."""

from __future__ import annotations

from proxyctl.core.labels.declaration import Declaration, Membership


def one(declaration: Declaration) -> Membership:
    """Return the only membership of a declaration without problems."""
    assert declaration.problems == ()
    (membership,) = declaration.memberships
    return membership


def places(membership: Membership) -> list[str]:
    """Return the claims as `80 host/path`."""
    return [f"{c.listen} {c.host}{c.path}{' stripped' * c.strip_prefix}" for c in membership.claims]
