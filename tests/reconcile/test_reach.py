"""From an outcome to a proxy that does it: which reloads wait, and what is done when the proxy refuses."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from proxyctl.core.model import ConfigFiles
from proxyctl.errors import ConfigRefused
from tests.core.worlds import NGINX, container, world
from tests.providers.docker.following import until
from tests.reconcile.stage import Stage

A, B, C = (container(name, {"pool": "web"}) for name in "abc")
BAD = container("bad", {"host": "bad.example"})
RAISES = '{{% if pool.name == "{}" %}}{{{{ 1 // 0 }}}}{{% endif %}}\n'


def change(stage: Stage, line: str) -> None:
    """Change the template of a pool."""
    texts = {**stage.inputs.templates, "_pool.cfg.j2": line + stage.inputs.templates["_pool.cfg.j2"]}
    stage.inputs = dataclasses.replace(stage.inputs, templates=texts)
    stage.reconciler.files_changed("templates")


async def test_a_deferred_reload_is_made_when_its_time_has_come(tmp_path: Path) -> None:
    """A timer asks for the pass, and one reload takes all that was wanted meanwhile."""
    stage = Stage(tmp_path, NGINX, spacing=0.2)
    await stage.sees(A)
    await stage.sees(A, B, at_once=False)
    await stage.sees(A, B, C, at_once=False)
    assert (stage.serving, stage.engine.reloads) == ({"web": ["a"]}, 1)
    assert stage.reconciler._pass._reach._spacing.more, "the second replaced the first, which is a storm"
    async with stage.running():
        await until(lambda: stage.serving == {"web": ["a", "b", "c"]}, "the deferred reload")
    assert stage.engine.reloads == 2


async def test_a_reload_that_takes_requests_from_a_server_is_not_deferred(tmp_path: Path) -> None:
    """A container that is being stopped must get none from now on."""
    stage = Stage(tmp_path, NGINX, spacing=60)
    await stage.sees(A, B)
    await stage.sees(dataclasses.replace(A, stopping=True), B, at_once=False)
    assert [(s.name, s.draining) for p in stage.engine.does.pools for s in p.servers] == [("a", True), ("b", False)]


async def test_a_run_time_change_is_not_deferred(tmp_path: Path) -> None:
    """Only reloads are spaced."""
    stage = Stage(tmp_path, spacing=60)
    await stage.sees(A)
    await stage.sees(A, B, at_once=False)
    assert stage.serving == {"web": ["a", "b"]}


def answer(stage: Stage, monkeypatch: pytest.MonkeyPatch, *reasons: str) -> None:
    """Have the proxy's check refuse and accept in this order, whatever is in the files."""
    left = iter(reasons)

    async def check(folder: str, files: ConfigFiles) -> None:
        if reason := next(left):
            raise ConfigRefused(reason)

    monkeypatch.setattr(stage.engine, "check", check)


async def test_a_refusal_that_the_search_does_not_meet_again_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a port that was taken for a moment: the same files are tried once more, in the same pass."""
    stage = Stage(tmp_path)
    await stage.sees(A)
    answer(stage, monkeypatch, "the port is taken", "", "", "")
    await stage.sees(A, BAD)
    assert (stage.serving, stage.reasons) == ({"bad": ["bad"], "web": ["a"]}, [])


async def test_a_state_that_is_refused_though_its_parts_are_not_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last reason is told, the old state serves on, and the same state is not checked again."""
    stage = Stage(tmp_path)
    await stage.sees(A)
    answer(stage, monkeypatch, "the port is taken", "", "", "the port is taken again")
    for _ in range(2):
        await stage.sees(A, BAD)
        assert stage.serving == {"web": ["a"]}
        assert stage.reasons == ["haproxy refused the configuration, the old one serves on: the port is taken again"]


async def test_a_pool_that_cannot_be_printed_is_left_out(tmp_path: Path) -> None:
    """A template that fails for one pool is a refusal of that pool, with the place in the template."""
    stage = Stage(tmp_path)
    change(stage, RAISES.format("bad"))
    await stage.sees(A)
    await stage.sees(A, B, BAD)
    assert stage.serving == {"web": ["a", "b"]}
    (reason,) = stage.reasons
    assert reason.startswith("pool bad is left out: template _pool.cfg.j2, line 1: ")


async def test_templates_that_fail_for_a_pool_that_serves_are_not_used(tmp_path: Path) -> None:
    """The last good ones are, in a pass that no event asked for; the reason names the pool."""
    stage = Stage(tmp_path)
    await stage.sees(A, BAD)
    change(stage, RAISES.format("bad"))
    heavier = container("a", {"pool": "web", "weight": "5"})
    stage.source.snapshot = world(heavier, BAD)
    async with stage.running():
        await until(lambda: [s.weight for p in stage.engine.does.pools for s in p.servers] == [1, 5], "the new weight")
    (reason,) = stage.reasons
    assert reason.startswith("template _pool.cfg.j2, line 1: ")
    assert reason.endswith(", for pool bad; the last good ones stay in use")


async def test_without_other_templates_the_pool_to_blame_is_named(tmp_path: Path) -> None:
    """A proxyctl that starts with templates that the proxy does not take for a pool that serves has no way back."""
    stage = Stage(tmp_path)
    await stage.sees(A, BAD)
    again = stage.restarted()
    again.engine.refuses = {"nonsense"}
    change(again, '{% if pool.name == "bad" %}nonsense{% endif %}\n')
    await again.sees(A, BAD)
    assert again.serving == {"bad": ["bad"], "web": ["a"]}
    assert again.reasons == [
        "haproxy refused the configuration, the old one serves on: unknown word nonsense, for pool bad"
    ]
