"""Every command that a message tells people to run is run by a test on Docker, or says why not."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.remedies import NOT_RUN, named

SCENARIOS = Path(__file__).parent / "docker" / "test_remedies.py"


def _run() -> set[str]:
    """Return the commands that the scenarios take out of messages: the last argument of each `remedy(...)`."""
    calls = (n for n in ast.walk(ast.parse(SCENARIOS.read_text("utf-8"))) if isinstance(n, ast.Call))
    return {
        n.args[-1].value
        for n in calls
        if isinstance(n.func, ast.Name)
        and n.func.id == "remedy"
        and isinstance(n.args[-1], ast.Constant)
        and isinstance(n.args[-1].value, str)
    }


def test_every_remedy_has_a_scenario_or_a_reason() -> None:
    """A new command in a message needs a scenario in tests/docker/test_remedies.py; one that went needs none."""
    found, run = named().keys(), _run()
    assert found - run - NOT_RUN.keys() == set(), "no scenario runs these"
    assert (run | NOT_RUN.keys()) - found == set(), "no message names these any more"
    assert run & NOT_RUN.keys() == set()


def test_the_search_sees_the_commands_of_all_kinds_of_text() -> None:
    """A page of a code, an f-string, a provider's command; but no docstring, which people are not shown."""
    found = named()
    assert "core/codes.py" in found["proxyctl rollback --release"]
    assert "gateway/spec.py" in found["docker restart {}"]
    assert "providers/docker/commands.py" in found["docker network connect {} {}"]
    assert not any("docker stop" in command for command in found)
