"""What cannot be sent is refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from proxyctl.check.load.request import Pace, Request
from proxyctl.errors import UsageError

GOOD = "http://127.0.0.1/"


@pytest.mark.parametrize(
    "url", ["", "localhost:8080", "ftp://a/", "http://", "http:///x", "http://:80/", "http://a:99999/", "unix:///run/x"]
)
def test_urls(url: str) -> None:
    """A URL without http or https, host or a possible port is refused, and named."""
    with pytest.raises(UsageError, match="is not like http://host:port/path") as caught:
        Request(url)
    assert repr(url) in str(caught.value)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"method": "G,T"}, "is not an HTTP method"),
        ({"method": ""}, "is not an HTTP method"),
        ({"headers": (("a b", "c"),)}, "is not a header"),
        ({"headers": (("a", "b\r\nc: d"),)}, "is not a header"),
        ({"http_version": "2"}, r"HTTP 2 is not spoken here; 1\.1 and 1\.0 are"),
        ({"timeout": 0.0}, "time-out"),
        ({"timeout": float("nan")}, "time-out"),
    ],
)
def test_requests(options: dict[str, Any], reason: str) -> None:
    """Methods, headers and time-outs that HTTP does not know are refused."""
    with pytest.raises(UsageError, match=reason):
        Request(GOOD, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"requests": 0},
        {"duration": 0.0},
        {"duration": float("nan")},
        {"concurrency": 0},
        {"concurrency": 1001},
        {"rate": 0.0},
        {"rate": 1e6},
    ],
)
def test_paces(options: dict[str, Any]) -> None:
    """A load that is none, or that this generator cannot make, is refused."""
    with pytest.raises(UsageError):
        Pace(**options)
