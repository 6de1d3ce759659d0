"""What a proxy binary knows of itself."""

from __future__ import annotations

import pytest

from proxyctl.core.model import Features, ServerCount


def test_versions_compare_as_numbers() -> None:
    """1.10 is later than 1.9, and a version is written with dots."""
    features = Features("nginx", (1, 10, 2))
    assert features.since(1, 9)
    assert features.since(1, 10, 2)
    assert not features.since(1, 10, 3)
    assert features.version_text == "1.10.2"


@pytest.mark.parametrize(
    ("up", "reason", "fails"), [(False, "refused", True), (False, "", False), (True, "", False), (None, "", False)]
)
def test_a_check_fails_once_it_has_ended(up: bool | None, reason: str, *, fails: bool) -> None:
    """A server that is down before its first check has ended does not fail, nor does one without a check."""
    assert ServerCount("web", "a", 0, up, reason).fails is fails
