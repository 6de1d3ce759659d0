"""Where replicas disagree about their pool."""

from __future__ import annotations

import pytest

from proxyctl.core.decide.replicas import differences
from proxyctl.core.labels.reading import parse
from tests.core.worlds import container

CASES = [
    ({}, {}, []),
    ({"weight": "1", "backup": "1", "maxconn": "1", "port": "1"}, {"weight": "2"}, []),
    ({"protocol": "https"}, {}, [("protocol", "https", "http")]),
    ({"balance": "source"}, {"balance": "uri"}, [("balance", "source", "uri")]),
    ({}, {"sticky": "c"}, [("sticky", "none", "c")]),
    ({"drain": "5s"}, {}, [("drain", "5000ms", "30000ms")]),
    ({"timeout.connect": "1s"}, {}, [("timeout.connect", "1000ms", "2000ms")]),
    ({"timeout.server": "1s"}, {}, [("timeout.server", "1000ms", "60000ms")]),
    ({"timeout.queue": "1s"}, {}, [("timeout.queue", "1000ms", "10000ms")]),
    ({"retry.unsafe": "yes"}, {}, [("retry.unsafe", "true", "false")]),
    ({"health.path": "/a"}, {}, [("health.path", "/a", "off")]),
    ({}, {"health.path": "/a"}, [("health.path", "off", "/a")]),
    ({"health.path": "/a"}, {"health.path": "/b"}, [("health.path", "/a", "/b")]),
    ({"health.rise": "1"}, {"health.fall": "1"}, [("health.rise", "1", "2"), ("health.fall", "3", "1")]),
    (
        {"health.port": "1"},
        {"health.status": "200"},
        [("health.status", "2xx,3xx", "200"), ("health.port", "1", "none")],
    ),
    (
        {"health.interval": "1s"},
        {"health.timeout": "1s"},
        [("health.interval", "1000ms", "2000ms"), ("health.timeout", "2000ms", "1000ms")],
    ),
    ({"host": "a,b"}, {"host": "b,a"}, []),
    ({"host": "a"}, {}, [("host", "a", "any host")]),
    ({"path": "/a"}, {"path": "/b"}, [("path", "/a", "/b")]),
    ({"listen": "81"}, {}, [("listen", "81", "80")]),
    ({"strip_prefix": "1"}, {}, [("strip_prefix", "true", "false")]),
    ({"route.x.path": "/x"}, {}, [("route.x.path", "/, /x", "/")]),
    ({}, {"route.x.path": "/x"}, [("path", "/", "/, /x")]),
]


@pytest.mark.parametrize(("here", "there", "expected"), CASES)
def test_differences(here: dict[str, str], there: dict[str, str], expected: list[tuple[str, str, str]]) -> None:
    """Each pool-level label that differs is named with both values; what is each server's own is not."""
    one, other = (parse(container("web", labels)).memberships[0] for labels in (here, there))
    assert list(differences(one, other)) == [(f"proxyctl.{key}", a, b) for key, a, b in expected]
