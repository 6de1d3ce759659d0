"""Which servers start down, by the file that HAProxy loads its configuration with."""

from __future__ import annotations

from pathlib import Path

from proxyctl.engines.haproxy import state
from proxyctl.engines.haproxy.lines import ServerLine
from proxyctl.engines.haproxy.paths import STATE_FILE


def test_only_checked_servers_that_nobody_knows_start_down(tmp_path: Path) -> None:
    """Those with a check that has not passed are written; known, unchecked and disabled ones are not."""
    servers = {
        "web": {
            "new": ServerLine("new", "10.0.0.2", 80, ("weight", "3", "check", "port", "81")),
            "known": ServerLine("known", "10.0.0.3", 80, ("check",)),
            "moved": ServerLine("moved", "10.0.0.4", 80, ("ssl", "check")),
            "plain": ServerLine("plain", "10.0.0.5", 80, ()),
            "off": ServerLine("off", "10.0.0.6", 80, ("check", "disabled")),
        }
    }
    state.write(tmp_path, servers, frozenset({("web", "known", "10.0.0.3", 80), ("web", "moved", "10.0.0.9", 80)}))
    rows = (tmp_path / STATE_FILE).read_text().splitlines()[2:]
    assert [r.split()[3] for r in rows] == ["new", "moved"]
    assert rows[0] == "1 web 1 new 10.0.0.2 0 0 3 3 0 1 0 0 6 0 0 0 - 80 - 0 81 - - 0"
    state.write(tmp_path, servers, state.known(servers))
    assert len((tmp_path / STATE_FILE).read_text().splitlines()) == 2
