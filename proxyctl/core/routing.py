"""Which route a URL meets: the one place that knows how hosts and paths compete. Pure."""

from __future__ import annotations

import dataclasses

from proxyctl.core.model import Listener, Pool, Route


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """The routes of one host pattern of a listener, longest path first; an empty `host` means any."""

    host: str
    routes: tuple[Route, ...]


def sites(listener: Listener) -> tuple[Site, ...]:
    """Return a listener's routes in the order in which both engines match them: first by host, then by path.

    Exact hosts come first, then wildcards, longest first, then any host. A path that no route of a host covers falls
    through to the less specific hosts, so each site also holds the routes that it inherits.
    """
    hosts = sorted({r.host for r in listener.routes}, key=lambda h: (h == "", h.startswith("*"), -len(h), h))
    result = []
    for host in hosts:
        routes: list[Route] = []
        for pattern in [h for h in hosts if _covers(h, host)]:
            inherited = [r for r in listener.routes if r.host == pattern]
            own_routes = tuple(routes)
            routes += [r for r in inherited if not any(under(r.path, own.path) for own in own_routes)]
        result.append(Site(host, tuple(sorted(routes, key=lambda r: (-len(r.path), r.path)))))
    return tuple(result)


def match(listener: Listener, host: str, path: str) -> tuple[Site, Route] | None:
    """Return the site and route that a request for `host` (lower case, without a port) and `path` meets, or None."""
    site = next((s for s in sites(listener) if _covers(s.host, host)), None)
    route = next((r for r in site.routes if under(path, r.path)), None) if site else None
    return (site, route) if site and route else None


def under(path: str, prefix: str) -> bool:
    """Return whether `path` is `prefix` or lies below it, by whole segments."""
    return path == prefix or path.startswith(prefix.rstrip("/") + "/")


def open_path(route: Route, pool: Pool) -> str:
    """Return the client's path that a pool in maintenance still answers on this route; empty when there is none."""
    path = pool.open_path
    if path and route.strip_prefix:
        return route.path.rstrip("/") + path
    return path if path and under(path, route.path) else ""


def _covers(pattern: str, host: str) -> bool:
    """Return whether every request for `host` (perhaps a wildcard itself) also matches `pattern`."""
    return pattern in {"", host} or (pattern.startswith("*.") and host.endswith(pattern[1:]))
