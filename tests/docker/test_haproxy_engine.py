"""`proxyctl.engines.haproxy.engine` on real containers: what is confirmed is true, and nothing is lost."""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proxyctl.core.model import Desired, Listener, Route
from proxyctl.engines.haproxy import engine as engine_module
from proxyctl.engines.haproxy import sockets
from proxyctl.engines.haproxy.paths import ADMIN_SOCKET
from proxyctl.errors import ConfigRefused, GatewayError, ReloadFailed
from proxyctl.providers.port import Ran
from tests.docker.box import VERSIONS, Box, RunContainer, named, server, start_backend, world
from tests.docker.conftest import started_box
from tests.docker.reloads import answers_of_forty, lost_over_eight

pytestmark = pytest.mark.docker

Backend = Callable[[str], str]
EMPTY = world()
each_version = pytest.mark.parametrize("box", VERSIONS["haproxy"], indirect=True)


@pytest.fixture(scope="module", params=(VERSIONS["haproxy"][0], VERSIONS["haproxy"][-1]))
def box(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """Return a gateway with the newest and with the oldest HAProxy; each test loads what it looks at."""
    with started_box(tmp_path_factory.mktemp("box"), "haproxy", request.param) as made:
        yield made


@pytest.fixture(params=(VERSIONS["haproxy"][0], VERSIONS["haproxy"][-1]))
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Box]:
    """Return one that waits for its first generation."""
    with started_box(tmp_path, "haproxy", request.param) as made:
        yield made


@pytest.fixture
def network(box: Box) -> str:
    """The gateway's."""
    return box.network


@pytest.fixture
def backend(run_container: RunContainer, network: str) -> Backend:
    """Return a function that starts a server answering with a name; it returns its address."""
    return lambda name: start_backend(run_container, network, named(name))


def marked(text: str) -> Callable[[str], str]:
    """Return an edit that makes every port answer with `text` and nothing else."""
    rule = f'http-request return status 200 content-type text/plain string "{text}"\n    '
    return lambda t: t.replace("http-request del-header Forwarded", f"{rule}http-request del-header Forwarded")


def broken(text: str) -> str:
    """Put a directive in that HAProxy does not know."""
    return text.replace("    option allbackups\n", "    oops yes\n", 1)


