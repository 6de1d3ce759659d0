"""Docker's command line for what a person can mend, as a `Snapshot` carries it to the core's texts. Pure."""

from __future__ import annotations

from proxyctl.core.model import Commands

COMMANDS = Commands(
    attach="docker network connect {network} {container}",
    inspect="docker inspect {container}",
    restart="docker restart {container}",
    kill="docker kill {container}",
)
