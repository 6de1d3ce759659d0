"""Files of the state folder as an earlier release wrote them: `recorded/` is what it wrote, indented."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pydantic
import pytest

from proxyctl.core.features import retry, timeouts
from proxyctl.core.model import Desired, HealthCheck, Listener, Pool, Route, Server
from proxyctl.state.generations import GenerationFolder
from proxyctl.state.pin import PinFile
from proxyctl.state.recorded import RecordedDesired

RECORDED = Path(__file__).parent / "recorded"

SERVER = Server("api1", "b" * 64, "172.18.0.3", 8080, weight=3, maxconn=9, draining=True)
TUNED = Pool(
    "tuned",
    protocol="https",
    balance="leastconn",
    sticky="c",
    health=HealthCheck("/up", rise=1),
    drain_ms=5_000,
    settings=(
        ("retry.unsafe", True),
        ("timeout.connect", 300),
        ("timeout.queue", 1),
        ("timeout.server", 300_000),
    ),
    maintenance=True,
    servers=(SERVER,),
)
WRITTEN = Desired(
    (
        Listener(
            80, "http", (Route("a.example", "/", "plain"), Route("b.example", "/api", "tuned", strip_prefix=True))
        ),
        Listener(5432, "tcp", (Route("", "/", "db"),)),
    ),
    (
        Pool("plain", servers=(Server("web1", "a" * 64, "172.18.0.2", 80),)),
        TUNED,
        Pool("db", protocol="tcp", settings=(("timeout.server", 3_600_000),)),
    ),
)


def test_an_upgrade_adopts_the_running_pools(tmp_path: Path) -> None:
    """The current generation of an earlier release is read whole, so nothing of it is taken for a change."""
    generation = tmp_path / "generations" / "1-0123456789abcdef"
    generation.mkdir(parents=True)
    (generation / "desired.json").write_bytes((RECORDED / "desired.json").read_bytes())
    folder = GenerationFolder(tmp_path)
    folder.switch(1)
    current = folder.current()
    assert current is not None
    assert current.desired == WRITTEN
    tuned = current.desired.pool("tuned")
    assert tuned is not None
    assert (timeouts.CONNECT.of(tuned), timeouts.SERVER.of(tuned), timeouts.QUEUE.of(tuned)) == (300, 300_000, 1)
    assert retry.UNSAFE.of(tuned) is True


def test_an_upgrade_stays_at_the_generation_that_it_is_held_at(tmp_path: Path) -> None:
    """A pin of an earlier release is read with the settings of its pools."""
    (tmp_path / "held.json").write_bytes((RECORDED / "held.json").read_bytes())
    pin = PinFile(tmp_path)
    assert pin.pin is not None
    assert pin.pin.desired == WRITTEN
    assert pin.pin.inputs.options.defaults == (("timeout.server", "5m"),)


ADAPTER = pydantic.TypeAdapter[Desired](RecordedDesired)


def test_what_is_written_now_is_read_as_it_was() -> None:
    """Settings of every type survive their way through the file."""
    pool = Pool("p", settings=(("a", "text"), ("b", True), ("c", 1), ("d", None), ("e", "1")))
    (read,) = ADAPTER.validate_json(ADAPTER.dump_json(Desired((), (pool,)))).pools
    assert [(k, v, type(v)) for k, v in read.settings] == [(k, v, type(v)) for k, v in pool.settings]


@pytest.mark.parametrize("broken", [[], {"pools": 1}, {"pools": [1]}, {"pools": [{"settings": 1, "name": "p"}]}])
def test_what_is_no_desired_state_is_refused(broken: Any) -> None:
    """A damaged file is an error of validation, whatever is wrong in it."""
    with pytest.raises(pydantic.ValidationError):
        ADAPTER.validate_json(json.dumps(broken))
