"""What the checks of several clips look up: addresses, free ports, processes, and whether something answers yet."""

from __future__ import annotations

import contextlib
import socket

from proxyctl.labs.at import At
from proxyctl.labs.texts import Text


def address(at: At, key: str, network: str = "bridge") -> str:
    """Return a container's address on a network."""
    return str(at.container(key)["NetworkSettings"]["Networks"][network]["IPAddress"])


def find_port(at: At) -> None:
    """Find a free port of the host, as `-p 8080:80` of the course may be taken."""
    find_ports(at, "port")


def find_ports(at: At, *keys: str) -> None:
    """Find a free port of the host for each; all are held until all are found, so that they differ."""
    with contextlib.ExitStack() as held:
        for key in keys:
            probe = held.enter_context(socket.socket())
            probe.bind(("", 0))
            at.found(**{key: str(probe.getsockname()[1])})


def until_answered(at: At, url: str, what: str, asked_by: str = "client") -> None:
    """Wait until a container with wget is answered; `url` may have placeholders."""
    at.until(
        lambda: at.quiet(f"docker exec {{{asked_by}}} wget -qO- -T 1 {url}").code == 0,
        Text(ko=f"{what}의 응답", en=f"an answer of {what}"),
    )


def until_servers_answer(at: At, *keys: str) -> None:
    """Wait until each of these echo servers answers."""
    for key in keys:
        until_answered(at, f"http://{{{key}}}:8080/healthz", at[key])


def find_watch(at: At) -> None:
    """Find a free port and the name for the gateway of `proxyctl watch`, and make a folder for its state."""
    find_ports(at, "watch-port")
    at.found(gateway=f"proxyctl-{at['net']}")
    at.folder("state")


def processes(at: At, key: str) -> dict[str, str]:
    """Return a container's processes: by the host's pid, what they call themselves."""
    lines = at.quiet(f"docker top {{{key}}} -o pid,args").out.splitlines()[1:]
    return {pid: args.strip() for pid, args in (line.split(None, 1) for line in lines)}


def pids(at: At, key: str, program: str) -> str:
    """Return the host's ids of the processes of one program in a container, in order; there must be some."""
    found = sorted((pid for pid, args in processes(at, key).items() if args.startswith(program)), key=int)
    at.expect(found, Text(ko=f"{at[key]}에 {program} 프로세스가 없습니다", en=f"no {program} process in {at[key]}"))
    return " ".join(found)
