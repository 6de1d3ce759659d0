"""Both engines' templates against whole golden files, of which the proxies themselves read every one in `tests/docker`.

`PROXYCTL_GOLDEN=write` rewrites the files; read the difference before committing it.
"""

from __future__ import annotations

import os

import pytest

from tests.engines.golden import Golden
from tests.engines.haproxy.worlds import GOLDEN as HAPROXY
from tests.engines.nginx.worlds import GOLDEN as NGINX

BOTH = (HAPROXY, NGINX)
CASES = [pytest.param(g, *case, id="-".join((g.engine, *case))) for g in BOTH for case in g.cases]


@pytest.mark.parametrize(("golden", "world", "version"), CASES)
def test_a_world_is_printed_as_its_golden_file_says(golden: Golden, world: str, version: str) -> None:
    """Each world renders to the bytes that were reviewed."""
    file, text = golden.file(world, version), golden.rendered(world, version)
    if os.environ.get("PROXYCTL_GOLDEN") == "write":
        file.write_text(text)
    assert text == file.read_text()


@pytest.mark.parametrize("golden", BOTH, ids=[g.engine for g in BOTH])
def test_every_golden_file_has_its_world(golden: Golden) -> None:
    """No file is left over from a world that is gone."""
    assert set(golden.folder.iterdir()) == {golden.file(*case) for case in golden.cases}
