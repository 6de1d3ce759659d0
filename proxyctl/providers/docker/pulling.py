"""Pulls an image: how far it is, as a value, and why it cannot be had, as one line with the harmless remedy first.

Whether an image has to be pulled is for `gateway.lifecycle`, how a pull looks on a terminal for `cli.pulls`.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import docker.errors

from proxyctl.errors import DockerRefuses, DockerUnavailable, ProxyctlError, UsageError, printable
from proxyctl.providers.docker.client import connect, explain, translated

LOOK = 0.5
"""Seconds between two reports while Docker says nothing."""
STALLED = 15.0
"""Seconds without a word of Docker until a pull counts as stalled. A registry that is alive sends some every second."""
_WHOLE = ("Download complete", "Verifying Checksum", "Extracting", "Pull complete", "Already exists")


class ImageNotPulled(ProxyctlError):
    """The registry, or Docker's disk, does not let an image be pulled."""


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """How far a pull is: bytes that have come, of those known to come; `silent` is in seconds."""

    image: str
    done: int = 0
    total: int = 0
    silent: float = 0.0
    ended: bool = False

    @property
    def stalled(self) -> bool:
        """Whether Docker has said nothing for so long that a person should know."""
        return self.silent >= STALLED


Tell = Callable[[Progress], None]
"""Takes each step of a pull; called at least every `LOOK` seconds, from the event loop."""


class Layers:
    """What Docker has said of an image's layers."""

    def __init__(self, image: str) -> None:
        self._image = image
        self._layers: dict[str, tuple[int, int]] = {}

    def take(self, message: object) -> None:
        """Take one message of Docker's; raise ImageNotPulled where it is the end. What cannot be read is left out."""
        if not isinstance(message, Mapping):
            return
        if text := _error(message):
            raise ImageNotPulled(refusal(self._image, text))
        layer, detail = message.get("id"), message.get("progressDetail")
        if not isinstance(layer, str) or not isinstance(detail, Mapping):
            return
        status = str(message.get("status"))
        before, size = self._layers.get(layer, (0, 0))
        if status == "Downloading":
            size = max(_size(detail.get("total")), size)
            self._layers[layer] = (max(before, min(_size(detail.get("current")), size)), size)
        elif status in _WHOLE:
            self._layers[layer] = (size, size)

    def progress(self, silent: float = 0.0, *, ended: bool = False) -> Progress:
        """Return how far all of them are together."""
        done, total = (sum(column) for column in zip(*self._layers.values(), strict=True)) if self._layers else (0, 0)
        return Progress(self._image, done, total, silent, ended)


def _error(message: Mapping[str, Any]) -> str:
    """Return why Docker gave up, in its own words; empty while it goes on."""
    detail = message.get("errorDetail")
    told = detail.get("message") if isinstance(detail, Mapping) else None
    return str(told or message.get("error") or "")


