"""What is added to an error where no `watch` answers: the gateways that are here, and the command that is meant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from proxyctl.api.client import NoWatch
from proxyctl.cli import hints
from proxyctl.errors import ProxyctlError
from proxyctl.sources import NoNetwork, default_state

WEB = ("web", str(default_state("web")), True)
SHOP = ("shop", "/srv/a b", True)
STOPPED = ("shop", "/srv/a b", False)
EDGE = ("edge", "", True)
FLAGS = "--network shop --state '/srv/a b'"
INSIDE = "docker compose exec proxyctl proxyctl status"
ON, TAKES = "serves on without it", "takes it over"


@pytest.mark.parametrize(
    ("state", "found", "said"),
    [
        (default_state("web"), [], "no gateway is on this machine: `proxyctl watch --network NAME` makes one"),
        (default_state("web"), [WEB], f"the gateway of network web {ON}: `proxyctl watch --network web` {TAKES}"),
        (Path("/srv/a b"), [WEB, SHOP], f"the gateway of network shop {ON}: `proxyctl watch {FLAGS}` {TAKES}"),
        (Path("/srv/a b"), [STOPPED], f"the gateway of network shop is stopped: `proxyctl watch {FLAGS}` {TAKES}"),
        (default_state("wbe"), [WEB, SHOP], f"gateways here: web (`--network web`), shop (`{FLAGS}`)"),
        (None, [EDGE], f"gateways here: edge (made by a compose file: `{INSIDE}` beside it)"),
        (None, [WEB] * 5, f"gateways here: {', '.join(['web (`--network web`)'] * 3)} and 2 more"),
    ],
)
def test_the_command_that_is_meant(state: Path | None, found: Sequence[tuple[str, str, bool]], said: str) -> None:
    """By network and state folder; a folder with a blank is quoted for the shell."""
    assert hints._hint(state, found) == said


def test_other_errors_need_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker is not asked for them; where it cannot be asked, the error stands alone."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    for exc in (ProxyctlError("x"), NoWatch("x", Path("/x")), NoNetwork("x")):
        assert hints.of(exc) == ""
