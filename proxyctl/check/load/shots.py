"""From requests to octets, and in which order they go out: URLs by their shares, keys in turn.

A key stands for one client of the proxy. It varies what the proxy balances by: the path, a header, the cookies that
were set, or the address that is connected from. At most one request of a key is under way at a time.
"""

from __future__ import annotations

import base64
import dataclasses
import random
import ssl
from collections.abc import Iterable, Mapping, Sequence
from http.cookies import CookieError, SimpleCookie
from typing import Final

from yarl import URL

from proxyctl import __version__
from proxyctl.check.load.request import Request
from proxyctl.errors import UsageError
from proxyctl.wording import of_system

PLACEHOLDER: Final = "{key}"
MOST_KEYS: Final = 50_000

_SOURCES: Final = 254  # of 127.0.N.1 to 127.0.N.254


@dataclasses.dataclass(frozen=True, slots=True)
class KeyBy:
    """What a key varies: `uri`, `cookie`, `source` or `header` (then `name` is which)."""

    kind: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind


def parse_key_by(text: str) -> KeyBy:
    """Return what `uri`, `cookie`, `source` or `header:X-User` means; raise UsageError."""
    kind, _, name = text.partition(":")
    if kind not in {"uri", "cookie", "source", "header"} or (kind == "header") != bool(name):
        raise UsageError(f"{text!r} is none of uri, cookie, source and header:NAME")
    return KeyBy(kind, name)


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where a connection goes: what two requests must have in common to share one."""

    host: str
    port: int
    source: str | None
    tls: ssl.SSLContext | None
    sni: str | None


class Shot:
    """One request as it goes out; made once for each URL and key."""

    __slots__ = ("body", "head", "key", "octets", "place", "target")

    def __init__(self, place: Place, head: bytes, body: bytes, target: int, key: int | None) -> None:
        self.place, self.head, self.body, self.target, self.key = place, head, body, target, key
        self.octets = head + b"\r\n" + body

    def with_cookies(self, cookies: Mapping[str, str]) -> None:
        """Send these cookies from now on."""
        line = "; ".join(f"{name}={value}" for name, value in sorted(cookies.items()))
        self.octets = self.head + f"Cookie: {line}\r\n\r\n".encode() + self.body


class Shots:
    """The order in which requests go out."""

    def __init__(
        self,
        requests: Sequence[Request],
        shares: Sequence[float] = (),
        key_by: KeyBy | None = None,
        keys: Iterable[int] = (),
    ) -> None:
        """Take one request for each URL; without `shares` each is as frequent as the others."""
        contexts = {request: _tls(request) for request in requests}
        self._key_by = key_by
        self._shares = list(shares or [1.0] * len(requests))
        self._credit = [0.0] * len(requests)
        self._free, self._asked = list(keys), list[int]()  # of this round, and of the next
        # Each round in another order: in a fixed one a proxy that takes turns could meet a key with one server.
        self._chance = random.Random(0)  # noqa: S311 - no secret
        self._cookies: dict[int, dict[str, str]] = {}
        every: tuple[int | None, ...] = tuple(self._free) or (None,)
        self._shots = {
            (target, key): _shot(request, target, key_by, key, contexts[request])
            for target, request in enumerate(requests)
            for key in every
        }
        self._only = self._shots[0, None] if len(self._shots) == 1 and not self._free else None

    def next(self) -> Shot | None:
        """Return the next request; None while one of every key is under way."""
        if self._only is not None:
            return self._only
        if self._key_by is None:
            return self._shots[self._target(), None]
        if not self._free:
            self._free, self._asked = self._asked, self._free
            self._chance.shuffle(self._free)
        return self._shots[self._target(), self._free.pop()] if self._free else None

    def back(self, shot: Shot, headers: Mapping[str, str] | None) -> None:
        """Take back a request that has ended, with the headers of its answer where there was one."""
        if shot.key is None:
            return
        self._asked.append(shot.key)
        if headers is not None and self._key_by is not None and self._key_by.kind == "cookie":
            self._remember(shot.key, headers)

    def _target(self) -> int:
        """Choose a URL by smooth weighted round robin: in any stretch each is as frequent as its share."""
        if len(self._credit) == 1:
            return 0
        for target, share in enumerate(self._shares):
            self._credit[target] += share
        best = max(range(len(self._credit)), key=self._credit.__getitem__)
        self._credit[best] -= sum(self._shares)
        return best

    def _remember(self, key: int, headers: Mapping[str, str]) -> None:
        said = headers.getall("Set-Cookie", ()) if hasattr(headers, "getall") else ()
        if not said:
            return
        jar = self._cookies.setdefault(key, {})
        for line in said:
            try:
                jar.update({name: morsel.coded_value for name, morsel in SimpleCookie(line).items()})
            except CookieError:
                continue
        for target in range(len(self._credit)):
            self._shots[target, key].with_cookies(jar)


def source_of(key: int) -> str:
    """Return the loopback address that a key is connected from, which are 127.0.1.1, 127.0.1.2 and so on."""
    return f"127.0.{1 + key // _SOURCES}.{1 + key % _SOURCES}"


def _shot(request: Request, target: int, key_by: KeyBy | None, key: int | None, tls: ssl.SSLContext | None) -> Shot:
    url = URL(request.url)
    extra: list[tuple[str, str]] = []
    path, source = url.raw_path_qs, None
    if key is not None and key_by is not None:
        if key_by.kind == "uri":
            path = _keyed(request.url, key)
        elif key_by.kind == "header":
            extra = [(key_by.name, f"key-{key}")]
        elif key_by.kind == "source":
            source = source_of(key)
    assert url.host is not None  # noqa: S101 - `Request` has looked
    assert url.port is not None  # noqa: S101 - same
    sni = (request.sni or url.host) if tls else None
    place = Place(url.host, url.port, source, tls, sni)
    return Shot(place, head(request, path, extra), request.body, target, key)


def _keyed(url: str, key: int) -> str:
    """Return the path of a URL with a key in it: where `{key}` stands, else as one more segment."""
    if PLACEHOLDER in url:
        return URL(url.replace(PLACEHOLDER, f"key-{key}")).raw_path_qs
    parsed = URL(url)
    return parsed.with_path(f"{parsed.raw_path.rstrip('/')}/key-{key}", encoded=True).raw_path_qs + (
        f"?{parsed.raw_query_string}" if parsed.raw_query_string else ""
    )


def host_of(url: URL) -> str:
    """Return the Host that a request for this URL asks for: without the port where it is the scheme's own."""
    host = f"[{url.raw_host}]" if ":" in (url.raw_host or "") else f"{url.raw_host}"
    return host if url.port == {"http": 80, "https": 443}[url.scheme] else f"{host}:{url.port}"


