"""Every kind of Problem by its code: what causes it, what it means for requests, and what mends it.

A code never changes its meaning; a new kind gets a new code. `explain P104` and docs/problems.md print what stands
here. Values only; `core.model.findings` has the Problem.
"""

from __future__ import annotations

import dataclasses
from typing import Final


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """A kind of Problem in words for people; a provider's own commands come with the reason of the Problem."""

    title: str
    cause: str
    effect: str
    remedy: str


KINDS: Final[dict[str, Kind]] = {}
"""All kinds by code."""


def _kind(code: str, title: str, *, cause: str, effect: str, remedy: str) -> str:
    KINDS[code] = Kind(title, cause, effect, remedy)
    return code


# ------------------------------------------------------------------ 1: labels

UNKNOWN_LABEL: Final = _kind(
    "P101",
    "A label has a key that proxyctl does not know",
    cause="A key is mistyped, or belongs to another version.",
    effect="The container is left out, so that a mistyped rule is not a rule that is missing.",
    remedy="Correct the key: the message names the nearest known one, docs/labels.md has all. A container keeps the "
    "labels that it was made with, so make it anew.",
)
BAD_VALUE: Final = _kind(
    "P102",
    "A label's value is not accepted",
    cause="The value is of another type, out of range, or has characters that could become configuration.",
    effect="The container is left out.",
    remedy="Correct the value: the message says what is accepted. Then make the container anew.",
)
CONTRADICTION: Final = _kind(
    "P103",
    "Labels of one container contradict each other",
    cause="Two labels exclude each other, or one is missing that another needs, such as `listen` with protocol=tcp.",
    effect="The container is left out.",
    remedy="Change the label that the message names.",
)
NO_PORT: Final = _kind(
    "P104",
    "No port is exposed, and no label names one",
    cause="The image has no EXPOSE for TCP, and the container has no label `port`.",
    effect="The container is left out: nobody knows where it listens.",
    remedy="Give it the label proxyctl.port, or add EXPOSE to its image.",
)
PORT_CHOSEN: Final = _kind(
    "P105",
    "Several ports are exposed, and one was chosen",
    cause="The image exposes more than one TCP port, and no label says which of them is meant.",
    effect="Requests go to the port that the message names.",
    remedy="Say it with the label proxyctl.port.",
)
NOT_ENABLED: Final = _kind(
    "P106",
    "A container has labels of proxyctl and is not enabled",
    cause="It has labels such as proxyctl.host, and not proxyctl.enable=true.",
    effect="It takes no part.",
    remedy="Add the label proxyctl.enable=true, or remove the others.",
)
CANNOT: Final = _kind(
    "P107",
    "This proxy cannot do what a label asks for",
    cause="The engine, or its version, or how it was built, lacks it.",
    effect="As the message says: the container is left out, or the label counts for nothing.",
    remedy="Use another engine or a newer image, or remove the label.",
)
REPLICAS_DISAGREE: Final = _kind(
    "P108",
    "Replicas of one pool disagree on a label of the pool",
    cause="Two containers of a pool have different values for a key that the whole pool has once.",
    effect="The newest that serves decides, the others' values count for nothing.",
    remedy="Give all replicas the same value. While a new version comes up, this passes by itself.",
)
UNREADABLE: Final = _kind(
    "P109",
    "Docker's answer about a container cannot be read",
    cause="Docker, or a proxy in front of its socket, says something that no version of its API has.",
    effect="The container stays as it was when it was last read; one that never was is left out.",
    remedy="See what the engine itself says of it, and report the line.",
)
POOL_OF_OTHERS: Final = _kind(
    "P110",
    "A container's pool belongs to others",
    cause="Two containers that do not belong together have a pool of the same name, and not both name it.",
    effect="Who had the pool keeps it; this container takes no part in it.",
    remedy="Give it another proxyctl.pool, or name the pool by that label on both.",
)

# ------------------------------------------------------------------ 2: containers

