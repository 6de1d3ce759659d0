"""The proxy itself: what its binary can do, the files that it loads, and what it answers."""

from __future__ import annotations

import dataclasses

from proxyctl.core.model.desired import Server


@dataclasses.dataclass(frozen=True, slots=True)
class Features:
    """What one proxy binary can do, read from the binary itself, never assumed.

    `version` is like (3, 2, 26). `stream_module` is nginx's: "" when missing, "static", or the file to load.
    `maxconn` is how many client connections its file limit allows.
    """

    engine: str
    version: tuple[int, ...]
    stream_module: str = ""
    maxconn: int = 4096

    @property
    def version_text(self) -> str:
        """The version as people write it, `3.2.26`."""
        return ".".join(map(str, self.version))

    def since(self, *version: int) -> bool:
        """Whether the binary is at least that version."""
        return self.version >= version


@dataclasses.dataclass(frozen=True, slots=True)
class Tuning:
    """The proxy-wide settings of `[proxy]` in proxyctl.toml; times in milliseconds.

    `keepalive_min_ms` must exceed a client's pause between two requests on one connection; else a reload
    costs that client a request (docs/operations.md, reloads that lose nothing). `shutdown_ms` bounds how long an old
    worker may finish its requests.
    """

    client_timeout_ms: int = 60_000
    keepalive_ms: int = 10_000
    keepalive_min_ms: int = 5_000
    shutdown_ms: int = 60_000
    maxconn: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ConfigFiles:
    """Rendered configuration: (file name, text) pairs and the hashes that name it.

    `revision` is the hash of all files, `topology` the hash of the same files without servers. So two configurations
    of one topology differ only in what can be changed at run time.
    """

    files: tuple[tuple[str, str], ...]
    revision: str
    topology: str


@dataclasses.dataclass(frozen=True, slots=True)
class Running:
    """What the running proxy answers with: its revision, its topology and its servers.

    `servers` are (pool, server) pairs with weight and draining as they are in effect; None from a proxy that does not
    list its servers.
    """

    revision: str
    topology: str
    servers: tuple[tuple[str, Server], ...] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ServerCount:
    """Live figures of one server: requests so far (None: not counted), and whether it is up (None: no check).

    `reason` is what its last check found where that failed; empty before the first check has ended. `busy` are the
    requests and connections that run on it or wait for it now.
    """

    pool: str
    server: str
    requests: int | None
    up: bool | None
    reason: str = ""
    busy: int = 0

    @property
    def fails(self) -> bool:
        """Whether the server fails its check: a server whose first check has not ended yet does not."""
        return self.up is False and bool(self.reason)
