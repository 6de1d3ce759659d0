"""`docker compose` v2: the client's own, else the plugin out of the distribution's package."""

import os
import shutil
import tempfile
from pathlib import Path

from scripts.machine import debian
from scripts.machine.rootfs import unpack
from scripts.machine.terminal import SetupError, Terminal

SUITES = ("sid", "trixie")  # bookworm has v1 only
PLUGIN = "usr/libexec/docker/cli-plugins/docker-compose"


def ensure(terminal: Terminal, cache: Path) -> str:
    """Make sure that `docker compose` runs; say its version."""
    version = _version(terminal)
    if version:
        return f"docker compose {version}"
    target = _plugins() / "docker-compose"
    for wanted in SUITES:
        suite = debian.Suite(terminal, cache, debian.suite_here(wanted))
        package = "docker-compose" if suite.name == wanted else "docker-compose-v2"  # Ubuntu's name
        with tempfile.TemporaryDirectory(dir=cache, prefix="build-") as work:
            unpack(terminal, suite.download(package), Path(work) / "packages")
            plugin = Path(work) / "packages" / PLUGIN
            if terminal.attempt(plugin, "docker-cli-plugin-metadata").returncode == 0:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(plugin, target.with_suffix(".new"))
                target.with_suffix(".new").rename(target)
                break
    version = _version(terminal)
    if not version:
        raise SetupError(
            "`docker compose` is missing, and the packages' plugin does not run here",
            remedy="install docker-compose-plugin or docker-compose-v2, then run `make setup` again",
            show_log=True,
        )
    return f"docker compose {version} installed in {target.parent}"


def _version(terminal: Terminal) -> str:
    done = terminal.attempt("docker", "compose", "version", "--short")
    return done.stdout.strip() if done.returncode == 0 else ""


def _plugins() -> Path:
    if os.geteuid() == 0:
        return Path("/usr/local/lib/docker/cli-plugins")
    return Path(os.environ.get("DOCKER_CONFIG", Path.home() / ".docker")) / "cli-plugins"
