"""Files on disk that change, by the kernel's own notices."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from proxyctl.state import watched
from proxyctl.state.watched import FileChanges
from tests.providers.docker.following import until


@pytest.fixture
async def heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[str]]:
    """The wake-ups of changes below `templates/` and of `proxyctl.toml`."""
    monkeypatch.setattr(watched, "QUIET", 0.03)
    (tmp_path / "templates" / "deep").mkdir(parents=True)
    (tmp_path / "proxyctl.toml").touch()
    wakes: list[str] = []
    changes = FileChanges([tmp_path / "templates", tmp_path / "none"], tmp_path / "proxyctl.toml")
    task = asyncio.create_task(changes.run(wakes.append))
    deadline = time.monotonic() + 30
    while not wakes:
        assert time.monotonic() < deadline, "the kernel's first notice did not come"
        (tmp_path / "templates" / "probe.j2").touch()
        await asyncio.sleep(0.1)  # more than QUIET, or the notices would never end
    wakes.clear()
    yield wakes
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_a_changed_template_wakes_the_loop(tmp_path: Path, heard: list[str]) -> None:
    """In any folder below, and also when a file gets its name only in the end, as editors do."""
    (tmp_path / "templates" / "deep" / "_pool.cfg.j2").write_text("new")
    await until(lambda: heard, "a wake-up")
    assert set(heard) == {"_pool.cfg.j2 changed"}
    heard.clear()
    (tmp_path / "templates" / ".tmp").write_text("newer")
    (tmp_path / "templates" / ".tmp").rename(tmp_path / "templates" / "main.j2")
    await until(lambda: heard, "a wake-up")
    assert set(heard) == {"main.j2 changed"}


async def test_changes_at_once_are_one_change(tmp_path: Path, heard: list[str]) -> None:
    """An editor saves in several steps."""
    for number in range(20):
        (tmp_path / "templates" / f"{number}.j2").write_text("new")
    await until(lambda: heard, "a wake-up")
    assert len(heard) == 1


async def test_other_files_are_not_heard_of(tmp_path: Path, heard: list[str]) -> None:
    """Beside proxyctl.toml lies anything, as the state folder; who only reads has changed nothing."""
    (tmp_path / "other.toml").write_text("x")
    (tmp_path / "templates" / "notes.txt").write_text("x")
    (tmp_path / "templates" / "probe.j2").read_text()
    (tmp_path / "proxyctl.toml").write_text("[proxy]")
    await until(lambda: heard, "a wake-up")
    assert set(heard) == {"proxyctl.toml changed"}


async def test_where_the_kernel_watches_no_more_files_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of `watch` goes on."""

    class Full:
        """An observer without a watch left."""

        def schedule(self, *args: object, **kwargs: object) -> None:
            """Take it."""

        def start(self) -> None:
            """Fail."""
            raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(watched, "Observer", Full)
    with capture_logs() as logs:
        await FileChanges([tmp_path], None).run(lambda _: None)
    assert [line["event"] for line in logs] == ["changes of templates and settings are not noticed before a restart"]
