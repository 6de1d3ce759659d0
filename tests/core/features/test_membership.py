"""The labels by which a container takes part."""

from __future__ import annotations

import pytest

from proxyctl.core.features import membership
from proxyctl.core.features.key import Key
from proxyctl.core.labels.reading import parse
from tests.core.features.reading import further, member, on_tcp
from tests.core.worlds import container

NAMES = [
    (membership.POOL, "api.v1_b-2", True),
    (membership.POOL, "0", True),
    (membership.POOL, "a" * 63, True),
    *((membership.POOL, text, False) for text in ("", "Api", "-a", ".a", "a b", "a" * 64, "a\n", "é")),
    (membership.NETWORK, "Back_end.1-x", True),
    *((membership.NETWORK, text, False) for text in ("", "-a", "a b", "a/b", "a" * 129)),
]


@pytest.mark.parametrize(("key", "text", "good"), NAMES, ids=[f"{k.name}-{t[:9]!a}" for k, t, _ in NAMES])
def test_names(key: Key[str], text: str, good: bool) -> None:
    """A pool's name can stand in a configuration; a network's is whatever Docker takes."""
    problems = parse(container("web", {key.name: text})).problems
    assert [p.label for p in problems] == ([] if good else [f"proxyctl.{key.name}"])


def test_they_are_said_once_for_the_container() -> None:
    """A further route is on the container's network, and may name another one."""
    assert further({"network": "back"}).network == "back"
    assert further({"network": "back", "route.x.network": "front"}).network == "front"
    assert member({}).network == ""


def test_they_go_with_tcp() -> None:
    """None of them is about HTTP."""
    assert on_tcp({"pool": "p", "network": "n"}) == {}
