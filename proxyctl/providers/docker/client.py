"""The client with which Docker is asked, and its failures as one line for a person.

docker-py's own client, but patient, and in step with an engine that was upgraded meanwhile. `endpoint` says where.
"""

from __future__ import annotations

import contextlib
import http
import re
import urllib.parse
from collections.abc import Iterator
from typing import Any

import docker
import docker.errors
import requests

from proxyctl.errors import DockerAway, DockerRefuses, DockerSilent, DockerUnavailable, ProxyctlError, printable
from proxyctl.providers.docker.endpoint import BEHIND, endpoint

Client = docker.APIClient
"""A client of one Docker engine. Rooms other than `providers.docker` and `gateway` only pass it on.

The labs are the exception: they show what Docker itself answers, so its errors have names here.
"""
DockerError = docker.errors.DockerException
NotFound = docker.errors.NotFound

PATIENCE = 60.0
"""Seconds for an answer: those of 12 s are known of machines that have too much to do. Slow is not away."""
LISTING_PATIENCE = 300.0
"""Seconds for a listing: it costs the most, and events are taken beside it. A ping finds out an engine that is gone."""
PING_PATIENCE = 30.0
"""Seconds for the answer to a ping, which asks for nothing; `questions` says long before that it is late."""
_REFUSED = (http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN, http.HTTPStatus.METHOD_NOT_ALLOWED)
_VERSION = re.compile(r"/v([0-9]+\.[0-9]+)/")


class PatientClient(docker.APIClient):
    """docker-py's client with a patience for each kind of question, and with an API version that follows the engine.

    docker-py negotiates the version once. An engine that was upgraded, or put back, under a client that is kept
    refuses that version for ever.
    """

    def __init__(
        self,
        *,
        patience: float = PATIENCE,
        listing_patience: float = LISTING_PATIENCE,
        ping_patience: float = PING_PATIENCE,
        **endpoint: Any,
    ) -> None:
        """Take all patiences in seconds, and `base_url` and `tls` as docker-py does."""
        self._patience = {"/_ping": ping_patience, "/containers/json": listing_patience}
        # docker-py keeps connections per URL, which names the container: 25 of them open without `num_pools`
        super().__init__(**endpoint, version="auto", timeout=patience, num_pools=4)  # type: ignore[arg-type]

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request; one that the engine refuses for its version is sent again in the engine's own."""
        if special := next((t for path, t in self._patience.items() if url.endswith(path)), None):
            kwargs["timeout"] = special
        response = super().request(method, url, *args, **kwargs)
        spoken = _VERSION.search(url)
        if response.status_code != http.HTTPStatus.BAD_REQUEST or spoken is None:
            return response
        if not re.search(r"client version \S+ is too (?:old|new)", response.text):
            return response
        self._version: str = self._retrieve_server_version()  # type: ignore[attr-defined]
        if self._version == spoken[1]:
            return response
        return super().request(method, url.replace(spoken[0], f"/v{self._version}/", 1), *args, **kwargs)


