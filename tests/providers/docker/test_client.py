"""`proxyctl.providers.docker.client`: what people read when Docker does not answer, through a real socket."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import docker
import pytest

from proxyctl.errors import DockerUnavailable
from proxyctl.providers.docker.client import translated


def test_a_connection_that_breaks_off_is_said_in_words(tmp_path: Path) -> None:
    """Not with the names of classes of the library."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "docker.sock"))
        server.listen()

        def hang_up() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)

        thread = threading.Thread(target=hang_up)
        thread.start()
        client = docker.APIClient(f"unix://{tmp_path}/docker.sock", version="1.41", timeout=5)
        with pytest.raises(DockerUnavailable) as raised, translated("ping"):
            client.ping()
        thread.join()
        client.close()
    assert str(raised.value) == "ping: Docker's connection broke off before the answer was there"
