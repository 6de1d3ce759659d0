"""Where a container comes from: its compose project and service, or itself. Pure.

Names that are unique in one compose project are not unique on a Docker host. What a container is called here has its
project in it, and `decide.origins` keeps apart what is called alike nevertheless. Next: `memberships`.
"""

from __future__ import annotations

import dataclasses
import re

from proxyctl.core import layout
from proxyctl.core.model import Container

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
ONE_OFF = "com.docker.compose.oneoff"


@dataclasses.dataclass(frozen=True, slots=True)
class Origin:
    """What a container belongs to: a compose `project` and `service`, both empty for a plain container, and its `name`.

    Replicas of a compose service have the same origin, and so have a plain container and its successors.
    """

    project: str
    service: str
    name: str

    def __str__(self) -> str:
        return f"compose project {self.project}" if self.project else f"container {self.name}"


def origin(container: Container) -> Origin:
    """Return the origin of a container; one of a rollout has that of the first container in its line."""
    labels = dict(container.labels)
    project, service = labels.get(PROJECT, ""), labels.get(SERVICE, "")
    name = f"{project}-{service}" if project and service else labels.get(layout.BASE_LABEL, "") or container.name
    return Origin(project, service, name)


def default_pool(container: Container) -> str:
    """Return the name of a container's pool where no label says one: `project-service`, else the container's name."""
    return _as_pool(origin(container).name) or _as_pool(container.name) or "pool"


def one_off(container: Container) -> bool:
    """Return whether it was made by `docker compose run`, for one command."""
    return dict(container.labels).get(ONE_OFF, "").lower() == "true"


def _as_pool(name: str) -> str:
    """Return the nearest valid pool name: lower case, `-` for other characters, a letter or digit in front."""
    return re.sub(r"[^a-z0-9._-]", "-", name.lower()).lstrip("._-")[:63]
