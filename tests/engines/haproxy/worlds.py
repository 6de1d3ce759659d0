"""The worlds of HAProxy's golden files, which `tests/docker/test_haproxy_golden.py` has HAProxy itself read."""

from __future__ import annotations

from proxyctl.core.model import Desired, Features, HealthCheck, Pool
from proxyctl.engines.haproxy.printed import printed
from tests.engines.golden import EVERY, TWO, WORLDS, Golden, hosts, http, protocols, server, tcp

VERSIONS = {
    "3.2": Features("haproxy", (3, 2, 26), maxconn=9900),
    "2.6": Features("haproxy", (2, 6, 12), maxconn=9900),
}
OWN = {
    "weights": Desired(
        (http(EVERY),),
        (
            Pool(
                "web",
                settings=(("timeout.queue", 500),),
                servers=(server(1, weight=256), server(2, maxconn=10), server(3, backup=True), server(4, weight=0)),
            ),
        ),
    ),
    "hosts": hosts("/~odd,1"),
    "health": Desired(
        (http(EVERY),),
        (
            Pool("web", health=HealthCheck("/healthz?full=1"), servers=TWO),
            Pool(
                "api",
                health=HealthCheck("/up", "200,3xx", interval_ms=200, timeout_ms=100, rise=1, fall=2, port=9000),
                servers=TWO,
            ),
        ),
    ),
    "sticky": Desired(
        (http(EVERY),), (Pool("web", sticky="SRV", servers=(*TWO, server(3, draining=True), server(4, weight=0))),)
    ),
    "tcp": tcp(
        Pool(
            "db",
            protocol="tcp",
            balance="source",
            health=HealthCheck("", port=8008),
            settings=(("timeout.server", 3_600_000),),
            servers=(server(1, port=5432, backup=True), server(2, port=5432)),
        )
    ),
    "protocols": protocols(
        Pool("tls", protocol="https", health=HealthCheck("/"), servers=(server(1, port=443),)),
        Pool("tls2", protocol="https", health=HealthCheck("/", port=8080), servers=(server(1, port=443),)),
        Pool("h2", protocol="h2c", health=HealthCheck("/"), servers=(server(2, port=8080),)),
        Pool("h3", protocol="h2c", health=HealthCheck("/", port=80), servers=(server(2, port=8080),)),
    ),
}
GOLDEN = Golden(
    engine="haproxy",
    config="haproxy.cfg",
    printer=printed,
    worlds={**WORLDS, **OWN},
    versions=VERSIONS,
    also=tuple((w, "2.6") for w in ("simple", "algorithms", "sticky", "maintenance")),
)
