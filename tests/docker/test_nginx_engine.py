"""`proxyctl.engines.nginx.engine` on real containers: what is confirmed is true, and nothing is lost."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from proxyctl.core.model import Desired
from proxyctl.engines.nginx import engine as engine_module
from proxyctl.engines.nginx.paths import STATUS_SOCKET
from proxyctl.errors import ConfigRefused, ReloadFailed
from tests.docker.box import VERSIONS, Box, RunContainer, start_nginx
from tests.docker.reloads import answers_of_forty, lost_over_eight

pytestmark = pytest.mark.docker

Backend = Callable[[str], str]
# No server is asked: what is tested is which configuration answers.
EMPTY = Desired()


@pytest.fixture
async def box(network: str, tmp_path: Path) -> AsyncIterator[Box]:
    """Return a gateway with the newest nginx, waiting for its first generation."""
    made = Box(network, tmp_path / "proxy", "nginx")
    await made.start()
    yield made
    made.close()


@pytest.fixture
def backend(run_container: RunContainer, network: str) -> Backend:
    """Return a function that starts a server answering with a name; it returns its address."""
    return lambda name: start_nginx(run_container, network, f"return 200 {name};")


def marked(text: str) -> Callable[[str], str]:
    """Return an edit that makes port 80 answer with `text` and nothing else."""
    here = "{# here #}"
    site = f'    server {{ listen 80; location / {{ return 200 "{text}"; }} }}\n'
    return lambda t: t.replace("    # For proxyctl alone", f"{site}{here}    # For proxyctl alone")


@pytest.mark.parametrize("version", VERSIONS["nginx"])
async def test_features_are_the_binarys_own(version: str, network: str, tmp_path: Path) -> None:
    """Version and stream module come from the binary, the file limit from the container."""
    box = Box(network, tmp_path / "proxy", "nginx", version)
    try:
        await box.start()
        assert box.features is not None
        assert box.features.version_text.startswith(f"{version}.")
        assert box.features.stream_module.endswith("/ngx_stream_module.so")
        assert box.features.maxconn > 1000
    finally:
        box.close()


async def test_the_first_generation_boots(box: Box) -> None:
    """Before `current` exists nobody answers; then nginx comes up with it, without a signal to the waiting shell."""
    assert await box.engine.running() is None
    files = await box.load(EMPTY, marked("first"))
    running = await box.engine.running()
    assert running is not None
    assert (running.revision, running.topology, running.servers) == (files.revision, files.topology, None)
    assert box.get()[2] == "first"


async def test_a_bad_configuration_is_refused_and_the_old_one_serves_on(box: Box) -> None:
    """The reason is nginx's own line; the check leaves sockets, pid and listeners of the running nginx alone."""
    files = await box.load(EMPTY, marked("good"))
    pid_file = box.run_folder / "nginx.pid"
    pid = pid_file.read_text()
    with pytest.raises(ConfigRefused, match=r'^\[emerg\] unknown directive "oops" in nginx.conf:\d+$'):
        await box.load(EMPTY, lambda t: t.replace("server_tokens", "oops yes; server_tokens"))
    with pytest.raises(ConfigRefused, match=r"^\[emerg\] bind\(\) to 10\.255\.255\.1:80 failed"):
        await box.load(EMPTY, lambda t: marked("x")(t).replace("listen 80;", "listen 10.255.255.1:80;"))
    running = await box.engine.running()
    assert running is not None
    assert running.revision == files.revision
    assert pid_file.read_text() == pid
    assert box.get()[2] == "good"


async def test_no_new_connection_meets_the_old_configuration_after_a_reload(box: Box) -> None:
    """Once `reload` has returned, every one of many new connections is answered by the new configuration."""
    await box.load(EMPTY, marked("0"))
    address = box.address
    for number in range(1, 6):
        await box.load(EMPTY, marked(str(number)))
        assert await answers_of_forty(address) == {str(number)}


