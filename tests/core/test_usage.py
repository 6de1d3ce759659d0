"""`proxyctl.core.usage`: four fifths of a limit are a warning."""

from __future__ import annotations

from proxyctl.core import codes
from proxyctl.core.usage import Usage, near


def test_a_limit_that_is_nearly_reached_is_a_warning() -> None:
    """The words stay the same while the figure moves, so the journal has one line."""
    (problem,) = near((Usage("connections", 80, 100), Usage("open files", 79, 100)))
    assert (problem.code, problem.severity) == (codes.NEAR_LIMIT, "warning")
    assert "80% of the 100 connections" in problem.reason
    assert "`[proxy] maxconn`" in problem.reason
    assert list(near([Usage("connections", 99, 100)])) == [problem]


def test_open_files_have_a_limit_of_their_own() -> None:
    """It is Docker's."""
    (problem,) = near([Usage("open files", 1000, 1024)])
    assert "`nofile`" in problem.reason


def test_a_limit_that_nobody_knows_is_none() -> None:
    """As of a HAProxy that names no maxconn."""
    assert list(near([Usage("connections", 5, 0)])) == []
