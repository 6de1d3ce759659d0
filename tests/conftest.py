"""Settings that all tests share."""

from __future__ import annotations

import signal

from hypothesis import settings

# A busy machine is no failure: no test here fails because of the time that it took.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

# In the background of a script Ctrl-C is ignored, also by all that is started from there; tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)
