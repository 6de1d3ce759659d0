"""Where the answer names its server."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from proxyctl.check.load.served import ServerFrom, parse_server_from
from proxyctl.errors import UsageError

HEADERS = CIMultiDict({"X-Served-By": "web1"})
BODY = b'{"server": "web2", "hosts": [{"name": "web3", "a/b": 4, "m~n": true}], "none": null}'


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("header:x-served-by", "web1"),
        ("header:X-Nothing", None),
        (r'body:"server": "(\w+)"', "web2"),
        (r"body:web\d", "web2"),
        ("body:nothing", None),
        ("json:/server", "web2"),
        ("json:/hosts/0/name", "web3"),
        ("json:/hosts/0/a~1b", "4"),
        ("json:/hosts/0/m~0n", "True"),
        ("json:/hosts/1/name", None),
        ("json:/hosts/x", None),
        ("json:/server/x", None),
        ("json:/none", None),
        ("json:/hosts", None),
    ],
)
def test_names(text: str, name: str | None) -> None:
    """A header, a regular expression's first group or a JSON pointer gives the name; nothing gives none."""
    assert parse_server_from(text).name(HEADERS, BODY) == name


def test_not_json() -> None:
    """A body that is no JSON names nobody."""
    assert ServerFrom("json", "/server").name(HEADERS, b"<html>") is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("header", "is not like header:X-Served-By, body:REGEX or json:/path"),
        ("cookie:x", "is not like header:X-Served-By"),
        ("header:X Y", "is not the name of a header"),
        ("body:(", "is not a regular expression"),
        ("json:server", "is not a JSON pointer such as /server"),
    ],
)
def test_refused(text: str, reason: str) -> None:
    """What cannot be meant is refused with what can."""
    with pytest.raises(UsageError, match=reason):
        parse_server_from(text)


def test_which_need_the_body() -> None:
    """Only a header can be had without the body; the gateway's own is known in any case of letters."""
    assert [parse_server_from(t).reads_body for t in ("header:a", "body:a", "json:/a")] == [False, True, True]
    assert parse_server_from("header:x-proxyctl-server").gateway
    assert str(ServerFrom("json", "/a")) == "json:/a"
