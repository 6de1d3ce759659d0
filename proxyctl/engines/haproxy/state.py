"""The server-state file: it tells a HAProxy that loads a configuration which servers start as down.

Without it every checked server starts as up, so that after a reload a server that was down, or was never checked, would
get requests until its next check. Only such servers are in the file, with the address of the new configuration, because
HAProxy takes a server's port from this file as well. It is written for one load and then emptied: after a crash every
server starts as up, because a server that was down before may serve by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from proxyctl.engines.haproxy.lines import ServerLine
from proxyctl.engines.haproxy.paths import STATE_FILE

_VERSION = 1
_COLUMNS = (
    "be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight "
    "srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state "
    "bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr "
    "srv_agent_addr srv_agent_port"
)  # the same from 2.6 to 3.2

Known = frozenset[tuple[str, str, str, int]]
"""(pool, name, address, port) of the servers that passed their check."""

Servers = Mapping[str, Mapping[str, ServerLine]]


def write(run_folder: Path, servers: Servers, known: Known) -> None:
    """Write the file: every checked server that is not among `known` starts as down."""
    text = "\n".join((str(_VERSION), f"# {_COLUMNS}", *_rows(servers, known), ""))
    new = run_folder / f".{STATE_FILE}-new"
    new.write_text(text)
    new.rename(run_folder / STATE_FILE)


def known(servers: Servers) -> Known:
    """Return every server of the configuration loaded before, which counts as known where no worker answers."""
    return frozenset(_key(pool, line) for pool, line in _pairs(servers))


def _rows(servers: Servers, known: Known) -> Iterator[str]:
    for number, (pool, line) in enumerate(_pairs(servers), 1):
        if line.checked and not line.disabled and _key(pool, line) not in known:
            tls, check_port = int("ssl" in line.options), line.check_port or 0
            yield (
                f"1 {pool} {number} {line.name} {line.address} 0 0 {line.weight} {line.weight} "
                f"0 1 0 0 6 0 0 0 - {line.port} - {tls} {check_port} - - 0"
            )


def _pairs(servers: Servers) -> Iterable[tuple[str, ServerLine]]:
    return ((pool, line) for pool, members in servers.items() for line in members.values())


def _key(pool: str, line: ServerLine) -> tuple[str, str, str, int]:
    return pool, line.name, line.address, line.port
