"""The list of verbs: each is found, and costs only what it needs."""

from __future__ import annotations

import re
import subprocess
import sys

from proxyctl.cli import app


def test_a_verb_imports_no_library_that_only_others_need() -> None:
    """`status` is asked often and by scripts: it starts without the libraries for Docker, load and templates.

    Where no watch answers it asks Docker for what may be meant, so this one is refused just before it asks.
    """
    argv = [sys.executable, "-X", "importtime", "-m", "proxyctl", "status", "--watch", "--network", "no-such"]
    ran = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    imported = set(re.findall(r"\| +(\w+)$", ran.stderr, re.MULTILINE))
    assert "typer" in imported
    assert imported.isdisjoint({"aiohttp", "docker", "jinja2", "requests", "uvloop"})


def test_every_verb_is_in_the_help_of_all() -> None:
    """What is imported late is listed all the same."""
    ran = subprocess.run([sys.executable, "-m", "proxyctl", "--help"], capture_output=True, text=True, check=True)
    listed = re.findall(r"^│ (\w+) ", ran.stdout, re.MULTILINE)
    assert set(listed) == set(app.VERBS)
