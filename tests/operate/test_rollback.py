"""`proxyctl.operate.rollback`: the gateway is pinned when the proxy does it, and as before when it does not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from proxyctl.api.port import Released
from proxyctl.core.labels.declaration import Options
from proxyctl.core.model import Tuning
from proxyctl.errors import ProxyctlError, UsageError
from proxyctl.operate.rollback import Rollback
from proxyctl.state.history import Past
from proxyctl.state.pin import PinFile
from proxyctl.state.port import Inputs, PinnedGeneration
from tests.operate.watched import WEB, MemoryWatched


class MemoryArchive:
    """Implements `operate.port.Archive`: generations 5, 6 and 7, each of another topology."""

    def history(self) -> tuple[Past, ...]:
        """Return them; 7 is current."""
        return tuple(Past(n, f"r{n}", f"t{n}", float(n), applied=True, current=n == 7) for n in (5, 6, 7))

    def pin(self, number: int, since: str) -> PinnedGeneration:
        """Return one of them."""
        return PinnedGeneration(number, since, WEB, Inputs(Options(), Tuning(), {}, ""))


@dataclasses.dataclass
class Desk:
    """The watch, the file of its pin, and what carries a rollback out."""

    watched: MemoryWatched
    pins: PinFile
    rollback: Rollback

    def obey(self) -> None:
        """Have each pass do what the pin says."""
        self.watched.next_pass = lambda: self.watched.do(WEB, pinned=self.pins.pin.number if self.pins.pin else None)

    def refuse(self) -> None:
        """Have each pass be refused by the proxy."""

        def refused() -> None:
            self.watched.refused = "haproxy refused the configuration"

        self.watched.next_pass = refused


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A watch of three generations, with the real file of the pin."""
    watched, pins = MemoryWatched(), PinFile(tmp_path)
    return Desk(watched, pins, Rollback(watched, pins, MemoryArchive(), watched.confirmation))


@pytest.mark.parametrize(("asked", "number"), [(None, 6), (5, 5)])
async def test_a_rollback_is_answered_when_the_proxy_does_it(
    asked: int | None, number: int, desk: Desk, tmp_path: Path
) -> None:
    """To the generation before, or the one that was asked for; the pin is on disk and says since when."""
    desk.obey()
    answer = await desk.rollback.pin(asked)
    assert answer.number == number
    assert desk.watched.woken == ["operator, files, at once"]
    kept = PinFile(tmp_path).pin
    assert kept is not None
    assert (kept.number, kept.since) == (number, answer.since)


async def test_a_rollback_that_the_proxy_refuses_is_undone(desk: Desk, tmp_path: Path) -> None:
    """The pin of before is kept again, and the watch is told to read its inputs once more."""
    desk.obey()
    await desk.rollback.pin(6)
    desk.refuse()
    with pytest.raises(ProxyctlError, match="does not do it, so it is undone: haproxy refused the configuration"):
        await desk.rollback.pin(5)
    kept = PinFile(tmp_path).pin
    assert kept is not None
    assert kept.number == 6
    assert desk.watched.woken == ["operator, files, at once"] * 3


async def test_a_generation_that_is_not_there_changes_nothing(desk: Desk) -> None:
    """It is refused with those that there are."""
    with pytest.raises(UsageError, match="there is no generation 3 to go back to; there are 5, 6, 7"):
        await desk.rollback.pin(3)
    assert (desk.pins.pin, desk.watched.woken) == (None, [])


async def test_a_release_is_answered_when_the_proxy_does_what_labels_say(desk: Desk, tmp_path: Path) -> None:
    """The answer names the generation that was released; a second release is refused."""
    desk.obey()
    await desk.rollback.pin(5)
    assert await desk.rollback.release() == Released(5)
    assert PinFile(tmp_path).pin is None
    with pytest.raises(ProxyctlError, match="not held at a generation: there is nothing to release"):
        await desk.rollback.release()


async def test_a_release_that_the_proxy_refuses_stays(desk: Desk) -> None:
    """What was pinned is not wanted any more: the watch goes on trying what labels say."""
    desk.obey()
    await desk.rollback.pin(5)
    desk.refuse()
    with pytest.raises(ProxyctlError, match="does not do it, it goes on trying: haproxy refused"):
        await desk.rollback.release()
    assert desk.pins.pin is None
