"""Where a scenario plays: which pool, at which address, on its own containers or on throw-away ones. Next: `stage`."""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
import time
from collections.abc import Callable, Iterator, Mapping

from proxyctl.check.load.shots import KeyBy
from proxyctl.core import layout
from proxyctl.core.model import BY_KEY
from proxyctl.core.routing import under
from proxyctl.errors import ProxyctlError, UsageError
from proxyctl.gateway.access import DockerAccess
from proxyctl.gateway.netns import GatewayView
from proxyctl.operate.port import Watch
from proxyctl.providers.docker import images, throwaways
from proxyctl.providers.docker.client import Client

LABEL = "proxyctl.check"
"""Carried by the containers that a scenario makes; its value is their pool."""
WITHIN = 20.0
"""Seconds for whatever a scenario waits for; a pool with slow checks needs longer than one without."""
EPHEMERAL_SERVERS = 3
_OUTSIDE = (
    "balance=source shows with clients of many addresses only; they are played inside the gateway's network, which "
    "takes root on the host that it runs on"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """What is asked: the URL, the Host to ask for (empty: the URL's), and the secret that names servers.

    Pools that choose by a key need many of them: `key_by` is what they vary. Addresses are varied `inside` the
    gateway's own network, the pid of which this is. `unfit` says why a pool cannot be played on.
    """

    url: str
    host: str
    token: str
    key_by: KeyBy | None = None
    inside: int | None = None
    unfit: str = ""

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """What a request carries."""
        return (("Host", self.host),) if self.host else ()


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where a scenario plays: the network, the pool, whether its containers are throw-away ones, the label prefix."""

    network: str
    pool: str
    ephemeral: bool
    prefix: str = "proxyctl"


def target_of(client: Client, watch: Watch, place: Place, token: str, path: str = "") -> Target:
    """Return where the pool answers: its first route, at a published port or at the gateway's own address.

    `path` is asked for instead of the route's own, and must be below it. Raise UsageError.
    """
    status = watch.status()
    pool = status.pool(place.pool)
    if pool is None:
        known = ", ".join(p.name for p in status.pools)
        raise UsageError(f"--pool {place.pool}: there is no such pool; known are {known or 'none'}")
    if pool.protocol == "tcp" or not pool.routes:
        raise UsageError(f"--pool {place.pool}: a scenario sends HTTP, and this pool has no HTTP route")
    route = pool.routes[0]
    below = route.path.rstrip("/")
    if path and not path.startswith("/"):
        raise UsageError(f"--path {path}: it begins with /")
    if path and not under(path, below):
        raise UsageError(f"--path {path}: the route of pool {place.pool} takes paths that begin with {below}/")
    gateway = DockerAccess(client, place.network)
    gateway.inspect()
    authority = gateway.authority(route.listen)
    host, path = (route.host or "").replace("*", "check", 1), path or route.path
    kind = pool.balance
    if kind != "source":
        return Target(f"http://{authority}{path}", host, token, KeyBy(kind) if kind in BY_KEY else None)
    return _from_inside(f"http://127.0.0.1:{route.listen}{path}", host, token, gateway.state["Pid"])


def _from_inside(url: str, host: str, token: str, pid: int) -> Target:
    """Return a target for clients with addresses of their own, which only loopback has: that of the gateway."""
    unfit = "" if GatewayView(lambda: pid).direct else _OUTSIDE
    return Target(url, host, token, KeyBy("source"), pid, unfit)


@contextlib.contextmanager
def throwaway(
    client: Client,
    watch: Watch,
    place: Place,
    image: str,
    own: Mapping[str, str],
    interrupted: Callable[[], bool],
    within: float = WITHIN,
) -> Iterator[Place]:
    """Give a pool of containers that are made for this block and removed after it, with a host of its own.

    `own` are labels of the user's, without their prefix.
    """
    name = f"{layout.THROWAWAY_POOL}{secrets.token_hex(3)}"
    prefix = place.prefix
    given = {"drain": "10s", **own, "enable": "true", "pool": name, "host": f"{name}.test"}
    labels = {f"{prefix}.{key}": value for key, value in given.items()} | {LABEL: name}
    if not images.id_of(client, image):
        message = (
            f"--image {image}: it is not here: name the image of a web server that is, such as nginx (`docker pull "
            "nginx`), or build the default by `make setup` in a checkout"
        )
        raise UsageError(message)
    try:
        names = [f"{name}-{number}" for number in range(1, EPHEMERAL_SERVERS + 1)]
        throwaways.start(client, image, names, network=place.network, labels=labels)
        _until_all_serve(watch, name, interrupted, within)
        yield dataclasses.replace(place, pool=name, ephemeral=True)
    finally:
        throwaways.remove(client, f"{LABEL}={name}")


def _until_all_serve(watch: Watch, pool: str, interrupted: Callable[[], bool], within: float) -> None:
    def states() -> list[str]:
        found = watch.status().pool(pool)
        return [s.state for s in found.servers] if found else []

    deadline = time.monotonic() + within
    while states() != ["up"] * EPHEMERAL_SERVERS:
        if interrupted():
            raise KeyboardInterrupt
        if time.monotonic() > deadline:
            problems = watch.status().problems
            why = next((p.reason for p in problems if p.container.startswith(pool)), f"they are {states()}")
            raise ProxyctlError(f"the throw-away containers do not serve within {within:g} s: {why}")
        time.sleep(0.05)
