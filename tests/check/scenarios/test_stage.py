"""What a stage does to containers, with an engine and a watch in memory."""

from __future__ import annotations

from unittest import mock

from proxyctl.check.scenarios.place import Place, Target
from proxyctl.check.scenarios.stage import Stage
from tests import statuses


def test_a_pause_is_asked_for_until_docker_makes_it() -> None:
    """Docker can give up on one where the machine is busy: the stage asks again, and goes on with a paused server."""
    containers = mock.Mock(**{"pause.side_effect": [False, False, True]})
    watch = mock.Mock(**{"status.return_value": statuses.status(statuses.pool("web"))})
    stage = Stage(
        containers, watch, Place("net", "web", ephemeral=False), Target("http://x/", "", ""), 1, lambda: False
    )
    stage.pause("web1")()
    assert containers.pause.mock_calls == [mock.call("id-web1", "web1")] * 3
    containers.unpause.assert_called_once_with("id-web1", "web1")
