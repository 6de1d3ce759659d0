"""Where set-up keeps what it downloads and makes, so that tests find it there, too."""

import os
from pathlib import Path


def cache() -> Path:
    """Return the folder that is kept between runs; it may not be there yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "proxyctl" / "setup"
