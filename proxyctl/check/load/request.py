"""What is sent, and how fast: validated here, so that the generator meets no surprise."""

from __future__ import annotations

import dataclasses
import re
from typing import TypedDict

from yarl import URL

from proxyctl.check.load.served import ServerFrom
from proxyctl.errors import UsageError

MAX_CONCURRENCY = 1000
MAX_RATE = 50_000.0
HTTP_VERSIONS = ("1.1", "1.0")

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2


_GATEWAY = ServerFrom()


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """The request that is sent again and again; `timeout` in seconds, for the whole of it.

    `server_from` is where the answer names its server, `cacert` a file with certificates to trust instead of
    the system's, `sni` the name that TLS asks for instead of the URL's. Raise UsageError for what cannot be sent.
    """

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    timeout: float = 10.0
    keepalive: bool = True
    http_version: str = "1.1"
    verify_tls: bool = True
    cacert: str = ""
    sni: str = ""
    server_from: ServerFrom = _GATEWAY

    def __post_init__(self) -> None:
        try:
            url = URL(self.url)
            good = url.scheme in {"http", "https"} and bool(url.host) and url.port is not None
        except ValueError:
            good = False
        if not good:
            raise UsageError(f"the URL {self.url!r} is not like http://host:port/path")
        if not _TOKEN.fullmatch(self.method):
            raise UsageError(f"--method: {self.method!r} is not an HTTP method, such as GET")
        for name, value in self.headers:
            if not _TOKEN.fullmatch(name) or re.search(r"[\r\n\0]", value):
                flag = "--host" if name == "Host" else "--header"
                raise UsageError(f"{flag}: {name!r}: {value!r} is not a header, such as 'Name: value'")
        if not self.timeout > 0:
            raise UsageError(f"the time-out is {self.timeout:g} s; it must be more than 0")
        if self.http_version not in HTTP_VERSIONS:
            raise UsageError(
                f"--http-version: HTTP {self.http_version} is not spoken here; {' and '.join(HTTP_VERSIONS)} are"
            )

    @property
    def shown(self) -> str:
        """The URL as reports show it: without a password."""
        url = URL(self.url)
        return self.url if url.raw_user is None else str(url.with_user(None))


class RequestOptions(TypedDict, total=False):
    """Everything of a `Request` but its URL, for functions that pass it on."""

    method: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    timeout: float
    keepalive: bool
    http_version: str
    verify_tls: bool
    cacert: str
    sni: str
    server_from: ServerFrom


@dataclasses.dataclass(frozen=True, slots=True)
class Pace:
    """How much of it, and how fast: what ends first of `requests` and `duration` (seconds) ends the load.

    Without a `rate` (requests per second) it is a closed loop: `concurrency` requests are always under
    way. With one, requests are due at fixed times whatever the answers do, the first one after `first` seconds;
    `concurrency` bounds how many are under way, and one that has to wait for its turn has that wait in its latency.
    Raise UsageError.
    """

    requests: int | None = None
    duration: float | None = None
    concurrency: int = 10
    rate: float | None = None
    first: float = 0.0

    def __post_init__(self) -> None:
        if self.requests is not None and self.requests < 1:
            raise UsageError(f"{self.requests} requests are not a load; at least 1")
        if self.duration is not None and not self.duration > 0:
            raise UsageError(f"a duration of {self.duration:g} s is not a load; it must be more than 0")
        if not 1 <= self.concurrency <= MAX_CONCURRENCY:
            raise UsageError(f"a concurrency of {self.concurrency} is not between 1 and {MAX_CONCURRENCY}")
        if self.rate is not None and not 0 < self.rate <= MAX_RATE:
            raise UsageError(f"a rate of {self.rate:g} is not between 0 and {MAX_RATE:g} requests per second")

    def split(self, parts: int) -> tuple[Pace, ...]:
        """Return what each of so many processes does of it; never more parts than there are things to do."""
        parts = min(parts, self.concurrency, self.requests or parts)
        return tuple(
            Pace(
                None if self.requests is None else self.requests // parts + (part < self.requests % parts),
                self.duration,
                self.concurrency // parts + (part < self.concurrency % parts),
                None if self.rate is None else self.rate / parts,
                0.0 if self.rate is None else self.first + part / self.rate,
            )
            for part in range(parts)
        )
