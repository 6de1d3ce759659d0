"""Watches templates and proxyctl.toml, and says when one of them was changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from proxyctl.ports import Wake

QUIET = 0.1  # seconds: an editor saves in several steps (write, rename, chmod), which are one change


class FileChanges:
    """Calls `wake` once things are quiet after a change in the watched folders."""

    def __init__(self, folders: Iterable[Path], patterns: tuple[str, ...]) -> None:
        """Take folders to watch and the file patterns that matter in them, such as `*.j2`."""
        self._folders = sorted({f for f in folders if f.is_dir()})
        self._patterns = patterns

    async def run(self, wake: Wake) -> None:
        """Watch for ever."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[str] = asyncio.Queue()
        patterns = self._patterns

        class Handler(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                if event.event_type in {"opened", "closed_no_write"}:
                    return
                for raw in (event.src_path, event.dest_path):
                    path = Path(str(raw))
                    if any(path.match(p) for p in patterns):
                        loop.call_soon_threadsafe(queue.put_nowait, path.name)

        observer: Any = Observer()
        for folder in self._folders:
            observer.schedule(Handler(), str(folder), recursive=True)
        observer.start()
        try:
            while True:
                name = await queue.get()
                while True:
                    try:
                        async with asyncio.timeout(QUIET):
                            name = await queue.get()
                    except TimeoutError:
                        break
                wake(f"{name} changed")
        finally:
            observer.stop()
