"""Settings that all tests share."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

# A busy machine is no failure: no test here fails because of the time that it took.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

# In the background of a script Ctrl-C is ignored, also by all that is started from there; tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A command line that runs inside a test logs to that test's own stderr, which is closed after it."""
    yield
    structlog.reset_defaults()
