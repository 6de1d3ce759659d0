"""`proxyctl.gateway.road`, with servers on loopback in the places of a gateway and of what else may answer."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import socket
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from proxyctl.core import codes, layout, road
from proxyctl.core.model import Problem
from proxyctl.gateway import road as roads
from proxyctl.gateway.access import DockerAccess
from proxyctl.gateway.netns import GatewayView
from proxyctl.gateway.road import NoRoad, PublishedRoad, published

SECRET = "0123456789abcdef"
QUESTION = f"{layout.ROAD_HEADER}: {road.question(SECRET)}\r\n".encode()


@contextlib.asynccontextmanager
async def server(ip: str, port: int, answer: str | None) -> AsyncIterator[int]:
    """Give the port of a server with that answer; None closes each connection as docker-proxy does without a target."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if answer is not None:
            asked = await reader.readuntil(b"\r\n\r\n")
            told = answer if QUESTION in asked or answer != road.answer(SECRET) else "no route"
            writer.write(f"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n{told}".encode())
        writer.close()

    made = await asyncio.start_server(serve, ip, port)
    async with made:
        yield made.sockets[0].getsockname()[1]


@dataclasses.dataclass
class Container:
    """Of `DockerAccess`, what Docker says of a gateway that is at 127.0.0.2."""

    entry: dict[str, Any]
    name: str = "proxyctl-web"


async def look(gateway: str, there: str | None, *, nobody: bool = False, ip: str = "127.0.0.1") -> list[Problem]:
    """Return the problems where the gateway answers with `gateway`, and its published port with `there`."""
    async with server("127.0.0.2", 0, gateway) as port, server("127.0.0.1", 0, there) as taken:
        host_port = taken
        if nobody:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                host_port = free.getsockname()[1]
        binding = {"HostIp": ip, "HostPort": str(host_port)}
        networks = {"web": {"IPAddress": "127.0.0.2"}}
        entry = {"NetworkSettings": {"Ports": {f"{port}/tcp": [binding]}, "Networks": networks}}
        access = cast("DockerAccess", Container(entry))
        asked = PublishedRoad(access, GatewayView(lambda: None), SECRET)
        assert await asked.look(()) == (), "a port that the gateway does not listen on for HTTP is not asked"
        return list(await asked.look({port}))


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask again at once."""
    monkeypatch.setattr(roads, "_AGAIN", 0.01)


async def test_a_port_that_leads_to_the_gateway_has_no_problem() -> None:
    """Published at one address or at all."""
    for ip in ("127.0.0.1", "0.0.0.0", ""):
        assert await look(road.answer(SECRET), road.answer(SECRET), ip=ip) == []


@pytest.mark.parametrize(("there", "nobody", "why"), [("", True, "connection refused"), (None, False, "reset by peer")])
async def test_a_port_where_nothing_answers(there: str | None, nobody: bool, why: str) -> None:
    """Refused, or taken and closed as by a docker-proxy that reaches nobody: the line names port, place and remedy."""
    (problem,) = await look(road.answer(SECRET), there, nobody=nobody)
    assert (problem.code, problem.severity) == (codes.NO_ROAD, "error")
    assert why in problem.reason
    assert "published at 127.0.0.1:" in problem.reason
    assert "`docker restart proxyctl-web`" in problem.reason


async def test_a_port_where_something_else_answers() -> None:
    """Also another gateway of proxyctl, which has another secret."""
    for said in ("no route", road.answer("other")):
        (problem,) = await look(road.answer(SECRET), said)
        assert problem.code == codes.STRANGER
        assert "`ss -ltnp 'sport = :" in problem.reason


async def test_who_does_not_know_itself_is_not_asked_who_it_is() -> None:
    """An operator's template without the answer, or a proxy that is down: nothing is known of the port."""
    assert await look("page", "page") == []
    assert await look("page", "", nobody=True) == []


async def test_a_host_without_that_address_has_no_problem() -> None:
    """Such as IPv6 that is switched off; 2001:db8:: is nobody's."""
    problems = await look(road.answer(SECRET), "", ip="2001:db8::1")
    assert [p for p in problems if p.code == codes.STRANGER] == []


async def test_in_a_container_nothing_is_said() -> None:
    """Its loopback is not the host's."""
    assert await NoRoad().look({80}) == ()


def test_which_ports_are_asked() -> None:
    """Each of the host's addresses once; `::` alone means loopback, beside 0.0.0.0 it may not be forwarded."""
    everywhere = [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", "HostPort": "8080"}]
    ports = {
        "80/tcp": everywhere,
        "81/tcp": [{"HostIp": "::", "HostPort": "8081"}, {"HostIp": "192.0.2.1", "HostPort": "8082"}],
        "82/udp": [{"HostIp": "", "HostPort": "8083"}],
        "83/tcp": None,
    }
    assert list(published({"NetworkSettings": {"Ports": ports}})) == [
        ("127.0.0.1", 8080, 80),
        ("::1", 8081, 81),
        ("192.0.2.1", 8082, 81),
    ]
    assert list(published({})) == []
