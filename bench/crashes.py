"""A server that ends by itself a moment after each start: how often the proxy is reloaded for it, by version."""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.rig import Rig
from bench.steps import Log
from bench.versions import Versions

SECONDS, LIFE = 30.0, 0.3
"""Seconds that it crashes again and again, and seconds from each start to its end."""
HOWS = ("by always", "at once")
"""How it is started again: by Docker's restart policy, whose pauses double from 100 ms, or by a script without one."""

Reloads = dict[str, dict[str, int]]
"""The reloads within SECONDS, by version and by HOWS."""


def measure(rig: Rig, versions: Versions, say: Callable[[str], None]) -> Reloads:
    """Let a server crash in each way, beside the three that stay."""
    reloads: Reloads = {}
    for version, code in versions.items():
        rig.become(code)
        reloads[version] = {}
        for how in HOWS:
            rig.until_quiet()
            say(f"{rig.engine}, {version}: a server that crashes every {LIFE} s, started again {how}")
            reloads[version][how] = _reloads(rig, f"c{len(reloads)}-{how.replace(' ', '-')}", at_once=how == "at once")
    return reloads


def _reloads(rig: Rig, name: str, *, at_once: bool) -> int:
    container = rig.create(name, ends=LIFE, restarts=not at_once)
    log, until = Log(rig.log, rig.engine), time.monotonic() + SECONDS
    container.start()
    while time.monotonic() < until:
        if at_once:
            container.wait()
            container.start()
        else:
            time.sleep(0.1)
    reloads = log.ways().get("reload", 0)
    container.remove(force=True, v=True)
    return reloads
