"""What the command line refuses: every verb, every flag, in words of ours, on one line, with exit code 2."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from proxyctl.cli.app import VERBS, build, run
from tests.test_sources import TEXTS_OF_LIBRARIES

OTHERS = re.compile(r"No such|Missing|Got unexpected|requires an argument|Option '|Value error|is not one of '")
NOWHERE = ("--network", "no-such-network-here")
WRONG: dict[str, list[str]] = {
    "--network": ["", "we b"],
    "--join": ["", "we b", "host"],
    "--engine": ["", "ngin"],
    "--publish": ["", "80", "300.1.1.1:80:80"],
    "--config": ["", "/no/such/file"],
    "--templates": ["", "/no/such/folder"],
    "--state": [""],
    "--api": ["", "8900", "x:y"],
    "--label-prefix": ["", "A"],
    "--resync": ["", "30", "x"],
    "--duration": ["", "10", "x"],
    "--timeout": ["", "x"],
    "--wait": ["", "x"],
    "--within": ["", "x"],
    "--share": ["", "x", "3,1"],
    "--method": ["", "G T"],
    "--header": ["", "x", "a b: c"],
    "--data": ["@/no/such/file"],
    "--http-version": ["", "2"],
    "--key-by": ["", "x"],
    "--server-from": ["", "x", "body:["],
    "--expect-weights": ["", "x", "a=b"],
    "--expect-balance": ["", "x"],
    "--expect": ["", "x", "p99<"],
    "--label": ["", "x", "weight=x"],
    "--least": ["", "x", "-1%"],
    "--junit": ["", "/no/such/folder/x", "/"],
    "--html": ["", "/no/such/folder/x", "/"],
    "--cacert": ["/no/such/file"],
}
NUMBERS = {
    "--requests", "--concurrency", "--rate", "--workers", "--keys", "--proxy-workers", "--count", "--level",
}  # fmt: skip
ANY_TEXT = {"--host", "--sni", "--image", "--pool", "--path", "--dir"}  # what they name is looked for elsewhere
ARGUMENTS = {
    "explain": ["web1"], "drain": ["web1"], "ready": ["web1"], "weight": ["web1", "3"], "maintenance": ["web", "on"],
    "rollout": ["web", "--image", "x"], "check URL": ["https://127.0.0.1:1/"], "check compare": ["a.json", "b.json"],
    "check scenario": ["all", "--ephemeral"], "lab show": ["clip1"], "lab run": ["clip1"],
}  # fmt: skip
"""What each verb cannot do without."""


def commands(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every verb with its words on the command line; `echo` parses its own."""
    command = command or typer.main.get_command(build())
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))
    if path and not hasattr(command, "commands") and path != ("echo",):
        yield path, command


EVERY = list(commands())
VALUED = [(path, p) for path, c in EVERY for p in c.params if p.param_type_name == "option" and not p.is_flag]


def argv(path: tuple[str, ...], *more: str) -> list[str]:
    """Return a whole command line of a verb, with all that it cannot do without."""
    words = [word for word in path if word != "URL"]
    return [*words, *ARGUMENTS.get(" ".join(path), ()), *more]


def line(capsys: pytest.CaptureFixture[str], words: list[str]) -> str:
    """Return the one line on stderr of a command line that is refused."""
    code = run(words)
    out, err = capsys.readouterr()
    assert (code, out) == (2, ""), (words, code, err)
    assert err.count("\n") == 1, err
    assert not TEXTS_OF_LIBRARIES.search(err), err
    assert not OTHERS.search(err), err
    return err.removeprefix("proxyctl: ")


def longest(param: Any) -> str:
    """Return a flag's long name."""
    return str(max(param.opts, key=len))


@pytest.mark.parametrize(("path", "param"), VALUED, ids=[f"{' '.join(p)} {longest(o)}" for p, o in VALUED])
def test_every_flag_refuses_what_it_does_not_take(
    path: tuple[str, ...], param: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line begins with the flag; nothing was asked of Docker by then."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    flag = longest(param)
    number = flag in NUMBERS
    for value in ["", "x", "1e99x"] if number else WRONG.get(flag, []):
        words = argv(path, f"{flag}={value}")
        if any(longest(p) == "--network" for c in EVERY if c[0] == path for p in c[1].params) and flag != "--network":
            words += NOWHERE
        assert line(capsys, words).startswith((f"{flag}: ", f"{flag} "))
    assert number or flag in WRONG or flag in ANY_TEXT or param.metavar == "ko|en"


@pytest.mark.parametrize(("path", "param"), VALUED, ids=[f"{' '.join(p)} {longest(o)}" for p, o in VALUED])
def test_every_flag_without_its_value_is_told_so(
    path: tuple[str, ...], param: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the last word of a command line, where nothing follows."""
    assert line(capsys, argv(path, longest(param))) == f"{longest(param)} needs a value after it\n"


@pytest.mark.parametrize("path", [p for p, _ in EVERY], ids=" ".join)
def test_a_mistyped_flag_is_answered_with_the_right_one(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Each verb knows its own flags; what is like none of them gets the way to the list."""
    shown = " ".join(word for word in ("proxyctl", *path) if word != "URL")
    for param in next(c for p, c in EVERY if p == path).params:
        flag = longest(param)
        if param.param_type_name == "option" and len(flag) > 6:
            said = line(capsys, argv(path, f"{flag[:-1]}q"))
            assert said.startswith(f"{shown} has no option {flag[:-1]}q; did you mean --"), said
    assert line(capsys, argv(path, "--qqqq")) == f"{shown} has no option --qqqq; `{shown} --help` lists them\n"


@pytest.mark.parametrize("path", [p for p, _ in EVERY if " ".join(p) in ARGUMENTS], ids=" ".join)
def test_a_missing_argument_is_named_as_the_help_names_it(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """And what it is for."""
    first = next(p for p in next(c for p, c in EVERY if p == path).params if p.required)
    said = line(capsys, [word for word in path if word != "URL"])
    assert said.startswith(f"{(first.metavar or '').strip('[].')} is missing: ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["wach"], "there is no command wach; did you mean watch?"),
        (["satus"], "there is no command satus; did you mean status?"),
        (["lab", "shwo"], "there is no command shwo; did you mean show?"),
        (["check", "scenaro", "all"], "there is no command `check scenaro`; did you mean `check scenario`?"),
        (["frobnicate"], f"there is no command frobnicate; there are {', '.join(sorted(VERBS))}"),
        (["status", "web1"], "proxyctl status takes no further argument, and was given web1: `proxyctl status --help`"),
        (["watch", "--once=3"], "--once is a switch, without a value"),
        (["weight", "web1", "300"], 'WEIGHT: "300" is not accepted: a whole number from 0 to 256'),
        (
            ["weight", "web1", "\x1b]0;x\x07"],
            'WEIGHT: "\\u001b]0;x\\u0007" is not accepted: a whole number from 0 to 256',
        ),
        (["maintenance", "web", "onn"], 'on|off: "onn" is not accepted: on or off'),
        (["rollback", "last"], 'GENERATION: "last" is not accepted: a whole number'),
        (["lab", "run", "clip1", "--lang", "de"], '--lang: "de" is not accepted: ko or en'),
        (["check", "http://a/", "--rate", "0"], '--rate: "0" is not accepted: a number from 0.001 to 50000'),
        (["rollout", "web", "--image", "x", "--count", "0"], '--count: "0" is not accepted: a whole number from 1 up'),
    ],
)
def test_mistakes_that_people_make(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The right word where there is one, the accepted values where not."""
    assert line(capsys, words) == f"{said}\n"
