"""Docker's command line for what a person can mend, as a `Snapshot` carries it to the core's texts. Pure."""

from __future__ import annotations

from proxyctl.core.model import Commands

COMMANDS = Commands(
    attach="docker network connect {network} {container}",
    inspect="docker inspect {container}",
    restart="docker restart {container}",
    kill="docker kill {container}",
    attach_from=(
        (
            "host",
            "make {container} anew with --network {network} in place of --network host, which Docker never changes",
        ),
        ("none", "docker network disconnect none {container} && docker network connect {network} {container}"),
    ),
    revive=(
        ("ended", "docker start {owner} && docker restart {container}"),
        (
            "gone",
            "make it anew, with docker compose up --force-recreate, or with docker rm -f {container} and docker run",
        ),
    ),
)
