"""What Docker says: containers, and the snapshot of them all."""

from __future__ import annotations

import dataclasses
from typing import Literal

State = Literal["created", "running", "paused", "restarting", "removing", "exited", "dead"]
Health = Literal["none", "starting", "healthy", "unhealthy"]


PREDEFINED = frozenset({"bridge", "host", "none"})
"""The networks that every engine has. None of them knows names, so a container on no other was given no network."""


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Attachment:
    """One container's place on one network; `address` is IPv4 text, empty while it has none."""

    network: str
    address: str


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Owner:
    """The container whose network namespace another container shares, by its id and its name.

    `lost` says why the namespace is no more: its owner has ended, was started anew with another one, or is gone. A
    gone owner has the name by which the provider still refers to it.
    """

    id: str
    name: str
    lost: Literal["", "ended", "restarted", "gone"] = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Container:
    """One container; a listing and an inspect of the same container give equal values.

    `created` is in whole Unix seconds. `ports` are the exposed TCP ports. `stopping` is true from the
    `kill` event with the stop signal until the container has ended or started again. A container with an `owner` has no
    network of its own: its attachments are the owner's, without addresses once they are lost, and it is stopping while
    its owner is.
    """

    id: str
    name: str
    labels: tuple[tuple[str, str], ...]
    state: State
    health: Health
    ports: tuple[int, ...]
    attachments: tuple[Attachment, ...]
    created: int
    stopping: bool = False
    owner: Owner | None = None

    def __post_init__(self) -> None:
        for name in ("labels", "ports", "attachments"):
            object.__setattr__(self, name, tuple(sorted(getattr(self, name))))

    @property
    def live(self) -> bool:
        """Whether the container runs, so that it can serve now or in a moment; a paused container does not."""
        return self.state == "running"

    def address_on(self, network: str) -> str:
        """Return the container's IPv4 address on `network`; an empty string while it has none."""
        return next((a.address for a in self.attachments if a.network == network), "")

    @property
    def namespace(self) -> str:
        """The id of the container that owns the network namespace it is reached in: mostly its own."""
        return self.owner.id if self.owner and not self.owner.lost else self.id


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Unreadable:
    """A container, by name, about which a provider's answer cannot be read, and why."""

    name: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Crashes:
    """How often the container of that name ended with nobody telling it to, since it last ran for long.

    `ends` are the newest of these ends and `started` is the start of the present run, None while there is none: seconds
    of the clock that the decision goes by. `longest` is the longest of these runs in seconds, `exit_code` how the last
    one ended. `looping`: so often that its next start does not count as a good one. Counted in `core.crashes`.
    """

    name: str
    ends: tuple[float, ...] = ()
    count: int = 0
    longest: float = 0.0
    looping: bool = False
    started: float | None = None
    exit_code: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Commands:
    """The commands that a person mends containers with, in the words of the provider that listed them.

    Format texts. `attach` has fields `network` and `container`, and so has each of `attach_from`: by the name of a
    predefined network, what attaches a container on that one. `revive` has `container` and `owner`: by the reason why a
    shared namespace is lost, what gives a container a living one where `restart` does not. The others have `container`.
    """

    attach: str
    inspect: str
    restart: str
    kill: str
    attach_from: tuple[tuple[str, str], ...] = ()
    revive: tuple[tuple[str, str], ...] = ()

    def attaching(self, container: Container, network: str) -> str:
        """Return what attaches a container to a network, or the owner of its network namespace."""
        name = container.owner.name if container.owner else container.name
        own = {a.network for a in container.attachments}
        text = next((text for predefined, text in self.attach_from if predefined in own), self.attach)
        return text.format(network=network, container=name)

    def reviving(self, container: Container, owner: Owner) -> str:
        """Return what gives a container a living namespace in place of that of a lost owner."""
        return dict(self.revive).get(owner.lost, self.restart).format(container=container.name, owner=owner.name)


@dataclasses.dataclass(frozen=True, slots=True)
class Snapshot:
    """All labelled containers, also ended containers, and all that run on the gateway's networks, gateways among them.

    `networks` are those that this gateway is to serve, its own one first, and `gateways` the networks that have a
    gateway of their own. `missing` are the ids of containers that listings have lacked for less than one resync
    although no event ended them; they are not among `containers`. The `unreadable` are among them as they were last
    read, if they ever were. `crashes` has the containers, by name, that crashed since they last ran for long.
    """

    networks: tuple[str, ...]
    commands: Commands
    containers: tuple[Container, ...] = ()
    gateways: tuple[str, ...] = ()
    missing: frozenset[str] = frozenset()
    unreadable: tuple[Unreadable, ...] = ()
    crashes: tuple[Crashes, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "containers", tuple(sorted(self.containers, key=lambda c: (c.name, c.id))))
        object.__setattr__(self, "gateways", tuple(sorted(set(self.gateways))))
        object.__setattr__(self, "unreadable", tuple(sorted(self.unreadable)))
        object.__setattr__(self, "crashes", tuple(sorted(self.crashes, key=lambda c: c.name)))

    @property
    def network(self) -> str:
        """The gateway's own network, which gives it its name."""
        return self.networks[0]
