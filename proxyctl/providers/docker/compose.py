"""What docker compose itself would say of a service with another image: its configuration hash.

`docker compose up` makes a container anew whose hash is not that of its file, and the image's name is part of the hash.
Only compose can count it, so its command is run, where that is here. Called by `containers`.
"""

from __future__ import annotations

import json
import subprocess

from proxyctl.providers.docker.successor import COMPOSE, Old

_ANSWER = 20.0  # seconds


def config_hash(old: Old, image: str) -> str:
    """Return the hash of a container's service with another image; empty where it cannot be told.

    It cannot where the hash with the present image is not that of the container: then its file has changed since, or is
    read with other variables, and the container is not what the file asks for.
    """
    was = str(old.inspect["Config"].get("Image") or "")
    if not old.service or image == was or not (files := old.labels.get(f"{COMPOSE}project.config_files")):
        return ""
    if _asked(old, files, was) != old.labels.get(f"{COMPOSE}config-hash"):
        return ""
    return _asked(old, files, image)


def _asked(old: Old, files: str, image: str) -> str:
    project, service = old.service or ("", "")
    argv = ["docker", "compose", "--project-name", project]
    if folder := old.labels.get(f"{COMPOSE}project.working_dir"):
        argv += ["--project-directory", folder]
    for file in filter(None, old.labels.get(f"{COMPOSE}project.environment_file", "").split(",")):
        argv += ["--env-file", file]
    for file in (*files.split(","), "-"):
        argv += ["--file", file]
    override = json.dumps({"services": {service: {"image": image}}})
    try:
        ran = subprocess.run(
            [*argv, "config", "--hash", service],
            input=override,
            capture_output=True,
            text=True,
            timeout=_ANSWER,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):  # no such command here
        return ""
    name, _, found = ran.stdout.strip().partition(" ")
    return found.strip() if ran.returncode == 0 and name == service else ""
