"""The proxyctl of this checkout and, with `--before REF`, that of a commit: measured in one run, on one gateway.

So a ratio says what has changed, whatever else the machine does.
"""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

NOW = "now"
Versions = Mapping[str, Path | None]
"""Where the code of each version is, in the order in which they are measured; None is this checkout."""


@contextlib.contextmanager
def checkout(ref: str | None) -> Iterator[Versions]:
    """Yield the versions to measure; that of `ref` is unpacked meanwhile."""
    if ref is None:
        yield {NOW: None}
        return
    ran = subprocess.run(["git", "archive", ref], capture_output=True, check=False)
    if ran.returncode:
        sys.exit(f"--before {ref}: {ran.stderr.decode(errors='replace').strip()}")
    with tempfile.TemporaryDirectory(prefix="proxyctl-bench-") as folder:
        with tarfile.open(fileobj=io.BytesIO(ran.stdout)) as archive:
            archive.extractall(folder, filter="data")
        yield {ref: Path(folder), NOW: None}
