"""The labels that pass through the core: no engine forgets one."""

from __future__ import annotations

from typing import Any

import pytest

from proxyctl.core.features import table
from proxyctl.core.features.key import Key
from proxyctl.core.model import ConfigFiles, Desired, Features, Listener, Pool, Route, Server, Setting, Tuning
from proxyctl.engines import templates
from proxyctl.engines.haproxy.printed import printed as haproxy
from proxyctl.engines.nginx.printed import printed as nginx
from proxyctl.engines.port import Printer
from proxyctl.engines.render import render

ENGINES = [Features("haproxy", (3, 2, 26)), Features("nginx", (1, 30, 3), stream_module="static")]

PRINTERS: dict[str, Printer] = {"haproxy": haproxy, "nginx": nginx}


def another(value: Setting) -> Setting:
    """Return a value of the same type that is not this one."""
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else f"{value or ''}x"


def printed(features: Features, pool: Pool) -> ConfigFiles:
    """Return the configuration of a gateway that has this pool alone."""
    state = Desired((Listener(80, routes=(Route("", "/", pool.name),)),), (pool,))
    texts = templates.load(features.engine, None)
    return render(
        state, printer=PRINTERS[features.engine], features=features, tuning=Tuning(), templates=texts, token="t"
    )


@pytest.mark.parametrize("key", table.SETTINGS, ids=lambda k: k.name)
@pytest.mark.parametrize("features", ENGINES, ids=lambda f: f.engine)
def test_every_setting_is_printed(features: Features, key: Key[Any]) -> None:
    """Another value of a label that only engines print is another configuration, on each engine."""
    plain = Pool("web", servers=(Server("web1", "id", "10.0.0.1", 80),))
    other = Pool("web", settings=((key.name, another(key.default)),), servers=plain.servers)
    assert printed(features, plain).revision != printed(features, other).revision
