"""Settings that all tests share."""

from __future__ import annotations

from hypothesis import settings

# A busy machine is no failure: no test here fails because of the time that it took.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")
