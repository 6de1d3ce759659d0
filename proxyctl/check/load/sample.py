"""How one request ended, and the words for the ways in which it can fail."""

from __future__ import annotations

import dataclasses
import errno
import socket
import ssl

REFUSED = "refused"  # nothing listens there
RESET = "reset"  # the connection ended before the answer began
TIMEOUT = "timeout"
DNS = "dns"  # the name of the URL does not resolve
UNREACHABLE = "unreachable"
SHORT_BODY = "short_body"  # the answer began and did not come whole
BAD_RESPONSE = "bad_response"  # not HTTP
TLS = "tls"
LOCAL_LIMIT = "local_limit"  # this machine ran out of ports or descriptors: not the proxy's doing
OTHER = "other"

FIRST_BAD_STATUS = 400

_BY_ERRNO = {
    errno.ECONNREFUSED: REFUSED,
    errno.ECONNRESET: RESET,
    errno.EPIPE: RESET,
    errno.ECONNABORTED: RESET,
    errno.ETIMEDOUT: TIMEOUT,
    errno.EHOSTUNREACH: UNREACHABLE,
    errno.ENETUNREACH: UNREACHABLE,
    errno.ENETDOWN: UNREACHABLE,
    errno.EACCES: UNREACHABLE,
    errno.EPERM: UNREACHABLE,
    errno.EADDRNOTAVAIL: LOCAL_LIMIT,
    errno.EMFILE: LOCAL_LIMIT,
    errno.ENFILE: LOCAL_LIMIT,
    errno.ENOBUFS: LOCAL_LIMIT,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
    """One request. Times in seconds; `at` is when it was meant to start, from the start of the load.

    `latency` runs from `at` to the end of the body, or to the failure, and `first_byte` from `at` to the first of
    the answer. `status` and `first_byte` are None where no answer began. `server` is what the proxy says served
    it, None where it does not say. `key` and `target` are which client was played and which URL was asked.
    """

    at: float
    latency: float
    error: str | None = None
    status: int | None = None
    server: str | None = None
    first_byte: float | None = None
    key: int | None = None
    target: int = 0


def kind_of_status(status: int) -> str | None:
    """Return the error that an HTTP status stands for, `http_503`; None below 400.

    4xx are errors too: proxyctl answers 404 to what it does not route, and a check that counted those as
    good would prove nothing.
    """
    return f"http_{status}" if status >= FIRST_BAD_STATUS else None


def kind_of(exc: BaseException) -> str:
    """Return the word for the way a request failed."""
    match exc:
        case socket.gaierror():
            return DNS
        case ssl.SSLError():
            return TLS
        case TimeoutError():
            return TIMEOUT
        case OSError():
            return _kind_of_os_error(exc)
        case _:
            return OTHER


def _kind_of_os_error(exc: OSError) -> str:
    if exc.errno in _BY_ERRNO:
        return _BY_ERRNO[exc.errno]
    # Several addresses were tried and failed in different ways: the text is all that is left of them.
    found = [kind for number, kind in _BY_ERRNO.items() if f"[Errno {number}]" in str(exc)]
    return found[0] if found else OTHER