@contextlib.contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn every docker-py error that means "no answer" into a kind of DockerUnavailable with one line.

    `docker.errors.NotFound` passes, as it is an answer to some callers; it must not leave this package or `gateway`.
    """
    try:
        yield
    except docker.errors.NotFound:
        raise
    except (docker.errors.DockerException, requests.RequestException, OSError, ValueError) as exc:
        raise _kind(exc)(f"{doing}: {explain(exc)}") from exc


@contextlib.contextmanager
def attempted(doing: str, failure: type[ProxyctlError] = ProxyctlError) -> Iterator[None]:
    """Turn "not found" into a `failure` that names what was attempted; every other failure is `translated`."""
    try:
        with translated(doing):
            yield
    except docker.errors.NotFound as exc:
        raise failure(f"{doing}: {explain(exc)}") from exc


@contextlib.contextmanager
def required(subject: str, advice: str = "", missing: type[ProxyctlError] = ProxyctlError) -> Iterator[None]:
    """Turn "not found" into the error `missing` about what is missing; every other failure is `translated`."""
    try:
        with translated(subject):
            yield
    except docker.errors.NotFound as exc:
        message = f"{subject} is not here{f': {advice}' if advice else f' ({exc.explanation})'}"
        raise missing(message) from exc


def explain(exc: Exception) -> str:
    """Return one line for a person about why Docker could not be asked."""
    exc, kind = _cause(exc), _kind(exc)
    text = str(getattr(exc, "explanation", None) or exc)
    if kind is DockerAway:
        return _away(exc)
    if kind is DockerRefuses:
        said = "" if "<" in text else f": {printable(text.splitlines()[0][:200])}" if text else ""
        return f"Docker, or a proxy in front of its socket, refuses {_asked(exc)} ({_status_line(exc)}){said}"
    if kind is DockerSilent:
        waited = re.search(r"read timeout=([0-9.]+)", text)
        return f"timed out, Docker did not answer{f' within {float(waited[1]):g} s' if waited else ''}"
    return _failure(exc, text)


def _failure(exc: Exception, text: str) -> str:
    if "Permission denied" in text or "PermissionError" in text:
        return "no permission on Docker's socket: run as root, or join the group (usermod -aG docker $USER)"
    if "Connection aborted" in text or "Connection reset" in text:
        return "Docker's connection broke off before the answer was there"
    if isinstance(exc, requests.exceptions.JSONDecodeError):
        return f"what answers there is not Docker, or broken: {printable(text[:200])}"
    if "<html" in text.lower():  # a page for people, of a proxy
        return f"a proxy in front of Docker's socket answers {_status_line(exc)}"
    return printable(text.splitlines()[0][:300]) if text else type(exc).__name__


def _away(exc: Exception) -> str:
    if _status(exc) is not None:
        return f"the proxy in front of Docker's socket answers, and no engine behind it ({_status_line(exc)})"
    with contextlib.suppress(DockerUnavailable):
        if origin := endpoint().origin:
            return f"nobody answers at {origin}: start the engine there, give another, or unset it"
    return "Docker does not answer: is the engine running? (systemctl start docker, or set DOCKER_HOST)"


def _cause(exc: Exception) -> Exception:
    """Return what failed while docker-py negotiated the API version, which it keeps as the cause; else `exc`."""
    cause = exc.__cause__
    return cause if isinstance(cause, requests.RequestException) and "server API version" in str(exc) else exc


def _kind(exc: Exception) -> type[DockerUnavailable]:
    """Return the kind of failure."""
    exc = _cause(exc)
    status, text = _status(exc), str(exc)
    if status in _REFUSED:
        return DockerRefuses
    if status in BEHIND or isinstance(exc, requests.ConnectTimeout):
        return DockerAway
    if status is None and any(part in text for part in ("FileNotFoundError", "No such file", "refused")):
        return DockerAway
    return DockerSilent if isinstance(exc, requests.Timeout) or "Read timed out" in text else DockerUnavailable


def _status(exc: Exception) -> int | None:
    response = getattr(exc, "response", None)
    return None if response is None else int(response.status_code)


def _status_line(exc: Any) -> str:
    return printable(f"{exc.response.status_code} {exc.response.reason}"[:80])


def _asked(exc: Any) -> str:
    """Return method and path of a request, as the settings of socket proxies name them."""
    request = exc.response.request
    path = _VERSION.sub("/", urllib.parse.urlsplit(request.url or "").path, count=1)
    return printable(f"{request.method} {path}"[:120])


def connect() -> Client:
    """Open a client to the engine of `endpoint`, at the newest API version that both speak."""
    found = endpoint()
    with translated("Docker"):
        return PatientClient(**found.arguments)


def docker_version(client: Client) -> str:
    """Return the engine's version and the API version that is spoken with it, as `29.1.3, API 1.52`."""
    with translated("Docker"):
        return f"{client.version()['Version']}, API {client.api_version}"
