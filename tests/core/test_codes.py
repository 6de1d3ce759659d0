"""`proxyctl.core.codes`: every kind of problem has words for people, and every code is used."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from proxyctl.core import codes
from proxyctl.core.codes import KINDS
from scripts.problem_reference import TARGET, reference

PRODUCT = Path(__file__).parents[2] / "proxyctl"
NAMES = {name: code for name, code in vars(codes).items() if isinstance(code, str) and code in KINDS}


def test_the_page_is_current() -> None:
    """docs/problems.md is what stands in the codes: run scripts/problem_reference.py after changing them."""
    assert TARGET.read_text(encoding="utf-8") == reference()


def test_every_code_is_used_and_has_one_name() -> None:
    """A kind of problem that nobody reports is a page about nothing."""
    used = {
        node.attr
        for path in PRODUCT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "codes"
    }
    assert NAMES.keys() - used - {"KINDS", "Kind"} == set()
    assert sorted(NAMES.values()) == sorted(KINDS)


@pytest.mark.parametrize("code", KINDS)
def test_every_kind_says_why_what_and_what_to_do(code: str) -> None:
    """In sentences."""
    kind = KINDS[code]
    assert re.fullmatch(r"P[1-9][0-9]{2}", code)
    assert not kind.title.endswith(".")
    for text in (kind.cause, kind.effect, kind.remedy):
        assert text.isprintable()
        assert text.endswith(".")
