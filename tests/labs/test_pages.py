"""docs/labs/ is what the labs say today."""

from __future__ import annotations

import pytest

from proxyctl.labs.catalog import LABS
from proxyctl.labs.step import Lab
from proxyctl.labs.texts import LANGS, Lang
from scripts.lab_pages import FOLDER, index


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)
def test_each_page_has_every_step_as_it_is_now(lab: Lab, lang: Lang) -> None:
    """Goals in order, explanations, no failed step; `python scripts/lab_pages.py` writes them anew."""
    page = (FOLDER / f"{lab.id}.{lang}.md").read_text()
    heads = [line for line in page.splitlines() if line.startswith("## ")]
    assert [head[:-2] for head in heads] == [f"## {n}. {s.goal.to(lang)}" for n, s in enumerate(lab.steps, 1)]
    assert {head[-1] for head in heads} <= {"✔", "\N{EN DASH}"}
    assert [step.id for step in lab.steps if step.why.to(lang) not in page] == []


def test_the_index_lists_all() -> None:
    """README.md of docs/labs."""
    assert (FOLDER / "README.md").read_text() == index()