NOT_ON_NETWORK: Final = _kind(
    "P201",
    "A container is not on a network of the gateway",
    cause="It has labels and is on other networks only, or on none, or its label proxyctl.network names another one.",
    effect="The gateway cannot reach it; it takes no part.",
    remedy="Connect it by the command in the message, or have the gateway join its network with `watch --join`, or run "
    "a `proxyctl watch` for its network. A container with the host's network has to be made anew.",
)
CRASHES: Final = _kind(
    "P202",
    "A container crashes again and again",
    cause="It ended three times within a minute, and nobody told it to: its program fails, or memory runs out.",
    effect="It gets no requests until it has run for twice as long as it did lately, 10 s at least and a minute at "
    "most, so that it does not reload the proxy at each of its starts.",
    remedy="See its log for why it ends. A container that is mended and that you restart yourself is taken in as soon "
    "as it is ready.",
)
NO_NAME: Final = _kind(
    "P203",
    "A container's name does not resolve",
    cause="Docker's DNS does not know the name, or does not answer.",
    effect="The container waits; those that serve already go on.",
    remedy="See whether the name resolves for others on the network; a restart of the container announces it again.",
)
NOT_READY: Final = _kind(
    "P204",
    "A container does not answer on its port",
    cause="Nobody listens there: a wrong port, an address of its own such as 127.0.0.1, or a start that failed.",
    effect="The container waits, and joins as soon as it answers.",
    remedy="Compare the label proxyctl.port with what its program listens on, and let it listen on all addresses.",
)
UNHEALTHY: Final = _kind(
    "P205",
    "A container's HEALTHCHECK says unhealthy",
    cause="Docker ran the check of the image, and it failed.",
    effect="The container drains, and comes back once the check passes.",
    remedy="See what the check answered by the command in the message.",
)
UNCHECKED: Final = _kind(
    "P206",
    "A container fails the proxy's health check",
    cause="The path of health.path is not answered as health.status says, or not in time; with protocol=tcp, no "
    "connection is taken.",
    effect="The container gets no requests until the check passes.",
    remedy="Ask for the path yourself; compare health.path, health.status, health.timeout and health.port.",
)
MISSING: Final = _kind(
    "P207",
    "A container is not in Docker's list, and no event said that it ended",
    cause="A listing was incomplete, as just after a start of Docker, or events were lost.",
    effect="It serves on until the next listing lacks it as well.",
    remedy="Nothing, unless it comes again: then see the log of Docker.",
)

RUNS_ON: Final = _kind(
    "P208",
    "A container was told to stop, and runs on",
    cause="Its stop signal was sent, and its program goes on.",
    effect="It was drained, and gets nothing new: at any moment it may end.",
    remedy="If it should serve, restart it. If not, kill it.",
)

NAMESPACE_LOST: Final = _kind(
    "P211",
    "A container shares the network of a container that is gone",
    cause="It was made with the network of another container (network_mode container:X or service:X), and that one has "
    "ended, was started anew, or was made anew. A container keeps the network that it started with.",
    effect="Nobody reaches it. It drains, and joins again once it has a living network.",
    remedy="The command in the message gives it one. Where both are made anew together, this passes by itself.",
)
SAME_PORT: Final = _kind(
    "P212",
    "Two containers that share a network say the same port",
    cause="One of them has the network of the other (network_mode container:X or service:X), and both have the same "
    "proxyctl.port, or expose the same port.",
    effect="The one that serves, or whose network it is, is served; the other is left out.",
    remedy="Give one of them the label proxyctl.port with the port that its program really listens on.",
)

# ------------------------------------------------------------------ 3: pools and routes

ROUTE_TAKEN: Final = _kind(
    "P301",
    "Another pool has this route",
    cause="Two pools claim the same host and path, or the same port for tcp.",
    effect="Who has the route keeps it; the other pool does not get these requests.",
    remedy="Give one of them another host, path or port.",
)

NOBODY: Final = _kind(
    "P302",
    "A pool has routes and nobody to serve them",
    cause="All its containers have stopped, drain, are not ready, or have weight 0.",
    effect="Its requests are answered with 503.",
    remedy="The message says what keeps each of them. A pool that should be closed is put in maintenance: `proxyctl "
    "maintenance POOL on`.",
)

# ------------------------------------------------------------------ 4: the configuration

PART_REFUSED: Final = _kind(
    "P401",
    "The proxy refuses a part of the configuration",
    cause="The proxy's own check refused what a pool, route or server would become, often by a template of your own.",
    effect="That part is left out, or keeps its earlier settings; all others go on.",
    remedy="Change what the proxy's words in the message point to. It is tried again with each change, and after a "
    "minute.",
)
REFUSED: Final = _kind(
    "P402",
    "The proxy refuses the configuration",
    cause="No part alone is to blame: a template, or the proxy could not load what its check accepted.",
    effect="The earlier configuration serves on; changes wait.",
    remedy="Change what the proxy's words in the message point to.",
)
INPUTS: Final = _kind(
    "P403",
    "New templates or settings are not in use",
    cause="A template cannot be printed, proxyctl.toml cannot be read, or the proxy refuses what they make.",
    effect="The last good ones stay in use.",
    remedy="Correct the line that the message names.",
)
HELD: Final = _kind(
    "P404",
    "The gateway is held at an earlier generation",
    cause="Somebody ran `proxyctl rollback`.",
    effect="Pools, routes, settings and templates are those of that generation; its servers still come and go.",
    remedy="`proxyctl rollback --release` lets go.",
)
NOT_IN_HELD: Final = _kind(
    "P405",
    "A pool is not in the generation that the gateway is held at",
    cause="The pool is newer than the generation.",
    effect="It has no route.",
    remedy="`proxyctl rollback --release` lets go.",
)

# ------------------------------------------------------------------ 5: the gateway

