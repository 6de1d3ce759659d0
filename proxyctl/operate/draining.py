"""Drains what a rollout ends: the proxy confirms it, then what runs on it ends; only after that it may be stopped.

A drain that a rollout asked for can be taken back as long as nothing is stopped. Called by `rollout`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from proxyctl.api.client import NoWatch, WatchEnded
from proxyctl.errors import ProxyctlError
from proxyctl.operate.port import Watch

CONFIRMED = 20.0  # seconds until the proxy must have confirmed a drain, also over a restart of `watch`
_POLL = 0.1


class Draining:
    """The drains of one rollout; `seconds` is the pool's `drain`, how long what runs on a server may take."""

    def __init__(self, watch: Watch, say: Callable[[str], None], interrupted: Callable[[], bool]) -> None:
        """Take the watch, a function that gets a notice as text, and one that returns whether to end."""
        self._watch, self._say, self._interrupted = watch, say, interrupted
        self._asked: dict[str, None] = {}
        self.seconds = 30.0

    def drain(self, name: str, *, take_back: bool = True) -> None:
        """Drain a server, and return once nothing runs on it any more, or its `drain` is over.

        With `take_back` its drain is this rollout's own, and can be taken back.

        Raise ProxyctlError when the proxy has not confirmed the drain within `CONFIRMED` seconds, or when somebody
        wants the rollout to end.
        """
        if take_back:
            self._asked[name] = None
        self._until_confirmed(name, drain=True, within=CONFIRMED, heed=True)
        self._until_finished(name, heed=True)

    def drain_new(self, name: str) -> bool:
        """Do the same with a new server that has to go, at once; return False where the proxy does not confirm it.

        The container has to go in any case, so a wish to end is not heeded.
        """
        try:
            self._until_confirmed(name, drain=True, within=0.0, heed=False)
        except ProxyctlError:
            return False
        self._until_finished(name, heed=False)
        return True

    def take_back(self) -> None:
        """Let the servers that were to drain take requests again; raise ProxyctlError when that is not confirmed."""
        for name in self._asked:
            self._until_confirmed(name, drain=False, within=CONFIRMED, heed=False)

    def _until_confirmed(self, name: str, *, drain: bool, within: float, heed: bool) -> None:
        end, reached = time.monotonic() + within, False
        while True:
            if heed and self._interrupted():
                raise ProxyctlError("interrupted")
            try:
                self._watch.override(name, drain=drain)
            except ProxyctlError as exc:
                reached |= not isinstance(exc, NoWatch) or isinstance(exc, WatchEnded)
                if self._is_gone(name):
                    return
                if time.monotonic() >= end:
                    if drain and not reached:
                        self._asked.pop(name, None)  # no `watch` has heard of it: there is nothing to take back
                    what = "its drain" if drain else "that it serves again"
                    raise ProxyctlError(f"{name}: the proxy has not confirmed {what}: {exc}") from exc
            else:
                return
            time.sleep(_POLL)

    def _until_finished(self, name: str, *, heed: bool) -> None:
        over = time.monotonic() + self.seconds
        while not self._is_finished(name):
            if heed and self._interrupted():
                raise ProxyctlError("interrupted")
            if time.monotonic() >= over:
                self._say(f"{name}: its drain of {self.seconds:g} s is over, and something still runs on it")
                return
            time.sleep(_POLL)

    def _is_finished(self, name: str) -> bool:
        """Return whether nothing runs on a server; without an answer it may."""
        try:
            return self._watch.finished(name)
        except ProxyctlError:
            return self._is_gone(name)

    def _is_gone(self, name: str) -> bool:
        """Return whether a server has left every pool, as after the end of its container."""
        try:
            status = self._watch.status()
        except ProxyctlError:
            return False
        known = {s.name for p in status.pools for s in p.servers}
        return bool(known) and name not in known  # a `watch` that has just started knows no server yet
