"""The pipe by which a gateway sees whether a `watch` runs."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from proxyctl.core import layout
from proxyctl.errors import GatewayError
from proxyctl.gateway.presence import present


def writable(pipe: Path) -> bool:
    """Return whether somebody would read what is written there."""
    try:
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def test_the_pipe_has_a_reader_only_while_a_watch_runs(tmp_path: Path) -> None:
    """It stays behind a `watch`, also behind a killed one, and the next takes it."""
    pipe = tmp_path / layout.WATCHING
    for _ in range(2):
        with present(tmp_path):
            assert stat.S_ISFIFO(pipe.stat().st_mode)
            assert writable(pipe)
        assert not writable(pipe)


def test_where_it_cannot_be_the_path_is_named(tmp_path: Path) -> None:
    """The message says what is in the way, and what to do."""
    (tmp_path / layout.WATCHING).mkdir()
    with pytest.raises(GatewayError, match=r"watching: Is a directory: remove it"), present(tmp_path):
        pass
