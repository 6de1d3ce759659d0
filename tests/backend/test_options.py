"""What `proxyctl echo` understands of its command line and its environment."""

from __future__ import annotations

import socket

import pytest

from proxyctl.backend.options import Options, parse


def test_environment() -> None:
    """Each option can come from the environment; the command line wins."""
    environ = {
        "ECHO_NAME": "a",
        "ECHO_PORT": "81",
        "ECHO_ON_TERM": "abrupt",
        "ECHO_UNHEALTHY": "1",
        "ECHO_LINGER": "2s",
    }
    assert parse(["--name", "b"], environ) == Options(name="b", port=81, on_term="abrupt", linger=2.0, unhealthy=True)


def test_default_name() -> None:
    """Without a name it is the host's, which in a container is its short id."""
    assert parse([], {}) == Options(name=socket.gethostname())


@pytest.mark.parametrize("argv", [["--port", "70000"], ["--on-term", "never"], ["--linger", "-1"], ["--nope"]])
def test_usage_errors(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong option is exit code 2 and one line that names it."""
    with pytest.raises(SystemExit) as ended:
        parse(argv, {})
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert error.count("\n") == 1
    assert argv[0] in error


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--prot", "81"], "no option --prot 81; did you mean --port?"),
        (["--qqqq"], "no option --qqqq; `proxyctl echo --help` lists them"),
        (["--port"], "--port: it needs a value after it"),
        (["--port", "\x1b[31m"], "--port: '\\x1b[31m' is not a port"),
    ],
)
def test_mistakes_are_told_as_by_the_other_verbs(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the flag that was meant, and without a word of the parser's."""
    with pytest.raises(SystemExit):
        parse(argv, {})
    assert capsys.readouterr().err == f"proxyctl echo: {said}\n"