def _size(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


async def pull(image: str, tell: Tell) -> None:
    """Pull an image for this machine; raise ImageNotPulled, UsageError or DockerUnavailable.

    Docker is read in a thread that the program does not wait for: nothing interrupts a read, and the end of the
    program closes the connection, upon which Docker ends the pull.
    """
    loop, heard = asyncio.get_running_loop(), asyncio.Queue[object]()
    layers, last = Layers(image), loop.time()
    tell(layers.progress())

    def say(message: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(heard.put_nowait, message)

    threading.Thread(target=lambda: say(_read(image, say)), name=f"pull {image}", daemon=True).start()
    while True:
        try:
            async with asyncio.timeout(LOOK):
                message = await heard.get()
        except TimeoutError:
            tell(layers.progress(loop.time() - last))
            continue
        if isinstance(message, _End):
            if message.failure:
                raise message.failure
            break
        last = loop.time()
        layers.take(message)
        tell(layers.progress())
    tell(layers.progress(ended=True))


@dataclasses.dataclass(frozen=True, slots=True)
class _End:
    """The end of what Docker says of a pull, and why it came too early."""

    failure: Exception | None = None


def _read(image: str, say: Callable[[object], None]) -> _End:
    """Pass on each message of a pull; return how it ended."""
    try:
        with contextlib.closing(connect()) as client, _refused(image):
            for message in client.pull(image, stream=True, decode=True):
                say(message)
    except ProxyctlError as exc:
        return _End(exc)
    except Exception as exc:  # noqa: BLE001 - an error in this thread would be nobody's, and the pull without an end
        return _End(DockerUnavailable(f"pulling {image}: {explain(exc)}"))
    return _End()


@contextlib.contextmanager
def _refused(image: str) -> Iterator[None]:
    """Turn what the engine answers at once, before any progress, into the error that it is."""
    try:
        with translated(f"pulling {image}"):
            yield
    except docker.errors.NotFound as exc:
        raise ImageNotPulled(refusal(image, str(exc.explanation))) from exc
    except DockerUnavailable as exc:
        if not isinstance(exc.__cause__, docker.errors.APIError):
            raise
        text = str(exc.__cause__.explanation)
        if isinstance(exc, DockerRefuses) and not re.search(r"unauthorized|denied", text):
            raise  # a proxy in front of Docker's socket, and no registry
        if "invalid reference format" in text or "invalid tag" in text:
            message = f"--image {image}: this is no name of an image; give NAME:TAG, such as haproxy:3.2"
            raise UsageError(message) from exc
        raise ImageNotPulled(refusal(image, text)) from exc


_NO_ANSWER = (
    r"no such host|connection refused|network is unreachable|no route to host|i/o timeout|Client\.Timeout|"
    r"Temporary failure in name resolution|context deadline exceeded|TLS handshake timeout|\bEOF\b|"
    r"server misbehaving|connection reset by peer|request canceled"
)
_ELSEWHERE = "`docker save {image}` there, `docker load` here"
_REASONS = (
    (r"no matching manifest for (?P<what>[\w/]+)", "it is not made for this machine ({what}): choose another, --image"),
    (
        r"no space left on device",
        "Docker's disk is full: `docker system df` shows what is on it; make room, start again",
    ),
    (
        r"toomanyrequests|rate limit|429 Too Many",
        "the registry gives out no more for now (rate limit): start again later, or `{login}` for a limit of your own",
    ),
    (
        r"manifest unknown|manifest for .* not found|repository does not exist|name unknown|^not found|: not found",
        "the registry has no such image: look at name and tag; where it is private, `{login}`",
    ),
    (
        r"unauthorized|authentication required|no basic auth credentials|access denied|denied:|403 Forbidden",
        "the registry does not give it to everybody: `{login}`",
    ),
    (
        r"(?P<what>x509: [^\"]+|server gave HTTP response to HTTPS client|tls: [^\"]+)",
        f"Docker does not trust the registry ({{what}}): bring it from another machine ({_ELSEWHERE})",
    ),
    (
        f"(?P<what>{_NO_ANSWER})",
        f"no registry answers ({{what}}): look at this machine's network, or bring it from another one ({_ELSEWHERE})",
    ),
)


def refusal(image: str, text: str) -> str:
    """Return one line for a person about Docker's or the registry's own words on why an image is not pulled."""
    registry = image.partition("/")[0]
    named = "/" in image and (registry == "localhost" or set(registry) & {".", ":"})
    login = f"docker login {registry}" if named else "docker login"
    for pattern, told in _REASONS:
        if match := re.search(pattern, text, re.IGNORECASE):
            what = printable(match.groupdict().get("what") or "").rstrip(". ")
            return f"image {image} cannot be pulled: " + told.format(what=what, login=login, image=image)
    return f"image {image} cannot be pulled: {printable(' '.join(text.split())[:300]) or 'Docker does not say why'}"