def head(request: Request, path: str, extra: Sequence[tuple[str, str]] = ()) -> bytes:
    """Return the head of a request without its empty line; headers of the user come instead of ours."""
    url = URL(request.url)
    given = {name.lower() for name, _ in request.headers}
    ours = {
        "Host": host_of(url),
        "User-Agent": f"proxyctl-check/{__version__}",
        "Accept": "*/*",
    }
    if url.raw_user is not None:
        ours["Authorization"] = "Basic " + base64.b64encode(f"{url.user}:{url.password or ''}".encode()).decode()
    if not request.keepalive:
        ours["Connection"] = "close"
    if request.body or request.method in {"POST", "PUT", "PATCH"}:
        ours["Content-Length"] = str(len(request.body))
    lines = [f"{request.method} {path} HTTP/{request.http_version}"]
    hosts = [(name, value) for name, value in request.headers if name.lower() == "host"]
    others = [(name, value) for name, value in request.headers if name.lower() != "host"]
    every = [*hosts, *((n, v) for n, v in ours.items() if n.lower() not in given), *others, *extra]
    return ("\r\n".join((*lines, *(f"{name}: {value}" for name, value in every))) + "\r\n").encode()


def _tls(request: Request) -> ssl.SSLContext | None:
    if URL(request.url).scheme != "https":
        return None
    try:
        context = ssl.create_default_context(cafile=request.cacert or None)
    except (OSError, ssl.SSLError) as exc:
        why = "it has no certificates as PEM" if isinstance(exc, ssl.SSLError) else of_system(exc)
        raise UsageError(f"--cacert: the certificates in {request.cacert} cannot be read: {why}") from exc
    if not request.verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context
