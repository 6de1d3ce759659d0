"""What an nginx can do, by its version and build, and what a change costs on it."""

from __future__ import annotations

import pytest

from proxyctl.core.model import Desired, Features, Listener, Pool, Route, Server
from proxyctl.core.plan import diff
from proxyctl.engines.nginx.rules import NginxRules
from tests.core.worlds import NGINX, OLD_NGINX, container, surveyed, world, wrong_labels

ABILITIES = [
    (OLD_NGINX, {"sticky": "c"}, "sticky", "sticky=c needs nginx 1.29.6, this is 1.22.1"),
    (Features("nginx", (1, 29, 5), "static"), {"sticky": "c"}, "sticky", "needs nginx 1.29.6"),
    (Features("nginx", (1, 29, 6), "static"), {"sticky": "c"}, None, ""),
    (Features("nginx", (1, 29, 3), "static"), {"protocol": "h2c"}, "protocol", "needs nginx 1.29.4, this is 1.29.3"),
    (Features("nginx", (1, 29, 4), "static"), {"protocol": "h2c"}, None, ""),
    (NGINX, {"protocol": "h2c", "health.path": "/up"}, "health.port", "HTTP/1.1"),
    (NGINX, {"protocol": "h2c", "health.port": "81"}, None, ""),
    (NGINX, {"protocol": "h2c"}, None, ""),
    (NGINX, {"health.path": "/up"}, None, ""),
    (OLD_NGINX, {"protocol": "tcp", "listen": "81"}, "protocol", "stream module"),
    (NGINX, {"protocol": "tcp", "listen": "81"}, None, ""),
    (OLD_NGINX, {"protocol": "https"}, None, ""),
]


@pytest.mark.parametrize(("features", "labels", "label", "reason"), ABILITIES)
def test_what_the_binary_cannot_do(features: Features, labels: dict[str, str], label: str | None, reason: str) -> None:
    """A label that this binary cannot carry out is an error with the version needed; nothing is done by halves."""
    found = surveyed(world(container("web", labels)), features=features)
    assert bool(found.members) == (label is None)
    assert wrong_labels(found.problems) == ([("web", f"proxyctl.{label}")] if label else [])
    assert all(reason in p.reason for p in found.problems)


def test_a_queue_on_nginx_is_a_warning() -> None:
    """Nginx refuses at once what goes over maxconn: the container takes part and its owner is told."""
    labels = {"maxconn": "5", "route.x.timeout.queue": "1s"}
    found = surveyed(world(container("web", labels)), features=NGINX)
    assert len(found.members) == 2
    assert wrong_labels(found.problems) == [("web", "proxyctl.maxconn"), ("web", "proxyctl.route.x.timeout.queue")]
    assert {p.severity for p in found.problems} == {"warning"}


def test_nginx_takes_every_change_by_a_reload() -> None:
    """A server that joins costs what a new pool costs, and the reason is one."""
    web, more = Pool("web"), Pool("web", servers=(Server("a", "id-a", "10.0.0.1", 80),))
    ports = (Listener(80, routes=(Route("", "/", "web"),)),)
    after = Desired(ports, (more,))
    rules = NginxRules(NGINX)
    changes = (*diff(Desired(ports, (web,)), after).changes, *diff(Desired(), after).changes)
    assert len(changes) == 3
    assert {rules.reload_reason(c, after) for c in changes} == {
        "nginx reads its servers only when it loads its configuration"
    }
    assert not rules.checks_health
