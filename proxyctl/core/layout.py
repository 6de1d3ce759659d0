"""Where things lie inside the gateway, and the names that both sides rely on.

The state folder's `proxy/` part is mounted at `MOUNT`; everything below is written as the gateway sees it.
"""

MOUNT = "/proxyctl"
CURRENT = f"{MOUNT}/current"
SERVE = f"{MOUNT}/serve"  # what the proxy reads: leads to CURRENT, or to what a boot without `watch` made of it
BOOT = f"{MOUNT}/boot.sh"  # the gateway's first process
GENERATIONS = f"{MOUNT}/generations"
RUN = f"{MOUNT}/run"  # the proxy's own sockets: none of them is reachable through a port
WATCHING = "watching"  # a pipe in RUN that a running `watch` holds
SERVERS = "servers"  # a file of each generation: address, short id and name of each container in it

SHORT_ID = 12  # characters of a container's id; Docker's DNS knows every container by them

GATEWAY_LABEL = "proxyctl.gateway"  # value: the network it serves
BASE_LABEL = "proxyctl-rollout.base"  # on plain containers of a rollout: the name of the first one in their line
NETWORK_LABEL = "proxyctl.network-made-by"  # on networks that `watch --create-network` made

CHECK_HEADER = "X-Proxyctl-Check"  # a request that carries the secret token in it ...
SERVER_HEADER = "X-Proxyctl-Server"  # ... is answered with the name of the server in this one
ROAD_HEADER = "X-Proxyctl-Road"  # a request with `core.road.question` in it is answered by the gateway itself

THROWAWAY_POOL = "check-"
"""Begins the names of pools that `check scenario` makes for a test; six hexadecimal digits follow."""
_HEXADECIMAL = frozenset("0123456789abcdef")


def is_throwaway(pool: str) -> bool:
    """Return whether a pool has the name of one that a test makes."""
    rest = pool.removeprefix(THROWAWAY_POOL)
    return pool.startswith(THROWAWAY_POOL) and len(rest) == 6 and _HEXADECIMAL.issuperset(rest)  # noqa: PLR2004


def gateway_name(network: str) -> str:
    """Return the container name of the gateway of `network`."""
    return f"proxyctl-{network}"
