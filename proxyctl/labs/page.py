"""Labs as one self-contained HTML page, with the drawing of what was there."""

from __future__ import annotations

import importlib.resources
from collections.abc import Sequence

import jinja2

from proxyctl.labs.console import MARKS
from proxyctl.labs.drawing import draw
from proxyctl.labs.report import LabResult
from proxyctl.labs.texts import Lang, Text

_WORDS = {
    "title": Text(ko="Docker 네트워크 실습", en="Docker network labs"),
    "drawing": Text(ko="실습 중에 관찰된 컨테이너와 네트워크", en="Containers and networks as seen during the lab"),
    "failed": Text(ko="실패", en="failed"),
    "skipped": Text(ko="건너뜀", en="skipped"),
    "seconds": Text(ko="초", en="s"),
}


def to_html(results: Sequence[LabResult], lang: Lang) -> str:
    """Return the page."""
    source = importlib.resources.files("proxyctl.labs").joinpath("page.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    labs = [
        {
            "result": result,
            "drawing": draw(result.topology, result.tag, lang),  # escapes by itself
            "counts": "  ".join(
                f"{MARKS[status][0]} {result.count(status)}" for status in MARKS if result.count(status)
            ),
        }
        for result in results
    ]
    words = {name: text.to(lang) for name, text in _WORDS.items()}
    marks = {status: mark for status, (mark, _) in MARKS.items()}
    return environment.from_string(source).render(labs=labs, lang=lang, words=words, marks=marks)
