"""Where the API listens: taken before anything is made, refused in one line, or the next free port."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from proxyctl.api import address
from proxyctl.api.address import listen
from proxyctl.errors import UsageError


@pytest.fixture
def taken() -> Iterator[int]:
    """A port of loopback on which somebody listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_an_address_that_somebody_named_is_taken_or_refused(taken: int) -> None:
    """Never another port than was asked for: a monitor looks at this one."""
    message = f"^--api 127.0.0.1:{taken}: somebody listens there already; choose another HOST:PORT, or `off`$"
    with pytest.raises(UsageError, match=message):
        listen(("127.0.0.1", taken), named=True)


def test_of_the_default_the_next_free_port_is_taken(taken: int) -> None:
    """A second gateway on a host comes up without a flag, and the address tells which port it has."""
    first = listen(("127.0.0.1", taken), named=False)
    second = listen(("127.0.0.1", taken), named=False)
    try:
        assert taken < first.port < second.port < taken + address.TRIED
        assert first.url == f"http://127.0.0.1:{first.port}"
    finally:
        first.close()
        second.close()


def test_a_port_is_held_from_the_moment_that_it_is_taken(unused_tcp_port: int) -> None:
    """Two that start at the same moment do not both believe that it is theirs."""
    held = listen(("127.0.0.1", unused_tcp_port), named=True)
    try:
        with pytest.raises(UsageError, match="somebody listens there already"):
            listen(("127.0.0.1", unused_tcp_port), named=True)
    finally:
        held.close()
    listen(("127.0.0.1", unused_tcp_port), named=True).close()


@pytest.mark.parametrize(
    ("host", "why"), [("192.0.2.1", "no address of this machine"), ("no-such-host.invalid", "there is no such host")]
)
def test_a_host_that_is_not_this_machine_is_refused_with_the_reason(host: str, why: str) -> None:
    """Not with the system's number."""
    with pytest.raises(UsageError, match=f"^--api {host}:8900: {why}; choose another"):
        listen((host, 8900), named=True)


@pytest.mark.parametrize(
    ("host", "url"), [("0.0.0.0", "http://127.0.0.1:"), ("::", "http://[::1]:"), ("::1", "http://[::1]:")]
)
def test_the_url_is_one_that_can_be_opened(host: str, url: str) -> None:
    """Every address is also loopback, and an IPv6 address stands in brackets."""
    made = listen((host, 0), named=True)
    try:
        assert made.url == f"{url}{made.port}"
    finally:
        made.close()


def test_off_listens_nowhere() -> None:
    """No socket, no address."""
    made = listen(None, named=True)
    assert (made.sockets, made.url, made.port) == ((), "", 0)
