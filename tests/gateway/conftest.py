"""A fake Docker engine on a fresh socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.providers.docker.fake_engine import FakeEngine, running


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    """A fake engine that answers, without containers."""
    with running(tmp_path / "docker.sock", timeout=5) as made:
        yield made
