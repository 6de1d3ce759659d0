"""`proxyctl.providers.docker.stopping`: which events end a container, and until when that counts."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime

import pytest

from proxyctl.providers.docker import stopping
from proxyctl.providers.docker.answers import Event, Inspect, read
from proxyctl.providers.docker.stopping import Stopping


def inspect(*, started: float, running: bool = True) -> Inspect:
    """Return the inspect of a container that stops by SIGQUIT; `started` is Unix time."""
    at = datetime.fromtimestamp(started, UTC).isoformat()
    state = {"Running": running, "StartedAt": at}
    return read(Inspect, {"Id": "web1", "Config": {"StopSignal": "SIGQUIT"}, "State": state})


def event(action: str, signal: str = "", at: float | None = None, id_: str = "") -> Event:
    """Return an event of the container."""
    nanoseconds = int((at or time.time()) * 1e9)
    actor = {"ID": id_, "Attributes": {"signal": signal}}
    return read(Event, {"Action": action, "Actor": actor, "timeNano": nanoseconds})


@pytest.mark.parametrize(("signal", "ends"), [("3", True), ("9", True), ("15", False), ("1", False)])
def test_only_its_stop_signal_and_sigkill_end_a_container(signal: str, ends: bool) -> None:
    """Others, as a HUP to reload, are for its process alone."""
    told = Stopping()
    told.note(event("kill", signal), inspect(started=time.time() - 60))
    assert told.still(inspect(started=time.time() - 60)) is ends
    assert ("web1" in told) is ends


def test_a_signal_counts_until_the_end_or_a_later_start() -> None:
    """A start time in the future is from before the clock was set back, and says nothing."""
    now = time.time()
    for entry in (inspect(started=now - 5), inspect(started=now - 60, running=False)):
        told = Stopping()
        told.note(event("kill", "9", at=now - 10), inspect(started=now - 60))
        assert not told.still(entry)
        assert "web1" not in told
    told.note(event("kill", "9", at=now - 10), inspect(started=now - 60))
    assert told.still(inspect(started=now + 3600))


def test_a_container_survives_its_memory_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless it was told to stop meanwhile."""
    entry, told, now = inspect(started=time.time() - 60), Stopping(), 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    assert told.due == math.inf
    told.note(event("oom"), entry)
    assert told.still(entry)
    assert told.survivors() == set()
    now += stopping.OOM_GRACE
    assert told.due <= now
    assert told.survivors() == {"web1"}
    assert "web1" not in told
    told.note(event("oom"), entry)
    told.note(event("kill", "9"), entry)
    now += stopping.OOM_GRACE
    assert told.survivors() == set()
    told.forget_except({"web1"})
    assert "web1" in told
    told.forget_except(())
    assert "web1" not in told


def test_of_a_lack_of_memory_that_is_long_past_a_container_that_runs_has_survived() -> None:
    """Docker tells again what it told while nobody listened."""
    told, entry = Stopping(), inspect(started=time.time() - 60)
    told.note(event("oom", at=time.time() - stopping.OOM_GRACE - 1), entry)
    assert not told.still(entry)
    assert told.due == math.inf


@pytest.mark.parametrize(("signal", "presumed"), [("9", True), ("15", True), ("3", False), ("1", False)])
def test_a_late_inspect_leaves_the_usual_stop_signals_to_count(signal: str, presumed: bool) -> None:
    """Until the inspect says which one is the container's own."""
    told, late = Stopping(), event("kill", signal, id_="web1")
    assert told.presume(late) is presumed
    assert ("web1" in told) is presumed
    entry = inspect(started=time.time() - 60)
    told.note(late, entry)
    assert told.still(entry) is (signal in {"3", "9"})


def test_a_presumption_takes_nothing_back() -> None:
    """A container that is known to stop goes on stopping whatever else it is sent."""
    told, entry = Stopping(), inspect(started=time.time() - 60)
    told.note(event("kill", "3"), entry)
    late = event("kill", "15", id_="web1")
    assert not told.presume(late)
    told.note(late, entry)
    assert told.still(entry)
