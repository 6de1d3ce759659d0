"""From requests to octets, and their order."""

from __future__ import annotations

import collections

import pytest
import yarl
from multidict import CIMultiDict

from proxyctl.check.load.request import Request
from proxyctl.check.load.shots import KeyBy, Shot, Shots, host_of, parse_key_by, source_of
from proxyctl.errors import UsageError

URL = "http://127.0.0.1:8080/a?b=c"


def lines(shots: Shots) -> list[str]:
    """Return the lines of the next request."""
    shot = shots.next()
    assert shot is not None
    return shot.octets.decode().split("\r\n")


def taken(shots: Shots) -> list[Shot]:
    """Take all that may go out at the same time."""
    found = []
    while (shot := shots.next()) is not None:
        found.append(shot)
    return found


def keyed(kind: str, keys: int, url: str = URL, name: str = "") -> list[str]:
    """Return the first lines, or all where a header is the key, of one round of keys, sorted."""
    shots = Shots([Request(url)], key_by=KeyBy(kind, name), keys=range(keys))
    found = sorted("\n".join(lines(shots)) for _ in range(keys))
    assert shots.next() is None
    return found


def test_plain_request() -> None:
    """A request has what HTTP/1.1 demands, a name and nothing else."""
    request, host, agent, accept, *rest = lines(Shots([Request(URL)]))
    assert (request, host, accept, rest) == ("GET /a?b=c HTTP/1.1", "Host: 127.0.0.1:8080", "Accept: */*", ["", ""])
    assert agent.startswith("User-Agent: proxyctl-check/")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"url": "http://a/"}, "Host: a"),
        ({"url": "https://a:443/"}, "Host: a"),
        ({"url": "http://[::1]:81/"}, "Host: [::1]:81"),
        ({"url": "http://me:secret@a/"}, "Authorization: Basic bWU6c2VjcmV0"),
        ({"keepalive": False}, "Connection: close"),
        ({"http_version": "1.0"}, "GET /a?b=c HTTP/1.0"),
        ({"method": "POST"}, "Content-Length: 0"),
        ({"body": b"abc"}, "Content-Length: 3"),
        ({"headers": (("host", "shop.example"),)}, "host: shop.example"),
        ({"headers": (("Content-Length", "9"),), "body": b"abc"}, "Content-Length: 9"),
    ],
)
def test_heads(options: dict[str, object], line: str) -> None:
    """Each option is in the head as HTTP writes it; the user's own headers replace ours."""
    request = Request(**{"url": URL, **options})  # type: ignore[arg-type]
    head = lines(Shots([request]))
    assert line in head
    names = [each.partition(":")[0].lower() for each in head[1:] if each]
    assert len(names) == len(set(names))


def test_the_host_of_a_url_is_without_the_schemes_own_port() -> None:
    """What is sent, and what a proxy must tell its servers was asked for."""
    hosts = (
        "http://a.test/",
        "http://a.test:80/x",
        "https://[::1]:443/",
        "http://10.0.0.1:8080/",
        "https://a.test:80/",
    )
    assert [host_of(yarl.URL(url)) for url in hosts] == ["a.test", "a.test", "[::1]", "10.0.0.1:8080", "a.test:80"]


def test_shares() -> None:
    """In any stretch each URL is as frequent as its share."""
    shots = Shots([Request("http://a/1"), Request("http://a/2"), Request("http://a/3")], [3, 1, 1])
    order = "".join(lines(shots)[0].split("/")[1][0] for _ in range(15))
    assert order == "12131" * 3
    equal = Shots([Request("http://a/1"), Request("http://a/2")])
    assert collections.Counter(lines(equal)[0] for _ in range(10)) == {
        "GET /1 HTTP/1.1": 5,
        "GET /2 HTTP/1.1": 5,
    }


def test_keys_in_the_path() -> None:
    """A key is in the path where `{key}` stands, else as its last segment; the query stays."""
    assert [k.split("\n")[0] for k in keyed("uri", 2)] == [
        "GET /a/key-0?b=c HTTP/1.1",
        "GET /a/key-1?b=c HTTP/1.1",
    ]
    assert keyed("uri", 1, "http://a/x/{key}/y?z={key}")[0].startswith("GET /x/key-0/y?z=key-0 HTTP/1.1")
    assert keyed("uri", 1, "http://a/")[0].startswith("GET /key-0 HTTP/1.1")


def test_keys_in_a_header() -> None:
    """A key is the value of a header."""
    assert "\nX-User: key-1\n" in keyed("header", 2, name="X-User")[1]


def test_keys_as_sources() -> None:
    """A key is an address of its own to connect from."""
    shots = Shots([Request(URL)], key_by=KeyBy("source"), keys=range(300))
    places = {shot.place.source for shot in taken(shots)}
    assert len(places) == 300
    assert {source_of(0), source_of(253), source_of(254)} == {"127.0.1.1", "127.0.1.254", "127.0.2.1"}


def test_cookies() -> None:
    """A key sends the cookies that it was given, the newest of each name, and no other key does."""
    shots = Shots([Request(URL, body=b"x", method="POST")], key_by=KeyBy("cookie"), keys=range(2))
    one, other = shots.next(), shots.next()
    assert one is not None
    assert other is not None
    said = CIMultiDict([("Set-Cookie", "a=1; path=/"), ("Set-Cookie", "b=2; HttpOnly"), ("Set-Cookie", "=;;")])
    shots.back(one, said)
    shots.back(other, None)
    for _ in range(2):
        shot = shots.next()
        assert shot is not None
        cookies = [line for line in shot.octets.decode().split("\r\n") if line.startswith("Cookie")]
        assert cookies == (["Cookie: a=1; b=2"] if shot.key == one.key else [])
        assert shot.octets.endswith(b"\r\n\r\nx")
        shots.back(shot, CIMultiDict([("Set-Cookie", "a=3")]))
    again = {shot.key: shot.octets.decode() for shot in taken(shots)}
    assert "Cookie: a=3; b=2" in again[one.key]


def test_a_key_is_under_way_once() -> None:
    """No key is sent again before its request has ended, and each round asks all, in another order."""
    shots = Shots([Request(URL)], key_by=KeyBy("uri"), keys=range(8))
    orders = []
    for _ in range(3):
        every = taken(shots)
        assert sorted(shot.key or 0 for shot in every) == list(range(8))
        orders.append([shot.key for shot in every])
        for shot in every:
            shots.back(shot, {})
    assert len(set(map(tuple, orders))) == 3


@pytest.mark.parametrize("text", ["", "path", "header", "uri:x", "header:"])
def test_refused_key_by(text: str) -> None:
    """Only what can be varied is accepted."""
    with pytest.raises(UsageError, match="is none of uri, cookie, source and header:NAME"):
        parse_key_by(text)


def test_certificates_that_cannot_be_read() -> None:
    """A file of certificates that is none is one clear line."""
    with pytest.raises(UsageError, match="the certificates in /nowhere cannot be read"):
        Shots([Request("https://127.0.0.1/", cacert="/nowhere")])
