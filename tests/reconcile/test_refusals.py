"""What was refused is not tried again until it changes, or until its time is over."""

from __future__ import annotations

import pytest

from proxyctl.core.decide.parts import Part, parts
from proxyctl.core.model import Desired, Listener, Pool, Route, Server
from proxyctl.errors import ConfigRefused, ReloadFailed
from proxyctl.reconcile.refusals import RETRY, Refusals


def wanted(drain_ms: int = 30_000) -> Desired:
    """Return a good pool and a bad one."""
    routes = (Route("", "/", "good"), Route("h", "/", "bad"))
    bad = Pool("bad", drain_ms=drain_ms, servers=(Server("s", "id", "1", 80),))
    return Desired((Listener(80, "http", routes),), (Pool("good"), bad))


def of_bad(state: Desired) -> dict[Part, str]:
    """Return the parts of the bad pool, refused."""
    return dict.fromkeys(parts(Desired(), state)["bad"], "no")


def test_parts_are_remembered_while_they_are_wanted() -> None:
    """A refused part that changes or goes is forgotten: the new one is tried."""
    refusals = Refusals()
    assert not refusals
    refusals.add(of_bad(wanted()))
    refusals.prune(Desired(), wanted())
    assert refusals.parts == of_bad(wanted())
    assert refusals
    refusals.prune(Desired(), wanted(drain_ms=1))
    assert list(refusals.parts) == [p for p in parts(Desired(), wanted(drain_ms=1))["bad"] if p in refusals.parts]
    assert all(not isinstance(p.change, Pool) for p in refusals.parts)
    refusals.prune(Desired(), Desired())
    assert not refusals


def test_a_whole_state_is_given_up_once() -> None:
    """The same state is not searched again; another one is."""
    refusals = Refusals()
    assert str(refusals.give_up(wanted(), "never")) == refusals.in_vain(wanted()) == "never"
    assert refusals.in_vain(wanted(drain_ms=1)) == ""
    assert refusals


@pytest.mark.parametrize("exc", [ConfigRefused("no"), ReloadFailed("no")])
def test_files_are_refused_again_with_the_same_words(exc: ConfigRefused | ReloadFailed) -> None:
    """By their revision, until others were loaded."""
    refusals = Refusals()
    refusals.raise_known("r1")
    refusals.add_files("r1", exc)
    refusals.raise_known("r2")
    with pytest.raises(type(exc), match="no"):
        refusals.raise_known("r1")
    refusals.forget_files()
    refusals.raise_known("r1")


def test_a_failed_reload_is_not_retried_by_retrying_checks() -> None:
    """Each reload costs connections; a check costs nothing."""
    refusals = Refusals()
    refusals.add_files("checked", ConfigRefused("no"))
    refusals.add_files("reloaded", ReloadFailed("no"))
    refusals.forget_checks()
    refusals.raise_known("checked")
    with pytest.raises(ReloadFailed):
        refusals.raise_known("reloaded")


def test_everything_but_a_failed_reload_is_tried_again_after_a_while() -> None:
    """The reason may lie outside: a port that was taken is free."""
    refusals = Refusals()
    assert refusals.wait(0.0) is None
    refusals.add(of_bad(wanted()))
    refusals.give_up(wanted(), "never")
    refusals.add_files("checked", ConfigRefused("no"))
    refusals.add_files("reloaded", ReloadFailed("no"))
    refusals.hold_off(100.0)
    assert refusals.wait(110.0) == RETRY - 10.0
    refusals.expire(100.0 + RETRY - 0.1)
    assert refusals
    refusals.expire(100.0 + RETRY)
    assert not refusals
    refusals.raise_known("checked")
    with pytest.raises(ReloadFailed):
        refusals.raise_known("reloaded")


def test_a_new_process_or_new_inputs_are_tried_with_everything() -> None:
    """Nothing of states and files is remembered then; why templates are not in use is."""
    refusals = Refusals()
    refusals.add(of_bad(wanted()))
    refusals.add_files("reloaded", ReloadFailed("no"))
    refusals.refuse_inputs("template x, line 1: no")
    refusals.forget()
    assert not refusals
    refusals.raise_known("reloaded")
    assert refusals.inputs == "template x, line 1: no; the last good ones stay in use"
