"""What the table of `test_lossless` begins each row with: one engine's watch and a pool of three servers.

Brings that about again after every row, and has the small steps that rows are made of.
"""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker.errors

from proxyctl.api import client as control
from tests.docker.watching import Watch, eventually

BASE = ("web1", "web2", "web3")
UP: dict[str, Any] = dict.fromkeys(BASE, "up")
TEMPLATE = {"haproxy": "_pool.cfg.j2", "nginx": "_upstream.conf.j2"}


class Table:
    """One engine's watch with the pool that every row begins with."""

    def __init__(self, watch: Watch, templates: Path) -> None:
        self.watch = watch
        self._template = templates / TEMPLATE[watch.engine]
        self._original = (Path("templates") / watch.engine / self._template.name).read_text()
        self._marks = 0
        self._extra: set[str] = set()
        templates.mkdir()
        self._template.write_text(self._original)
        self._config = templates.parent / "proxyctl.toml"
        self._config.write_text('reload_spacing = "100ms"\n')  # the default, 250 ms, would be waited for in each row

    def ready(self) -> None:
        """Bring about the state that each row begins with, whatever the one before left."""
        watch = self.watch
        if watch.process is None or watch.process.poll() is not None:
            watch.start("--templates", str(self._template.parent), "--config", str(self._config))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self._bring_back, BASE))
            list(pool.map(self.remove, self._extra))
        self._extra.clear()
        self.until()

    def _bring_back(self, name: str) -> None:
        try:
            container = self.watch.container(name)
        except docker.errors.NotFound:
            self.run(name)
        else:
            if container.status != "running":
                container.start()

    def run(self, name: str, **options: Any) -> Any:
        """Start a server of the pool; asked to end, it goes on until it had no request for half a second.

        A reload takes 0.13 s on a quiet machine and seconds on a starved one. A server that closes while it still gets
        requests loses POSTs, whatever the proxy does.
        """
        options.setdefault("environment", {"ECHO_LINGER": "0.5"})
        if name not in BASE:
            self._extra.add(name)
        return self.watch.run(name, labels={"pool": "web", **options.pop("labels", {})}, **options)

    def remove(self, name: str) -> None:
        """Remove a server, if it is still there."""
        with contextlib.suppress(docker.errors.NotFound):
            self.watch.container(name).remove(force=True)

    def until(self, *without: str, **more: str) -> None:
        """Wait until the pool has exactly the three servers, `without` some, with some `more`."""
        self.watch.until(**{name: state for name, state in (UP | more).items() if name not in without})

    def change_template(self) -> str:
        """Write the template anew, with another comment in it, and return that."""
        self._marks += 1
        mark = f"# change {self._marks}.\n"
        self._template.write_text(f"{self._original}\n{mark}")
        return mark

    def until_applied(self, mark: str) -> None:
        """Wait until a changed template is in the applied configuration, and that is confirmed."""

        def applied() -> bool:
            status = self.watch.status() or {}
            text = self.watch.applied_text()
            return mark in text and str(status.get("revision")) in text

        eventually(applied, f"the template with {mark!r}")

    def decide(self, name: str, **what: Any) -> None:
        """Do what the verbs drain, ready and weight do."""
        control.ask(self.watch.state, f"/api/v1/servers/{self.watch.network}-{name}", post=what)

    def until_weighs(self, name: str, weight: int) -> None:
        """Wait until a server has that weight."""
        full = f"{self.watch.network}-{name}"

        def found() -> bool:
            pools = (self.watch.status() or {"pools": []})["pools"]
            return any(s["name"] == full and s["weight"] == weight for p in pools for s in p["servers"])

        eventually(found, f"weight {weight} of {name}")
