"""The words for failures, for those that a test cannot bring about with a real socket."""

from __future__ import annotations

import errno
import os

import pytest

from proxyctl.check.load.sample import kind_of, kind_of_status


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ECONNREFUSED, "refused"),
        (errno.EPIPE, "reset"),
        (errno.ETIMEDOUT, "timeout"),
        (errno.EHOSTUNREACH, "unreachable"),
        (errno.EADDRNOTAVAIL, "local_limit"),
        (errno.EMFILE, "local_limit"),
        (errno.EIO, "other"),
    ],
)
def test_operating_system(number: int, kind: str) -> None:
    """Each errno of a failed connection has its word, and what is not known is `other`."""
    assert kind_of(OSError(number, os.strerror(number))) == kind


def test_several_addresses() -> None:
    """Where several addresses failed in different ways, one of the ways is named."""
    text = "Multiple exceptions: [Errno 113] No route to host, [Errno 101] Network is unreachable"
    assert kind_of(OSError(text)) == "unreachable"


def test_unknown() -> None:
    """What nobody thought of is counted too."""
    assert kind_of(RuntimeError()) == "other"


@pytest.mark.parametrize(("status", "kind"), [(200, None), (302, None), (404, "http_404"), (500, "http_500")])
def test_statuses(status: int, kind: str | None) -> None:
    """Statuses from 400 up are errors: a proxy's 404 is a request that was not routed."""
    assert kind_of_status(status) == kind
