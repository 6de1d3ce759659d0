"""What the tests of `proxyctl check` share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the gateways of this machine out of the tests."""
    for name in ("PROXYCTL_NETWORK", "PROXYCTL_STATE", "PROXYCTL_CHECK_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("proxyctl.sources.default_state", lambda name, *_: tmp_path / "var" / name)