@each_version
async def test_features_are_the_binarys_own(box: Box) -> None:
    """The version comes from the binary, the connections from the container's file limit, capped."""
    assert box.features is not None
    assert box.features.version_text.startswith(f"{box.version}.")
    limits = await box.access.run(("cat", "/proc/1/limits"))
    allowed = int(re.findall(r"Max open files\s+(\d+)", limits.output)[0])
    assert box.features.maxconn == min((allowed - 200) // 2, 10_000)


async def test_an_image_without_haproxy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No binary, or one that says something else: a GatewayError, nothing assumed."""
    box = Box("no-such", tmp_path / "proxy", "haproxy")

    async def run(_: object) -> Ran:
        return Ran(127, 'exec: "haproxy": executable file not found in $PATH')

    monkeypatch.setattr(box.access, "run", run)
    with pytest.raises(GatewayError, match=r"no haproxy that runs: exec: .* not found"):
        await box.engine.features()


@pytest.mark.parametrize("fresh", VERSIONS["haproxy"], indirect=True)
async def test_the_first_generation_boots(fresh: Box, run_container: RunContainer) -> None:
    """Before `current` exists nobody answers; then HAProxy comes up with it and tells its servers."""
    assert await fresh.engine.running() is None
    assert await fresh.engine.counts() == ()
    web1 = server("web1", start_backend(run_container, fresh.network, named("web1")), weight=7)
    files = await fresh.load(world(web1))
    running = await fresh.engine.running()
    assert running is not None
    assert (running.revision, running.topology) == (files.revision, files.topology)
    assert running.servers is not None
    assert [(p, s.name, s.address, s.port, s.weight, s.draining) for p, s in running.servers] == [
        ("web", "web1", web1.address, 80, 7, False)
    ]
    assert fresh.get()[2] == "web1"
    assert [(c.pool, c.server, c.requests, c.up) for c in await fresh.engine.counts()] == [("web", "web1", 1, None)]


async def test_a_bad_configuration_is_refused_and_the_old_one_serves_on(box: Box) -> None:
    """The reason is HAProxy's own, in one line with the file's name."""
    await box.load(EMPTY, marked("good"))
    with pytest.raises(ConfigRefused, match=r"^haproxy\.cfg:\d+: unknown keyword 'oops' in 'defaults' section"):
        await box.load(EMPTY, broken)
    assert box.get()[2] == "good"


async def test_a_port_that_something_else_holds_is_refused(box: Box, run_container: RunContainer) -> None:
    """`haproxy -c` does not see it, and the reload would refuse everyone for a second: neither happens."""
    files = await box.load(EMPTY, marked("good"))
    shared = f"container:proxyctl-{box.network}"
    run_container("proxyctl/haproxy:3.2", entrypoint=["nc", "-ll", "-p", "8088", "-e", "true"], network_mode=shared)
    await _until_open(box.address, 8088)
    taken = Desired((*EMPTY.listeners, Listener(8088, "http", (Route("", "/", "web"),))), EMPTY.pools)
    with pytest.raises(ConfigRefused, match=r"^port 8088 cannot be bound in the gateway"):
        await box.load(taken)
    running = await box.engine.running()
    assert running is not None
    assert running.revision == files.revision
    assert box.get()[2] == "good"


async def test_more_connections_than_files_are_refused(box: Box) -> None:
    """`haproxy -c` does not see this either; a user's template may ask for it."""
    await box.load(EMPTY, marked("good"))
    with pytest.raises(ConfigRefused, match="maxconn 2000000 needs 4000200 open files, and the gateway is allowed"):
        await box.load(EMPTY, lambda t: t.replace("maxconn {{ maxconn }}", "maxconn 2000000"))
    assert box.get()[2] == "good"


async def test_no_new_connection_meets_the_old_configuration_after_a_reload(box: Box) -> None:
    """Once `reload` has returned, every one of many new connections is answered by the new configuration."""
    await box.load(EMPTY, marked("0"))
    address = box.address
    for number in range(1, 6):
        await box.load(EMPTY, marked(str(number)))
        assert await answers_of_forty(address) == {str(number)}


async def test_a_reload_is_a_new_worker_even_for_the_same_revision(box: Box, backend: Backend) -> None:
    """What was changed at run time by anyone is gone after it."""
    files = await box.load(world(server("web1", backend("web1"))))
    socket = box.run_folder / ADMIN_SOCKET
    await sockets.ask(socket, "set server web/web1 weight 0")
    await box.engine.reload(files.revision)
    running = await box.engine.running()
    assert running is not None
    assert running.servers is not None
    assert [s.weight for _, s in running.servers] == [1]


@each_version
async def test_a_reload_that_haproxy_does_not_take_is_told(box: Box) -> None:
    """A configuration that was not checked and does not load: the reason is HAProxy's, the old one serves on."""
    await box.load(EMPTY, marked("good"))
    bad = box.render(EMPTY, broken)
    box.generations.switch(box.generations.stage(bad, EMPTY))
    with pytest.raises(ReloadFailed, match=r"haproxy\.cfg:\d+: unknown keyword 'oops'"):
        await box.engine.reload(bad.revision)
    assert box.get()[2] == "good"
    await box.load(EMPTY, marked("better"))
    assert box.get()[2] == "better"


async def test_a_template_that_hides_the_revision_is_told(box: Box) -> None:
    """What cannot be confirmed does not count as applied, and the message says what is missing."""
    await box.load(EMPTY)
    with pytest.raises(ReloadFailed, match="is `description` gone from the template"):
        await box.load(EMPTY, lambda t: re.sub(r"    description .*\n", "", t))


async def test_a_crash_at_boot_is_told(fresh: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first configuration that does not load: HAProxy never answers, and its last words are the reason."""
    monkeypatch.setattr(engine_module, "DEADLINE", 2.0)
    bad = fresh.render(EMPTY, broken)
    loading = asyncio.create_task(fresh.engine.reload(bad.revision))
    await asyncio.sleep(0)  # its first step has seen a gateway that waits; soon HAProxy boots, and ends
    fresh.generations.switch(fresh.generations.stage(bad, EMPTY))
    with pytest.raises(ReloadFailed, match=r"does not answer.*unknown keyword 'oops'"):
        await loading


async def test_ctrl_c_is_not_for_what_runs_in_the_gateway(box: Box) -> None:
    """A command in the gateway has a process group of its own: a terminal's Ctrl-C ends proxyctl, not its checks."""
    task = asyncio.create_task(box.access.run(("sleep", "30")))
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children")

    def child() -> int | None:
        running = [int(pid) for pid in children.read_text().split()]
        return next((p for p in running if Path(f"/proc/{p}/cmdline").read_bytes().startswith(b"sleep")), None)

    async with asyncio.timeout(10):
        while (pid := child()) is None:
            await asyncio.sleep(0.01)
    assert os.getpgid(pid) == pid
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_killed_gateway_boots_again(box: Box) -> None:
    """Sockets that a killed HAProxy left behind are no obstacle to the next one."""
    files = await box.load(EMPTY, marked("again"))
    box.client.kill(f"proxyctl-{box.network}")
    box.client.wait(f"proxyctl-{box.network}")
    assert (box.run_folder / ADMIN_SOCKET).exists()
    assert await box.engine.running() is None
    assert await box.lifecycle.ensure()
    await box.engine.reload(files.revision)
    assert box.get()[2] == "again"


def closing_idle(text: str) -> str:
    """Leave out what keeps idle connections alive over a reload."""
    return text.replace("    option idle-close-on-response\n", "")


@each_version
@pytest.mark.parametrize(("edit", "lossless"), [(str, True), (closing_idle, False)], ids=["shipped", "without"])
async def test_reloads_lose_no_request(box: Box, edit: Callable[[str], str], lossless: bool, backend: Backend) -> None:
    """Clients that never retry lose nothing over eight reloads, and do lose without the option that is for it."""
    sent, lost = await lost_over_eight(box, backend("web1"), edit)
    assert sent > 100
    assert (lost == 0) is lossless, f"{lost} of {sent} requests lost"


async def _until_open(address: str, port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection(address, port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
