"""Set-up, step by step: `scripts/setup [--suite trixie …] [--only venv|engine|images|…]`."""

import argparse
import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from scripts.machine import browser, compose, engine, environment, places, registry_server
from scripts.machine.images import DEFAULT_SUITE, OFFICIAL, ROOT, Images
from scripts.machine.terminal import SetupError, Terminal

STEPS = ("venv", "engine", "images", "compose", "registry", "browser")


def main() -> int:
    """Do what is missing, in order; the first step that cannot be done ends it with exit code 1."""
    parser = argparse.ArgumentParser(prog="scripts/setup", description="Make this machine ready for proxyctl.")
    parser.add_argument("--only", choices=STEPS, action="append", help="only this step (repeatable)")
    parser.add_argument(
        "--suite",
        choices=[suite for suite in OFFICIAL if suite != DEFAULT_SUITE],
        action="append",
        default=[],
        help="also the proxies of this Debian suite (repeatable)",
    )
    arguments = parser.parse_args()
    cache = places.cache()
    cache.mkdir(parents=True, exist_ok=True)
    try:
        with _alone(cache):
            _run(Terminal(cache / "setup.log"), cache, arguments.only or STEPS, arguments.suite)
    except SetupError:
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _run(terminal: Terminal, cache: Path, only: tuple[str, ...], suites: list[str]) -> None:
    if "venv" in only:
        terminal.step(".venv", partial(environment.ensure, terminal, ROOT))
    if "engine" in only:
        terminal.step("engine", partial(engine.ensure, terminal))
    if "images" in only:
        images = Images(terminal, cache)
        for suite in [DEFAULT_SUITE, *suites]:
            terminal.step(f"images, {suite}", partial(images.ensure_proxies, suite))
        terminal.step("images, official", images.ensure_official)
        terminal.step("images, own", images.ensure_proxyctl)
    if "compose" in only:
        terminal.step("compose", partial(compose.ensure, terminal, cache))
    if "registry" in only:
        terminal.step("registry", partial(registry_server.ensure, terminal, cache))
    if "browser" in only:
        terminal.step("browser", partial(browser.ensure, terminal))


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Hold the lock of the cache: two runs at a time would download and build into the same folders."""
    with (cache / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("… waiting for another set-up to end", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
