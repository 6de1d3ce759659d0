"""What every engine asks inside its gateway: the binary's version, the file limit, taken ports, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import re
import resource
from collections.abc import Sequence
from pathlib import Path

import pytest

from proxyctl.engines import inside_gateway
from proxyctl.errors import ConfigRefused, GatewayError
from proxyctl.providers.port import Ran

TAKEN = """\
  sl  local_address rem_address   st
   0: 0B00007F:0035 00000000:0000 0A 0:0 0:0 0 0 0 101 1 0
   1: 00000000:1F90 00000000:0000 0A 0:0 0:0 0 0 0 102 1 0
   2: 0200A8C0:01BB 0300A8C0:C000 01 0:0 0:0 0 0 0 103 1 0
   3: 0200A8C0:C001 0400A8C0:1F90 06 0:0 3:0 0 0 0 0 3 0
  sl  local_address                         remote_address                        st
   0: 0000000000000000FFFF00000200A8C0:C002 000080FE00000000FF005450B6AD1DFE:1F90 08 0:0 0:0 0 0 0 104 1 0
"""


class Answers:
    """A gateway whose every command gives one answer."""

    def __init__(self, output: str = "", code: int = 0, *, ended: bool = False) -> None:
        self.ended = ended
        self.ran: list[tuple[str, ...]] = []
        self._answer = Ran(code, output)

    async def run(self, argv: Sequence[str]) -> Ran:
        """Give the answer."""
        self.ran.append(tuple(argv))
        return self._answer

    async def signal(self, name: str) -> None:
        """Fail: nothing here signals."""
        raise AssertionError(name)

    async def logs(self, lines: int) -> str:
        """Return nothing."""
        return ""


async def test_the_version_is_what_stands_behind_the_binarys_name() -> None:
    """With it comes everything that was printed, for its other words."""
    printed = "HAProxy version 3.2.26-1 2026/01/01\nmore\n"
    assert await inside_gateway.ask_version(Answers(printed), ("haproxy", "-v"), "HAProxy version ") == (
        (3, 2, 26),
        printed,
    )


@pytest.mark.parametrize(("output", "code"), [("HAProxy version 3.2.26", 1), ("what?\nno such file\n", 0)])
async def test_an_image_without_the_binary_is_told_by_its_last_line(output: str, code: int) -> None:
    """A binary that fails is as good as none."""
    last = re.escape(output.strip().splitlines()[-1])
    with pytest.raises(GatewayError, match=f"image has no haproxy that runs: {last}"):
        await inside_gateway.ask_version(Answers(output, code), ("haproxy", "-v"), "HAProxy version ")


@pytest.mark.parametrize(("limits", "expected"), [("Max open files   20000   40000   files\n", 20000), ("", 1024)])
async def test_the_file_limit_is_that_of_pid_1(limits: str, expected: int) -> None:
    """The soft one, for that is what counts; where the kernel does not say, what most processes have."""
    gateway = Answers(limits)
    assert await inside_gateway.allowed_files(gateway) == expected
    assert gateway.ran == [("cat", "/proc/1/limits")]


async def test_a_port_that_something_else_listens_on_is_refused() -> None:
    """A connection from such a port takes nothing; and without new ports the gateway is not even asked."""
    gateway = Answers(TAKEN)
    with pytest.raises(ConfigRefused, match="port 53 cannot be bound in the gateway: something else listens there"):
        await inside_gateway.refuse_taken(gateway, {8080, 53, 80})
    await inside_gateway.refuse_taken(gateway, {80, 443})
    asked = len(gateway.ran)
    await inside_gateway.refuse_taken(gateway, set())
    assert len(gateway.ran) == asked


async def test_a_wait_ends_with_the_gateway() -> None:
    """No proxy is left to answer then; what is awaited is ended with it."""
    gateway, ended = Answers(), asyncio.Event()

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        waiting = group.create_task(_refused(gateway, forever()))
        await asyncio.sleep(0)
        gateway.ended = True
        await waiting
    assert ended.is_set()
    gateway.ended = False
    await inside_gateway.while_it_runs(gateway, asyncio.sleep(0))


async def _refused(gateway: Answers, waiting: object) -> None:
    with pytest.raises(GatewayError, match="the gateway has ended"):
        await inside_gateway.while_it_runs(gateway, waiting)  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "line"), [("", ""), ("\n \n", ""), ("a\n b \n\n", "b"), ("a", "a")])
def test_the_last_line_is_the_last_that_says_something(text: str, line: str) -> None:
    """Blank lines and blanks around it do not count."""
    assert inside_gateway.last_line(text) == line


@pytest.mark.parametrize(
    ("address", "port", "connected"),
    [
        ("192.168.0.3", 0xC000, True),
        ("192.168.0.3", 0xC001, False),
        ("192.168.0.9", 0xC000, False),
        ("192.168.0.4", 8080, False),  # in TIME_WAIT, which is the kernel's own
        ("fe80::ff:fe1d:adb6:5054:ff", 8080, False),
        ("fe80::5054:ff:fe1d:adb6", 8080, True),
    ],
)
async def test_a_connection_is_one_that_a_process_holds(address: str, port: int, *, connected: bool) -> None:
    """By address and port, over IPv4 and IPv6; what the kernel still closes by itself counts no more."""
    assert await inside_gateway.connected(Answers(TAKEN), address, port) is connected


async def test_connections_that_cannot_be_seen_are_not_taken_for_none() -> None:
    """As in an image without `cat`."""
    with pytest.raises(GatewayError, match="cannot be seen"):
        await inside_gateway.connected(Answers("sh: cat: not found", 127), "192.168.0.3", 80)


class Here(Answers):
    """A gateway that is this machine."""

    async def run(self, argv: Sequence[str]) -> Ran:
        """Run the command."""
        process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
        return Ran(process.returncode or 0, output.decode())


async def test_open_files_are_counted_for_each_process_of_the_proxy(tmp_path: Path) -> None:
    """By the kernel, with the limit of that process; the fullest comes first."""
    name = Path("/proc/self/comm").read_text().strip()  # noqa: ASYNC240 - a moment
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.ExitStack() as opened:
        for number in range(300):
            opened.enter_context((tmp_path / str(number)).open("w"))
        found = await inside_gateway.open_files(Here(), name)
    assert found[0].used >= 300
    assert found[0].most == soft
    assert await inside_gateway.open_files(Here(), "no-such-proxy") == []


async def test_where_no_command_runs_open_files_are_not_known() -> None:
    """As in a gateway that has just ended."""

    class Gone(Answers):
        async def run(self, argv: Sequence[str]) -> Ran:
            raise GatewayError(argv[0])

    assert await inside_gateway.open_files(Gone(), "nginx") == []
