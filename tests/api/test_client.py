"""What the verbs say when control.sock does not answer as it should: which of the three it was."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxyctl.api import client as control
from proxyctl.errors import ProxyctlError


def _read_request(connection: socket.socket) -> None:
    """Read a whole request; a body comes after its head, and closing before it is read would reset the connection."""
    with connection.makefile("rb") as request:
        length = 0
        while (line := request.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        request.read(length)


@contextlib.contextmanager
def answering(folder: Path, answer: bytes) -> Iterator[None]:
    """Listen at a state folder's control.sock and give one request that answer; with none, keep it waiting."""
    done = threading.Event()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / control.SOCKET))
        listening.listen()

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                _read_request(connection)
                connection.sendall(answer)
                if not answer:
                    done.wait(10)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join(10)


def failure(folder: Path) -> ProxyctlError:
    """Ask, and return how that failed."""
    with pytest.raises(ProxyctlError) as caught:
        control.ask(folder, "/api/v1/status")
    return caught.value


def test_nobody_there_is_no_watch(tmp_path: Path) -> None:
    """The flags may be those of another one."""
    told = failure(tmp_path)
    assert isinstance(told, control.NoWatch)
    assert str(told).startswith(f"no `proxyctl watch` answers at {tmp_path}/control.sock: is it running")


def test_one_that_ends_before_its_answer_may_have_done_it(tmp_path: Path) -> None:
    """No `watch` answers any more either, but the request has reached it."""
    assert not isinstance(failure(tmp_path), control.WatchEnded)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / control.SOCKET))
        listening.listen()

        def end() -> None:
            connection, _ = listening.accept()
            with connection:
                _read_request(connection)

        thread = threading.Thread(target=end)
        thread.start()
        assert isinstance(failure(tmp_path), control.WatchEnded)
        thread.join(10)


def test_one_that_does_not_answer_in_time_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not said to be missing: nobody should start a second one."""
    monkeypatch.setattr(control, "TIMEOUT", 0.2)
    with answering(tmp_path, b""):
        told = failure(tmp_path)
    assert not isinstance(told, control.NoWatch)
    assert "did not answer" in str(told)


def test_what_answers_otherwise_is_told_so(tmp_path: Path) -> None:
    """A page in place of JSON, as of another program or version."""
    with answering(tmp_path, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"):
        assert "was no JSON" in str(failure(tmp_path))


def test_an_answer_that_lacks_something_is_told_so(tmp_path: Path) -> None:
    """As by a `watch` of another version: in one line, which names what is missing."""
    answer = b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"held": 4}'
    with answering(tmp_path, answer), pytest.raises(ProxyctlError, match="has no 'since': is it of this version"):
        control.pin(tmp_path, 4)


def test_what_is_no_watch_of_this_version_runs_all_the_same(tmp_path: Path) -> None:
    """`down` must not remove the gateway of a `watch` whose status it cannot read."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    with answering(tmp_path, answer):
        assert control.is_running(tmp_path)
    (tmp_path / control.SOCKET).unlink()
    assert not control.is_running(tmp_path)
    with answering(tmp_path, answer):
        assert control.status_if_running(tmp_path) is None
