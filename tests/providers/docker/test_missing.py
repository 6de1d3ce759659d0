"""`proxyctl.providers.docker.missing`: how long a listing without a container is not believed."""

from __future__ import annotations

from proxyctl.providers.docker.missing import Missing


def test_a_listing_is_not_believed_at_once() -> None:
    """A container that it lacks is missing until it is found again, or its end is told."""
    missing = Missing(believed_after=60)
    missing.note({"a", "b", "c"}, {"a"})
    assert missing.ids == {"b", "c"}
    missing.note({"a"}, {"a", "b"})
    assert missing.ids == {"c"}
    assert missing.forget("c")
    assert not missing.forget("c")
    assert "c" not in missing


def test_after_its_time_a_listing_is_believed() -> None:
    """A container that listings have lacked for so long is gone."""
    missing = Missing(believed_after=0)
    missing.note({"a"}, set())
    assert missing.ids == frozenset()
