"""Settings that all tests share."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from tests.wheel import Installed, build

# A busy machine is no failure: no test here fails because of the time that it took.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

# In the background of a script Ctrl-C is ignored, below nohup a hang-up, also by all that is started from there; tests
# send both.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


_SHARES = Path("/sys/fs/cgroup/cpu/docker/cpu.shares")
_FAIR = "8192"
_shares = pytest.StashKey[str]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Give containers a fair share of a busy machine: on cgroup v1 all of them together get that of one process."""
    if not hasattr(session.config, "workerinput"):
        with contextlib.suppress(OSError):  # another version of cgroups, or no right to
            session.config.stash[_shares] = _SHARES.read_text()
            _SHARES.write_text(_FAIR)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Give them again what they had."""
    if before := session.config.stash.get(_shares, ""):
        with contextlib.suppress(OSError):
            _SHARES.write_text(before)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests, so that no worker has one of them alone at the end."""
    items.sort(key=lambda item: item.path.name != "test_labs.py")


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A command line that runs inside a test logs to that test's own stderr, which is closed after it."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Installed:
    """The wheel as it is installed; the first of several test processes builds it for all, in some 8 s."""
    base = tmp_path_factory.getbasetemp()
    made = Installed((base if worker_id == "master" else base.parent) / "wheel")
    with made.folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made.folder / "ready").exists():
            shutil.rmtree(made.folder, ignore_errors=True)
            build(made)
            (made.folder / "ready").touch()
    return made
