"""Which lines of the journal are about a pool, and so make its balance a matter of before and after."""

from __future__ import annotations

import pytest

from proxyctl.check.events import concerns
from proxyctl.core.status import Event


@pytest.mark.parametrize(
    ("kind", "text", "about"),
    [
        ("join", "web4 joined pool web at 10.0.0.4:80", True),
        ("leave", "web1 left pool web", True),
        ("drain", "web1 drains in pool web", True),
        ("change", "web1 in pool web: weight 1 → 3", True),
        ("pool", "pool web: settings changed", True),
        ("leave", "web1 left pool web-2", False),
        ("leave", "web1 left pool web.api", False),
        ("leave", "web1 left pool shop-web", False),
        ("route", "port 80 now routes */ → web", False),
        ("problem", "web1 in pool web: refused", False),
    ],
)
def test_an_event_of_a_pool(kind: str, text: str, about: bool) -> None:
    """By the whole name: another pool may begin or end alike. A problem alone moves no request."""
    assert concerns(Event(0.0, kind, text), "web") == about
