"""Which pools are being rolled out, over all processes: a lock for each pool in the state folder.

The kernel lets go of it when the process that has it ends, however that ends. `operate.rollout` takes it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from urllib.parse import quote

from proxyctl.errors import ProxyctlError

FOLDER = "rollouts"


@contextlib.contextmanager
def held(state: Path, pools: Collection[str], what: str) -> Iterator[None]:
    """Have these pools for one rollout while the block runs; `what` tells others what it is.

    Raise ProxyctlError where another rollout has one of them, with its process and since when.
    """
    with contextlib.ExitStack() as locks:
        for pool in sorted(pools):
            locks.enter_context(_one(state / FOLDER, pool, what))
        yield


@contextlib.contextmanager
def _one(folder: Path, pool: str, what: str) -> Iterator[None]:
    path = folder / f"{quote(pool, safe='')}.lock"
    try:
        folder.mkdir(exist_ok=True)
        file = path.open("a+")
    except OSError as exc:
        message = f"{path}: {exc.strerror}: run as the user that runs `proxyctl watch`"
        raise ProxyctlError(message) from exc
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            file.seek(0)
            holder = file.read().strip() or "a process that has just begun"
            message = f"pool {pool} is being rolled out already, by {holder}: wait for its end, or end it (Ctrl-C)"
            raise ProxyctlError(message) from exc
        file.truncate(0)
        since = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        file.write(f"process {os.getpid()} since {since} ({what})")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
