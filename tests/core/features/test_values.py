"""Parsers of label values: what each takes, what it makes of it, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from proxyctl.core.features import values
from proxyctl.core.features.values import Kind

ACCEPTED: list[tuple[Kind[Any], str, object]] = [
    *((values.boolean, text, True) for text in ("true", "1", "yes", "on", "TRUE", "On")),
    *((values.boolean, text, False) for text in ("false", "0", "no", "off", "False", "OFF")),
    (values.whole(0, 256), "0", 0),
    (values.whole(0, 256), "256", 256),
    (values.whole(0, 256), "007", 7),
    (values.duration(), "250ms", 250),
    (values.duration(), "5s", 5_000),
    (values.duration(), "1.5s", 1_500),
    (values.duration(), "1m", 60_000),
    (values.duration(), "24h", 86_400_000),
    (values.duration(), "1ms", 1),
    (values.word("http", "tcp"), "TCP", "tcp"),
    (values.pattern("[a-z]+", "letters"), "abc", "abc"),
    (values.hosts, "Shop.Example", ("shop.example",)),
    (values.hosts, "b.example, a.example c.example", ("a.example", "b.example", "c.example")),
    (values.hosts, "a.example,a.example", ("a.example",)),
    (values.hosts, "*.shop.example", ("*.shop.example",)),
    (values.hosts, "*", ("",)),
    (values.hosts, "shop.example.", ("shop.example",)),
    (values.hosts, "my_app", ("my_app",)),
    (values.hosts, "xn--bcher-kva.example", ("xn--bcher-kva.example",)),
    (values.hosts, ".".join(["a" * 63] * 3 + ["b" * 61]), (".".join(["a" * 63] * 3 + ["b" * 61]),)),
    (values.path, "/", "/"),
    (values.path, "/api", "/api"),
    (values.path, "/api/", "/api"),
    (values.path, "/a/b.c~d+@=:,!-_", "/a/b.c~d+@=:,!-_"),
    (values.path, "/..a", "/..a"),
    (values.uri, "/healthz", "/healthz"),
    (values.uri, "/health?full=1&deep=yes", "/health?full=1&deep=yes"),
    (values.uri, "/a%20b?c=%2F", "/a%20b?c=%2F"),
    (values.statuses, "2xx,3xx", "2xx,3xx"),
    (values.statuses, "200, 204 2XX", "200,204,2xx"),
    (values.statuses, "200,200", "200"),
    (values.cookie, "route", "route"),
    (values.cookie, "__Host-id", "__Host-id"),
    (values.cookie, "off", None),
    (values.cookie, "false", None),
]

REFUSED: list[tuple[Kind[Any], str]] = [
    *((values.boolean, text) for text in ("", "maybe", "2", "tru", "真")),
    *((values.whole(0, 256), text) for text in ("", "-1", "257", "1.0", "0x1", "1_0", "٣", "²", "1e1", "+1", " 1")),
    (values.whole(0, 256), "9" * 5000),
    *((values.duration(), text) for text in ("", "5", "5 s", "0s", "-1s", "0.5ms", "1.2345s", "25h", "1d", "٣s")),
    (values.duration(50), "49ms"),
    (values.word("http", "tcp"), "udp"),
    (values.pattern("[a-z]+", "letters"), "abc\n"),
    *(
        (values.hosts, text)
        for text in ("", ",", "~^a", "a..b", "-a", "a-", "a b;", "a/b", "a:80", "http://a", "bücher")
    ),
    *((values.hosts, text) for text in ("*a.example", "a.*", "*.", "*.*.a", ".a", "a" * 64, "a." * 127 + "a")),
    (values.hosts, ",".join(f"h{i}" for i in range(65))),
    *((values.path, text) for text in ("", "api", "//", "/a//b", "/a/../b", "/..", "/./a", "/a b", "/a?b", "/a#b")),
    *((values.path, text) for text in ("/a;b", "/a{", '/"', "/'", "/$a", "/a\\b", "/%zz", "/%20", "/\n", "/é", "/(a)")),
    (values.path, "/" + "a" * 512),
    *(
        (values.uri, text)
        for text in ("", "healthz", "/a b", "/a?b;c", "/a?b#c", "/a\r\nHost: x", "/?$x", "/?" + "a" * 511)
    ),
    *((values.uri, text) for text in ("/%zz", "/%2")),
    *((values.statuses, text) for text in ("", "600", "2x", "ok", "200-299", "20", "", ",".join(["200"] * 17))),
    *((values.cookie, text) for text in ("", "true", "yes", "a b", "a;b", "a=b", '"a"', "-a", "a" * 65, "é", "$a")),
]


@pytest.mark.parametrize(("kind", "text", "value"), ACCEPTED, ids=[f"{t[:30]!a}" for _, t, _ in ACCEPTED])
def test_accepted(kind: Kind[Any], text: str, value: object) -> None:
    """A value that is accepted has exactly one meaning."""
    assert kind.parse(text) == value


@pytest.mark.parametrize(("kind", "text"), REFUSED, ids=[f"{t[:30]!a}" for _, t in REFUSED])
def test_refused(kind: Kind[Any], text: str) -> None:
    """What is not plainly meant is refused, never guessed or cut."""
    with pytest.raises(ValueError):  # noqa: PT011 - what is accepted is said by the kind
        kind.parse(text)


def test_a_refusal_names_the_value_and_what_is_accepted() -> None:
    """The reason quotes the value and says what would do."""
    assert values.whole(0, 256).refuse("300") == '"300" is not accepted: a whole number from 0 to 256'
    assert values.boolean.refuse("x", "why") == f'"x" is not accepted: {values.boolean.accepts} (why)'


@pytest.mark.parametrize(
    ("text", "hint"), [("~x", "regular expressions"), ("bücher", "xn--"), ("a:80", "the labels `listen` and `path`")]
)
def test_a_host_that_is_meant_otherwise_gets_a_hint(text: str, hint: str) -> None:
    """Regular expressions, other alphabets and ports in a host are refused with words of their own."""
    with pytest.raises(ValueError, match=hint):
        values.hosts.parse(text)


def test_a_path_with_an_escape_gets_the_reason() -> None:
    """The two proxies compare different things, so a path that could meet one and not the other is refused."""
    with pytest.raises(ValueError, match="no %: nginx compares the decoded path"):
        values.path.parse("/caf%C3%A9")


def test_what_is_quoted_is_one_short_line_of_ascii() -> None:
    """A hostile value cannot break the line, colour the terminal or fill the screen."""
    text = values.quoted('"\x1b[31m\n\u202e' + "x" * 1000)
    assert text.isascii()
    assert text.isprintable()
    assert len(text) < 100
    assert text.endswith('..."')


@pytest.mark.parametrize(
    ("kind", "value", "text", "brief"),
    [
        (values.boolean, True, "true", "true"),
        (values.boolean, False, "false", "false"),
        (values.whole(0, 9), 5, "5", "5"),
        (values.duration(), 5_000, "5000ms", "5s"),
        (values.word("http", "tcp"), "tcp", "tcp", "tcp"),
        (values.cookie, "c", "c", "c"),
    ],
)
def test_a_value_can_be_written_as_a_label(kind: Kind[Any], value: object, text: str, brief: str) -> None:
    """What is written is read as the same value again."""
    assert (kind.write(value), kind.brief(value)) == (text, brief)
    assert kind.parse(text) == kind.parse(brief) == value


def test_no_value_is_written_as_none() -> None:
    """A key without a value says so in words."""
    assert values.cookie.write(None) == values.duration().brief(None) == "none"
