"""The commands that messages of proxyctl name between backticks, found in the source: what a person is told to run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import proxyctl

PRODUCT = Path(proxyctl.__file__).parent
PROGRAMS = ("docker", "proxyctl", "make", "systemctl", "usermod")
OTHER_ROOMS = ("labs", "check")
"""What the labs and `check` tell is about their own commands, and their own tests run those."""

_TICKED = re.compile(r"`([^`]+)`")


def named() -> dict[str, set[str]]:
    """Return the files by command; a value that is filled in stands as `{}`."""
    found: dict[str, set[str]] = {}
    for path in sorted(PRODUCT.rglob("*.py")):
        where = path.relative_to(PRODUCT)
        if where.parts[0] in OTHER_ROOMS:
            continue
        for text in _texts(ast.parse(path.read_text("utf-8"))):
            for command in _TICKED.findall(text):
                if command.split()[0] in PROGRAMS:
                    found.setdefault(command, set()).add(str(where))
    return found


def _texts(tree: ast.AST) -> Iterator[str]:
    """Yield the string constants of a module that are no docstrings, f-strings as a whole."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    skipped = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            for first, each in zip([None, *body], body, strict=False):
                attribute = isinstance(first, ast.Assign | ast.AnnAssign) or (first is None and isinstance(node, documented))
                if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant) and attribute:
                    skipped.add(id(each.value))
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(p.value) if isinstance(p, ast.Constant) else "{}" for p in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.value
