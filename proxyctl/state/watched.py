"""Watches templates and proxyctl.toml, and wakes the loop after a change. Next: `reconcile.reconciler`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import structlog
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from proxyctl.providers.port import Wake

log = structlog.get_logger()

QUIET = 0.1  # seconds; an editor saves in several steps (write, rename, chmod), which make one change


class FileChanges:
    """Calls `wake` after a change of a watched file, once no further change comes."""

    def __init__(self, templates: Iterable[Path], config: Path | None) -> None:
        """Take template folders, watched with all below, and proxyctl.toml, watched without the rest of its folder."""
        self._templates = sorted({f for f in templates if f.is_dir()})
        self._config = config

    async def run(self, wake: Wake) -> None:
        """Watch for ever; return at once where the kernel can watch no more files."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[str] = asyncio.Queue()

        class Handler(FileSystemEventHandler):
            def __init__(self, pattern: str) -> None:
                self._pattern = pattern

            def on_any_event(self, event: FileSystemEvent) -> None:
                if event.event_type in {"opened", "closed_no_write"}:
                    return
                for raw in (event.src_path, event.dest_path):
                    path = Path(str(raw))
                    if path.match(self._pattern):
                        loop.call_soon_threadsafe(queue.put_nowait, path.name)

        observer: Any = Observer()
        for folder in self._templates:
            observer.schedule(Handler("*.j2"), str(folder), recursive=True)
        if self._config:
            observer.schedule(Handler(self._config.name), str(self._config.parent))
        try:
            await asyncio.to_thread(observer.start)
        except OSError as exc:  # fs.inotify.max_user_watches or max_user_instances
            log.warning("changes of templates and settings are not noticed before a restart", reason=str(exc))
            return
        try:
            while True:
                wake(f"{await _last(queue)} changed")
        finally:
            observer.stop()


async def _last(queue: asyncio.Queue[str]) -> str:
    """Return the last name in the queue, once no further name comes."""
    name = await queue.get()
    with contextlib.suppress(TimeoutError):
        while True:
            async with asyncio.timeout(QUIET):
                name = await queue.get()
    return name
