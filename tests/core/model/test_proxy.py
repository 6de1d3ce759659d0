"""What a proxy binary knows of itself."""

from __future__ import annotations

from proxyctl.core.model import Features


def test_versions_compare_as_numbers() -> None:
    """1.10 is later than 1.9, and a version is written with dots."""
    features = Features("nginx", (1, 10, 2))
    assert features.since(1, 9)
    assert features.since(1, 10, 2)
    assert not features.since(1, 10, 3)
    assert features.version_text == "1.10.2"
