"""What `plan`, `render` and `explain` look through, in memory: the world that is decided about, and what comes of it.

An engine on the wire stands for Docker; what a gateway that runs is asked is in `tests/docker/test_look.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from proxyctl.api import client as control
from proxyctl.app import preview
from proxyctl.app.parts import Parts
from proxyctl.core import codes, layout
from proxyctl.core.decide.decision import decide
from proxyctl.core.labels.declaration import Options
from proxyctl.core.model import Desired, Features, Override, Problem, Target, Tuning
from proxyctl.engines import templates
from proxyctl.errors import ResolveError, UsageError
from proxyctl.gateway.access import ENGINE_LABEL
from proxyctl.settings import Settings
from proxyctl.state.generations import GenerationFolder
from proxyctl.state.overrides import Overrides, check_token
from proxyctl.state.pin import PinFile
from proxyctl.state.port import Inputs, PinnedGeneration
from tests import virtual_time
from tests.core.worlds import HAPROXY, container, servers, world
from tests.in_memory import GATEWAY, MemoryProber
from tests.providers.docker.fake_engine import UNCLOSED, FakeEngine, running
from tests.statuses import status

pytestmark = pytest.mark.filterwarnings(UNCLOSED)

A, B = container("a", {"pool": "web"}), container("b", {"pool": "web"})
WEB = Target("id-web", "web", "10.0.0.1", 80, None, "http")
ENABLED = {"proxyctl.enable": "true", "proxyctl.pool": "web"}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    """A fake engine that answers, without containers."""
    with running(tmp_path / "docker.sock", timeout=5) as made:
        yield made


async def test_the_world_is_that_of_a_watch_that_starts_now(tmp_path: Path) -> None:
    """Operators' overrides count; without a gateway that runs every name and port is taken as good."""
    generations = GenerationFolder(tmp_path / "proxy")
    generations.prepare()
    kept = Overrides(tmp_path)
    kept.keep("id-a", Override(drain=True))
    kept.maintain("web", on=True)
    parts = cast("Any", SimpleNamespace(generations=generations, settings=SimpleNamespace(state=tmp_path)))
    seen = await preview._world(cast("Parts", parts), HAPROXY, world(A, B), Options(), None, ask=False)
    outcome = decide(seen)
    assert servers(outcome) == {"web": ["a-", "b"]}
    assert [p.maintenance for p in outcome.desired.pools] == [True]
    assert {f.reason for f in seen.findings.values()} == {"no gateway runs to ask from"}


@pytest.fixture
def look(engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], preview.Preview]:
    """A look at network `web`, where no gateway runs; the image's binary is HAProxy 3.2."""

    async def features(*_: object) -> Features:
        return HAPROXY

    monkeypatch.setattr(preview, "connect", engine.client)
    monkeypatch.setattr(preview, "_features_of_image", features)
    settings = Settings(network="web", state=tmp_path / "state")
    (tmp_path / "state").mkdir()
    return lambda: asyncio.run(preview.preview(settings))


def test_a_look_says_what_a_watch_would_do_and_touches_nothing(
    engine: FakeEngine, look: Callable[[], preview.Preview], tmp_path: Path
) -> None:
    """Without a generation the plan leads from nothing; nothing is written, and Docker is only asked."""
    engine.world.run("web1", "web", ENABLED)
    seen = look()
    assert servers(seen.outcome) == {"web": ["web1"]}
    assert (seen.applied, seen.applied_files, seen.plan.how) == (None, {}, "reload")
    assert "server web1" in seen.files.files[0][1]
    assert list((tmp_path / "state").rglob("*")) == []
    assert (engine.calls["create"], engine.calls["remove"]) == (0, 0)


def test_the_plan_of_a_look_begins_with_the_current_generation(
    engine: FakeEngine, look: Callable[[], preview.Preview], tmp_path: Path
) -> None:
    """A look at what was applied changes nothing; another container is one change."""
    engine.world.run("web1", "web", ENABLED)
    first = look()
    generations = GenerationFolder(tmp_path / "state" / "proxy")
    generations.prepare()
    generations.switch(generations.stage(first.files, first.outcome.desired))
    seen = look()
    assert (seen.plan.how, bool(seen.plan)) == ("unchanged", False)
    assert dict(seen.files.files) == seen.applied_files
    engine.world.run("web2", "web", ENABLED)
    assert [type(change).__name__ for change in look().plan.changes] == ["ServerAdded"]


