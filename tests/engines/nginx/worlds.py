"""The worlds of nginx's golden files, which `tests/docker/test_nginx_golden.py` has nginx itself read."""

from __future__ import annotations

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
GOLDEN = Golden(
    engine="nginx",
    config="nginx.conf",
    printer=printed,
    worlds={**WORLDS, **OWN},
    versions=VERSIONS,
    also=tuple((w, "1.22") for w in ("simple", "tcp", "maintenance")),
)
