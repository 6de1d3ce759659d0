"""Placeholders of commands: which there are, and what takes their place."""

from __future__ import annotations

import pytest

from proxyctl.labs.command import fill, placeholders


def test_placeholders_are_filled_and_what_docker_and_the_shell_have_in_braces_stays() -> None:
    """`{box}` is ours; `{{.Id}}`, `{{end}}`, `${HOME}`, `{print $1}` and `{A}` are not."""
    text = "docker inspect {box} -f '{{.Id}}{{end}}' | awk '{print $1}' > ${home}/{A}"
    assert placeholders(text) == {"box"}
    assert fill(text, {"box": "lab-1-box"}) == text.replace("{box}", "lab-1-box")


def test_a_placeholder_that_nothing_found_is_an_error() -> None:
    """Never a command with a hole in it."""
    with pytest.raises(KeyError):
        fill("kill {pid}", {})
