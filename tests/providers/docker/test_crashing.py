"""`proxyctl.providers.docker.crashing`: which ends are crashes, and whose."""

from __future__ import annotations

import itertools

import pytest

from proxyctl.providers.docker.answers import Event, Inspect, read
from proxyctl.providers.docker.crashing import Crashing


def inspect(*, stop_signal: str = "SIGWINCH", auto_remove: bool = False) -> Inspect:
    """Return an inspect of a container."""
    config, host = {"StopSignal": stop_signal}, {"AutoRemove": auto_remove}
    return read(Inspect, {"Id": "1", "Name": "/web", "State": {}, "Config": config, "HostConfig": host})


def event(words: str, type_: str = "container") -> Event:
    """Return an event: `kill 15`, `die 137`, `rename old`, or any action alone."""
    action, _, more = words.partition(" ")
    key = {"kill": "signal", "die": "exitCode", "rename": "oldName"}.get(action, "")
    attributes = {"name": "web"} | ({key: more} if key else {})
    return read(Event, {"Type": type_, "Action": action, "Actor": {"ID": "1", "Attributes": attributes}})


def known(*events: str, entry: Inspect | None = None, of: Crashing | None = None) -> tuple[int, bool]:
    """Return how many crashes of the container are known after these events, a second apart, and whether it loops."""
    crashing, clock = of or Crashing(), itertools.count(1.0)
    for words in events:
        crashing.note(event(words), entry or inspect(), next(clock))
    return next(((c.count, c.looping) for c in crashing.known), (0, False))


def test_an_end_that_nobody_asked_for_is_a_crash() -> None:
    """Whatever its exit code; three of them are a loop."""
    assert known("start", "die 1") == (1, False)
    assert known("start", "die 0", "start", "die 0", "start", "die 0") == (3, True)


def test_the_kernels_kill_is_a_crash() -> None:
    """Memory ran out, or somebody on the host sent the signal: Docker tells of no kill then."""
    assert known("start", "oom", "die 137", "start", "oom", "die 137", "start", "die 137") == (3, True)


@pytest.mark.parametrize("signal", ["2", "3", "9", "15", "28"])
def test_an_end_after_a_signal_that_asks_for_it_is_none(signal: str) -> None:
    """Also after the container's own stop signal, 28 here; an operator's restart forgets what came before."""
    restart = (f"kill {signal}", "die 143", "stop", "start", "restart")
    assert known(*restart * 3) == (0, False)
    assert known("die 1", "start", "die 1", "start", "die 1", "start", *restart) == (0, False)


def test_a_crash_after_any_other_signal_is_one() -> None:
    """A program that cannot stand its HUP crashes by it."""
    assert known("kill 1", "die 129") == (1, False)


def test_a_signal_that_a_container_outlives_counts_for_its_next_end_only() -> None:
    """It was asked to end, and did in the end."""
    assert known("kill 15", "die 0", "start", "die 1") == (1, False)
    assert known("kill 15", "start", "die 1") == (1, False)  # its end was lost


@pytest.mark.parametrize("asked", ["stop", "restart"])
def test_a_stop_between_two_starts_forgets(asked: str) -> None:
    """Docker is just waiting to start it: nothing is left to send a signal to."""
    assert known("start", "die 1", "start", "die 1", asked) == (0, False)


def test_an_end_that_is_told_twice_counts_once() -> None:
    """A stream that is opened anew may repeat events."""
    assert known("die 1", "die 1", "start", "die 1", "die 1") == (2, False)


def test_containers_that_docker_removes_at_their_end_are_known_by_name() -> None:
    """`docker run --rm` in a loop is a crash loop; a container that somebody removes is forgotten."""
    again = ("create", "start", "die 1", "destroy")
    assert known(*again * 3, entry=inspect(auto_remove=True)) == (3, True)
    assert known(*again * 3) == (0, False)


def test_a_name_that_goes_to_another_container_brings_no_crashes_along() -> None:
    """Whoever gets a name begins anew."""
    crashing = Crashing()
    known("die 1", "start", "die 1", of=crashing)
    renamed = read(
        Event,
        {"Type": "container", "Action": "rename", "Actor": {"Attributes": {"name": "new", "oldName": "/web"}}},
    )
    crashing.note(renamed, inspect(), 9.0)
    assert crashing.known == ()


def test_what_is_noted_tells_whether_it_changed_anything() -> None:
    """Only then a pass is due; an event of a network is none of the container's."""
    crashing = Crashing()
    told = [
        crashing.note(event(w), inspect(), n) for n, w in enumerate(("start", "die 1", "start", "pause", "kill 15"))
    ]
    assert told == [False, True, True, False, False]
    assert not crashing.note(event("die 1", "network"), None, 9.0)


def test_a_listing_repairs_what_events_missed() -> None:
    """Who runs has started, and who is gone is forgotten, one that removed itself after a minute."""
    crashing = Crashing()
    known("die 1", of=crashing)
    crashing.listed({"web"}, (), 10.0)
    assert crashing.known[0].started == 10.0
    crashing.listed({"web"}, (), 20.0)
    assert crashing.known[0].started == 10.0
    crashing.listed((), {"web"}, 30.0)
    assert known(of=crashing) == (1, False)
    crashing.listed((), (), 40.0)
    assert known(of=crashing) == (0, False)
    known("start", "die 1", "destroy", entry=inspect(auto_remove=True), of=crashing)
    crashing.listed((), (), 50.0)
    assert known(of=crashing) == (1, False)
    crashing.listed((), (), 70.0)
    assert known(of=crashing) == (0, False)