async def test_the_first_answer_alone_would_prove_nothing(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without waiting for the old workers, new connections do meet the old configuration: the test above can fail.

    It ends with the first that does.
    """

    async def at_once(_: int | None) -> None:
        return

    monkeypatch.setattr(engine_module, "_until_refused", at_once)
    await box.load(EMPTY, marked("0"))
    address = box.address
    for number in range(1, 151):  # one is enough; on a busy machine old workers are often gone by then
        await box.load(EMPTY, marked(str(number)))
        if await answers_of_forty(address) != {str(number)}:
            return
    pytest.fail("every answer was of the new configuration")


async def test_a_reload_of_what_runs_already_is_nothing(box: Box) -> None:
    """The same revision again is confirmed without a signal: no worker is replaced."""
    files = await box.load(EMPTY, marked("same"))
    async with asyncio.timeout(10):  # the first worker answers before its master has started the others
        while len(before := await _workers(box)) < len(os.sched_getaffinity(0)):
            await asyncio.sleep(0.01)
    await box.engine.reload(files.revision)
    assert await _workers(box) == before


async def test_a_reload_that_nginx_does_not_take_is_told(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration that was not checked and does not load: the reason is nginx's, the old one serves on."""
    files = await box.load(EMPTY, marked("good"))
    monkeypatch.setattr(engine_module, "DEADLINE", 2.0)
    bad = box.render(EMPTY, lambda t: t.replace("server_tokens", "oops yes; server_tokens"))
    box.generations.switch(box.generations.stage(bad, EMPTY))
    with pytest.raises(ReloadFailed, match=rf'still has {files.revision}.*\[emerg\] unknown directive "oops"'):
        await box.engine.reload(bad.revision)
    assert box.get()[2] == "good"


async def test_a_crash_at_boot_is_told(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first configuration that does not load: nginx never answers, and its last words are the reason."""
    monkeypatch.setattr(engine_module, "DEADLINE", 2.0)
    bad = box.render(EMPTY, lambda t: t.replace("server_tokens", "oops yes; server_tokens"))
    box.generations.switch(box.generations.stage(bad, EMPTY))
    with pytest.raises(ReloadFailed, match=r'does not answer.*unknown directive "oops"'):
        await box.engine.reload(bad.revision)


async def test_a_killed_gateway_boots_again(box: Box) -> None:
    """Sockets that a killed nginx left behind are no obstacle to the next one."""
    files = await box.load(EMPTY, marked("again"))
    box.client.kill(f"proxyctl-{box.network}")
    box.client.wait(f"proxyctl-{box.network}")
    assert (box.run_folder / STATUS_SOCKET).exists()
    assert await box.engine.running() is None
    assert await box.lifecycle.ensure()
    await box.engine.reload(files.revision)
    assert box.get()[2] == "again"


def without_min_timeout(text: str) -> str:
    """Leave out what keeps idle connections alive over a reload."""
    return re.sub(r"    keepalive_min_timeout .*\n", "", text)


@pytest.mark.parametrize(
    ("version", "edit", "lossless"),
    [
        ("1.30", str, True),
        ("1.22", str, True),
        ("1.30", without_min_timeout, False),
        ("1.22", lambda t: t.replace("keepalive_timeout                0;", "keepalive_timeout 10s;"), False),
    ],
    ids=["1.30", "1.22", "1.30 without keepalive_min_timeout", "1.22 with keepalive"],
)
async def test_reloads_lose_no_request(
    version: str, edit: Callable[[str], str], lossless: bool, network: str, tmp_path: Path, backend: Backend
) -> None:
    """Clients that never retry lose nothing over eight reloads, and do lose without the setting that is for it."""
    box = Box(network, tmp_path / "proxy", "nginx", version)
    try:
        await box.start()
        sent, lost = await lost_over_eight(box, backend("web1"), edit)
        assert sent > 100
        assert (lost == 0) is lossless, f"{lost} of {sent} requests lost"
    finally:
        box.close()


async def _workers(box: Box) -> list[str]:
    ran = await box.access.run(
        ("sh", "-c", "for p in /proc/[0-9]*; do cat $p/cmdline 2>/dev/null | tr '\\0' ' '; echo $p; done")
    )
    return sorted(line for line in ran.output.splitlines() if "worker process" in line)
