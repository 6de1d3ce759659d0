"""What `plan`, `render` and `explain` look through, as far as it needs no Docker: the world that is decided about."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from proxyctl.app import preview
from proxyctl.app.parts import Parts
from proxyctl.core.decide.decision import decide
from proxyctl.core.labels.declaration import Options
from proxyctl.core.model import Override
from proxyctl.state.generations import GenerationFolder
from proxyctl.state.overrides import Overrides
from tests.core.worlds import HAPROXY, container, servers, world

A, B = container("a", {"pool": "web"}), container("b", {"pool": "web"})


async def test_the_world_is_that_of_a_watch_that_starts_now(tmp_path: Path) -> None:
    """Operators' overrides count; without a gateway that runs every name and port is taken as good."""
    generations = GenerationFolder(tmp_path / "proxy")
    generations.prepare()
    kept = Overrides(tmp_path)
    kept.keep("id-a", Override(drain=True))
    kept.maintain("web", on=True)
    parts = cast("Any", SimpleNamespace(generations=generations, settings=SimpleNamespace(state=tmp_path)))
    seen = await preview._world(cast("Parts", parts), HAPROXY, world(A, B), Options(), None, ask=False)
    outcome = decide(seen)
    assert servers(outcome) == {"web": ["a-", "b"]}
    assert [p.maintenance for p in outcome.desired.pools] == [True]
    assert {f.reason for f in seen.findings.values()} == {"no gateway runs to ask from"}


def test_the_secret_is_not_shown() -> None:
    """Terminals are shared, and logs are kept."""
    assert preview._without_secret("token 0123 end", "0123") == "token (secret) end"
