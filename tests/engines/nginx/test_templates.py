"""The nginx templates against whole golden files; `tests/docker/test_nginx_golden.py` has nginx itself read them.

`PROXYCTL_GOLDEN=write` rewrites the files; read the difference before committing it.
"""

from __future__ import annotations

import pytest

from proxyctl.core.model import Desired, Features, Pool
from proxyctl.engines.nginx.printed import printed
from tests.engines.golden import EVERY, TWO, WORLDS, Golden, hosts, http, protocols, server, tcp

MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"
VERSIONS = {
    "1.30": Features("nginx", (1, 30, 6), MODULE),
    "1.22": Features("nginx", (1, 22, 1), MODULE),
}
OWN = {
    "weights": Desired(
        (http(EVERY),),
        (
            Pool(
                "web",
                servers=(server(1, weight=3), server(2, maxconn=10), server(3, backup=True), server(4, weight=0)),
            ),
        ),
    ),
    "hosts": hosts("/~odd"),
    "sticky": Desired((http(EVERY),), (Pool("web", sticky="SRV", servers=TWO),)),
    "tcp": tcp(
        Pool(
            "db",
            protocol="tcp",
            balance="leastconn",
            servers=(server(1, port=5432, backup=True), server(2, port=5432)),
        )
    ),
    "protocols": protocols(
        Pool("tls", protocol="https", servers=(server(1, port=443),)),
        Pool("h2", protocol="h2c", servers=(server(2, port=8080),)),
    ),
}
GOLDEN = Golden("nginx", "nginx.conf", printed, {**WORLDS, **OWN}, VERSIONS)
CASES = [(w, "1.30") for w in GOLDEN.worlds] + [(w, "1.22") for w in ("simple", "tcp", "maintenance")]


@pytest.mark.parametrize(("world", "version"), CASES)
def test_golden(world: str, version: str) -> None:
    """Each world renders to the bytes that were reviewed."""
    GOLDEN.check(world, version)


def test_every_golden_file_has_its_world() -> None:
    """No file is left over from a world that is gone."""
    assert set(GOLDEN.folder.iterdir()) == {GOLDEN.file(*case) for case in CASES}
