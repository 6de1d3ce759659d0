"""What pyproject.toml asks pip for is what the package imports."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_library_that_is_imported_is_declared_and_every_declared_one_is_imported() -> None:
    """One that only comes along with another would be missing on the day that the other no longer needs it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[<>=!~ ]", each)[0] for each in project["dependencies"]}
    provided_by = importlib.metadata.packages_distributions()
    used: set[str] = set()
    for path in (ROOT / "proxyctl").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            roots = {m.partition(".")[0] for m in modules} - {"proxyctl", *sys.stdlib_module_names}
            used |= {name.lower() for root in roots for name in provided_by[root]}
    assert used == declared
