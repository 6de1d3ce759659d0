"""The commands that messages of proxyctl name between backticks, found in the source: what a person is told to run."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import proxyctl
from proxyctl.providers.docker.commands import COMMANDS

PRODUCT = Path(proxyctl.__file__).parent
PROGRAMS = ("docker", "proxyctl", "make", "systemctl", "usermod")
ELSEWHERE = ("labs", "check", "cli/lab", "cli/check")
"""What the labs and `check` tell is about their own commands, and their own tests run those."""

NOT_RUN = {
    "proxyctl watch": "names the program, and tells nobody to run it",
    "proxyctl rollback": "says what somebody did before",
    "proxyctl status": "shows what there is, and mends nothing",
    "docker context ls": "shows what there is, and mends nothing",
    "proxyctl watch --verbose": "is for a report to the developers; watch -v runs in tests/docker/test_watch.py",
    "proxyctl explain NAME": "stands for any name, and mends nothing; tests/docker/test_look.py runs it",
    "proxyctl down --keep-state": "stands in a code's page; the command of the message is run",
    "docker network create web": "is an example; `docker network create {}` with the name that is missing is run",
    "docker exec": "says by which way names are asked, and tells nobody to run it",
    "docker compose down": "ends the stacks of compose/, as tests/docker/test_compose.py does",
    "docker compose exec proxyctl proxyctl status": "shows what there is, and mends nothing",
    "docker compose run": "names what makes a one-off container",
    "docker load": "needs an archive from another machine, which the message says how to make",
    "docker save {image}": "runs on another machine, which has the image",
    "docker system df": "shows what there is, and mends nothing",
    "docker pull {}": "needs a registry; tests/docker/test_first_hour.py brings one",
    "docker restart": "stands in a code's page; `docker restart {}` of the message is run",
    "proxyctl init": "names the verb that writes the file",
    "proxyctl watch --network NAME": "stands for any name, and names the program",
    "proxyctl watch{}": "names the program with the flags that were given",
}
"""Commands in messages that no test runs as they are printed, with the reason."""

_TICKED = re.compile(r"`([^`]+)`")


def named() -> dict[str, set[str]]:
    """Return the files by command; a value that is filled in stands as `{}`."""
    texts = (re.sub(r"{\w+}", "{}", text) for text in _flat(dataclasses.astuple(COMMANDS)))
    found = {text: {"providers/docker/commands.py"} for text in texts if text.startswith("docker ")}
    for path in sorted(PRODUCT.rglob("*.py")):
        where = path.relative_to(PRODUCT)
        if where.as_posix().startswith(ELSEWHERE):
            continue
        for text in _texts(ast.parse(path.read_text("utf-8"))):
            for command in _TICKED.findall(text):
                if command.split()[0] in PROGRAMS:
                    found.setdefault(command, set()).add(str(where))
            if where.name == "sources.py" and text.startswith(
                tuple(f"{p} " for p in PROGRAMS)
            ):  # made there for the messages of others
                found.setdefault(text, set()).add(str(where))
    return found


def _flat(texts: Any) -> Iterator[str]:
    """Yield the texts of nested tuples."""
    for text in texts:
        yield from (text,) if isinstance(text, str) else _flat(text)


def _texts(tree: ast.AST) -> Iterator[str]:
    """Yield the string constants of a module that are no docstrings, f-strings as a whole."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    skipped = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            for first, each in zip([None, *body], body, strict=False):
                attribute = isinstance(first, ast.Assign | ast.AnnAssign) or (
                    first is None and isinstance(node, documented)
                )
                if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant) and attribute:
                    skipped.add(id(each.value))
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(p.value) if isinstance(p, ast.Constant) else "{}" for p in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.value