GATEWAY: Final = _kind(
    "P501",
    "The gateway cannot be looked after",
    cause="Docker refuses to make, start or describe it, or its proxy does not answer.",
    effect="A gateway that runs serves on as it is; changes wait.",
    remedy="As the message says.",
)
OTHER_IMAGE: Final = _kind(
    "P502",
    "The gateway runs another image than was asked for",
    cause="It was made from another image, or from an earlier one of the same name.",
    effect="It serves on with that image.",
    remedy="Make it anew when an outage of some seconds is fine: `proxyctl down --keep-state`, then `proxyctl watch`.",
)

NOT_PUBLISHED: Final = _kind(
    "P503",
    "Docker does not publish the gateway's ports",
    cause="The network is internal, or the connection that the ports belong to was lost.",
    effect="Requests to the published ports do not reach the gateway; those from its network do.",
    remedy="The command in the message has Docker publish them again. On an internal network nothing can be published: "
    "make it without --internal.",
)
OFF_NETWORK: Final = _kind(
    "P504",
    "The gateway is not on its network",
    cause="Somebody disconnected it, or removed the network and made it anew.",
    effect="It reaches no container. Proxyctl connects it again; this is told where Docker refuses.",
    remedy="The command in the message, by hand, says why not.",
)

NO_ROAD: Final = _kind(
    "P505",
    "A published port of the gateway does not answer",
    cause="Docker's forwarding is broken: its rules in iptables were flushed, its docker-proxy has ended, or a "
    "firewall is in between. The gateway itself answers on its network.",
    effect="Clients of that port do not get in; those on the gateway's network do.",
    remedy="`docker restart` of the gateway, as in the message, has Docker publish the port again; where the rules of "
    "all containers are gone, a restart of Docker makes them.",
)
STRANGER: Final = _kind(
    "P506",
    "Something else answers on a published port of the gateway",
    cause="Another program listens there, or the traffic to that port is led elsewhere.",
    effect="Clients of that port meet the other program.",
    remedy="See who listens by the command in the message, and end it, or publish another port.",
)
NEAR_LIMIT: Final = _kind(
    "P507",
    "The gateway is near a limit",
    cause="Four fifths of the connections or of the open files that its proxy may have are in use.",
    effect="At the limit further clients wait, or are refused.",
    remedy="Raise the limit that the message names. Idle connections end sooner with a shorter `[proxy] keepalive`.",
)
NO_DNS: Final = _kind(
    "P508",
    "Docker's DNS does not answer",
    cause="The rules by which Docker leads names to its DNS are gone from the gateway's network namespace, as after "
    "`iptables -t nat -F` there, or Docker hangs.",
    effect="A new container joins by what Docker's API says of its address, once its port answers. All others go on.",
    remedy="The command in the message makes the rules anew.",
)
NOT_JOINED: Final = _kind(
    "P511",
    "The gateway is not on a network that it was asked to join",
    cause="`watch --join` names a network that does not exist, or Docker refuses to connect the gateway to it.",
    effect="Containers on that network alone are not served; all others are.",
    remedy="The command in the message makes the network, or says why Docker refuses. The gateway is connected as soon "
    "as the network is there.",
)

# ------------------------------------------------------------------ 6: Docker

NO_EVENTS: Final = _kind(
    "P601",
    "Docker's events do not come",
    cause="A proxy in front of Docker's socket refuses them, or holds back its answer until the first event.",
    effect="Docker is listed every few seconds instead: containers join and leave later, and one that is being stopped "
    "is not drained before it ends.",
    remedy="Allow GET /events in that proxy, without a limit of time. Where it only holds the answer back, this ends "
    "with the first event.",
)
REFUSED_BY_SOCKET: Final = _kind(
    "P602",
    "Docker, or a proxy in front of its socket, refuses a question",
    cause="The proxy lets only some of Docker's API through.",
    effect="As the message says; everything else goes on.",
    remedy="Allow what the message names, or leave it as it is where that does no harm.",
)

# ------------------------------------------------------------------ 7: proxyctl itself

STATE_FOLDER: Final = _kind(
    "P701",
    "The state folder cannot be written",
    cause="The disk is full or read-only, or the folder belongs to somebody else.",
    effect="The proxy serves on as it is; changes wait.",
    remedy="Make room, or give `watch` a --state that it may write.",
)
INTERNAL: Final = _kind(
    "P702",
    "Proxyctl itself made a mistake",
    cause="A case that nobody thought of.",
    effect="What the message names is left as it is; everything else goes on.",
    remedy="Report the line, with the log of `proxyctl watch --verbose`.",
)

OF_GATEWAY: Final = frozenset({GATEWAY, NOT_PUBLISHED, OFF_NETWORK, NO_ROAD, STRANGER, NO_DNS, STATE_FOLDER, INTERNAL})
"""Those that concern the gateway as a whole, for all its clients: with one of them `/healthz` is not green."""