def test_who_crashes_in_a_loop_is_known_by_the_watch_that_runs(
    engine: FakeEngine, look: Callable[[], preview.Preview], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only that has seen it end; without one every container that runs is taken for good."""
    engine.world.run("web1", "web", ENABLED)
    problems = (
        Problem("web1", "", "crashed 4 times", code=codes.CRASHES),
        Problem("web2", "", "another", code=codes.NOT_READY),
    )
    assert look().outcome.desired.pools[0].servers
    told = status(problems=problems)
    monkeypatch.setattr(control, "status_if_running", lambda _: told)
    seen = look()
    assert seen.world.crashing == {"web1": "crashed 4 times"}
    assert [p.servers for p in seen.outcome.desired.pools] == [()]


def test_the_secret_is_not_shown(engine: FakeEngine, look: Callable[[], preview.Preview], tmp_path: Path) -> None:
    """Terminals are shared, and logs are kept: neither what would be printed has it nor what is."""
    engine.world.run("web1", "web", ENABLED)
    token = check_token(tmp_path / "state")
    first = look()
    generations = GenerationFolder(tmp_path / "state" / "proxy")
    generations.prepare()
    secret = tuple((name, text.replace("(secret)", token)) for name, text in first.files.files)
    files = first.files.__class__(secret, first.files.revision, first.files.topology)
    generations.switch(generations.stage(files, first.outcome.desired))
    assert token in generations.files(1)["haproxy.cfg"]
    seen = look()
    for texts in (dict(seen.files.files), seen.applied_files):
        assert "(secret)" in texts["haproxy.cfg"]
        assert token not in str(texts)


def test_while_the_gateway_is_pinned_the_templates_of_the_pin_count(
    engine: FakeEngine, look: Callable[[], preview.Preview], tmp_path: Path
) -> None:
    """As in a `watch`."""
    engine.world.run("web1", "web", ENABLED)
    texts = {name: f"# mine\n{text}" for name, text in templates.load("haproxy", None).items()}
    inputs = Inputs(Options(), Tuning(), texts, "", form=templates.FORM)
    PinFile(tmp_path / "state").keep(PinnedGeneration(1, "now", look().outcome.desired, inputs))
    assert look().files.files[0][1].startswith("# mine\n")


def test_a_network_that_is_not_there_is_an_error_of_usage(look: Callable[[], preview.Preview]) -> None:
    """The line says how to make it."""
    with pytest.raises(UsageError, match=r"--network web: there is no such network: `docker network create web`"):
        look()


async def test_the_engine_is_the_gateway_s_own(engine: FakeEngine, tmp_path: Path) -> None:
    """Unless an operator asks for another one: that cannot be looked at beside a gateway that runs this one."""
    engine.world.run("proxyctl-web", "web", {layout.GATEWAY_LABEL: "web", ENGINE_LABEL: "nginx"})
    default = Settings(network="web", state=tmp_path)
    assert default.engine == "haproxy"
    settings, parts, there = await preview._gateway(default, engine.client())
    assert (settings.engine, parts.engine.kind, there) == ("nginx", "nginx", True)
    asked = Settings(network="web", state=tmp_path, engine="haproxy")
    with pytest.raises(UsageError, match=r"--engine haproxy: the gateway of network web runs nginx: leave it out"):
        await preview._gateway(asked, engine.client())


async def test_without_a_gateway_the_engine_is_the_one_of_the_settings(engine: FakeEngine, tmp_path: Path) -> None:
    """There is nothing to ask then."""
    settings, _, there = await preview._gateway(Settings(network="web", state=tmp_path), engine.client())
    assert (settings.engine, there) == ("haproxy", False)


# ------------------------------------------------------------------ the questions


class Dns:
    """A DNS that answers at once, or after so many seconds that the name does not exist."""

    def __init__(self, silent: float | None) -> None:
        self._silent = silent

    async def resolve(self, name: str) -> tuple[str, ...]:
        """Answer; the gateway is known at once."""
        if self._silent is None or name == GATEWAY:
            return (WEB.address,)
        await asyncio.sleep(self._silent)
        raise ResolveError("NXDOMAIN")


class Prober(MemoryProber):
    """Answers after so many seconds; `open` until it is closed."""

    open = False

    async def close(self) -> None:
        """End."""
        Prober.open = False


def asked(monkeypatch: pytest.MonkeyPatch, *, answers: float, silent: float | None = None) -> tuple[bool, str, float]:
    """Return whether the target was found ready, why not, and the seconds that the question took."""

    async def ask() -> tuple[bool, str, float]:
        loop = asyncio.get_running_loop()
        began = loop.time()

        def prober(_view: object, wake: Callable[[str], None], _access: object) -> Prober:
            listens = [WEB] if answers == 0 else []
            made = Prober(listens.__contains__, wake)

            def come() -> None:
                listens.append(WEB)
                made.look()

            loop.call_at(began + answers, come)
            Prober.open = True
            return made

        monkeypatch.setattr(preview, "Prober", prober)
        monkeypatch.setattr(preview, "EmbeddedDns", lambda *_: Dns(silent))
        parts = cast("Parts", SimpleNamespace(view=None, access=SimpleNamespace(short_id=GATEWAY)))
        found = (await preview._ask(parts, (WEB,), Desired()))[WEB]
        return found.ok, found.reason, round(loop.time() - began, 2)

    return virtual_time.run(ask())


def test_a_question_ends_with_the_last_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a time that is only there for those who do not answer; and no question is left behind."""
    assert asked(monkeypatch, answers=0.0) == (True, "", 0.0)
    assert asked(monkeypatch, answers=0.4) == (True, "", 0.4)
    assert not Prober.open


def test_a_container_has_a_second_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is shown as waiting then."""
    assert asked(monkeypatch, answers=60.0) == (False, "refused", preview.ANSWER_WAIT)
    assert not Prober.open


def test_dns_has_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two questions for an unknown name take a second each where no DNS of the host answers; then that is told."""
    ok, reason, took = asked(monkeypatch, answers=0.0, silent=1.0)
    assert (ok, took) == (False, 2.0)
    assert reason == "the name web does not resolve through Docker's DNS: NXDOMAIN"
    ok, reason, took = asked(monkeypatch, answers=0.0, silent=60.0)
    assert (ok, took) == (False, preview.DNS_WAIT)
    assert reason == "Docker's DNS has not said yet where web is"
