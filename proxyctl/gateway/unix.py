"""HTTP to a unix socket of the gateway, by `requests`. What is asked and read there is for the engines."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import requests
from docker.transport import UnixHTTPAdapter

URL = "http+unix://gateway"
"""Begins every URL that is asked of a `session`."""


@contextlib.contextmanager
def session(socket: Path, timeout: int) -> Iterator[requests.Session]:
    """Return a session whose requests to `URL` go to a socket; `timeout` in seconds is that of the connection.

    A socket that nobody accepts on is a requests.RequestException; where there is none, docker-py's adapter would
    leave one open that could not connect, so look before.
    """
    with requests.Session() as made:
        made.trust_env = False
        made.mount("http+unix://", UnixHTTPAdapter(f"http+unix://{socket}", timeout=timeout))
        yield made
