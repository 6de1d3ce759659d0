"""The gateway's first process, `boot.sh`, which lets a gateway without `watch` serve only addresses that DNS confirms.

Here are its text for an engine, and the link that tells which configuration the proxy reads; decision 0040 has the
reasons. The servers that the script asks for are written by `state.generations`.
"""

from __future__ import annotations

import importlib.resources
from pathlib import Path

from proxyctl.core import layout

_SERVE = layout.SERVE.rpartition("/")[2]
_CURRENT = layout.CURRENT.rpartition("/")[2]


def command() -> tuple[str, ...]:
    """Return the gateway's command, the same for every engine: a new proxyctl brings its script to an old gateway."""
    return ("sh", "-c", f"until [ -e {layout.BOOT} ]; do sleep 0.1; done; exec sh {layout.BOOT}")


def script(*, reload: str, off: str, start: str) -> str:
    """Return the text of `layout.BOOT` for an engine.

    `reload` is the signal that has it load its configuration anew, `start` its command line, on `layout.SERVE`.
    `off` takes a server out when it stands in the server's line; an empty string where that is left out instead.
    """
    text = importlib.resources.files(__package__).joinpath("boot.sh").read_text("utf-8")
    return f"signal={reload} off={off}\nstart() {{ exec {start}; }}\n\n{text}"


def serve_current(run_folder: Path) -> None:
    """Have the proxy read `current` from its next reload on, whatever a boot without `watch` has left."""
    link = run_folder.parent / f".{_SERVE}-new"
    link.unlink(missing_ok=True)
    link.symlink_to(_CURRENT)
    link.rename(run_folder.parent / _SERVE)
