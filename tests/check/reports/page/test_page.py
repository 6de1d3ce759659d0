"""The page as text: what is in it, and that everything from outside is text and nothing else."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import html.parser
import re
from collections import Counter

import pytest

from proxyctl.check.judge import judge
from proxyctl.check.report import Report
from proxyctl.check.reports.page import to_html
from tests.check.report_values import report_of, served
from tests.check.reports.page import worlds


class Parsed(html.parser.HTMLParser):
    """Elements, attributes and text of a page; `open` is what was not closed."""

    VOID = frozenset({"meta", "link", "wbr"})
    EMPTY = frozenset({"line", "rect", "path"})  # of SVG, closed in themselves

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Count it."""
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Count it; nothing is open after it."""
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        """Close the element that is open."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.texts.append(data)

    @property
    def text(self) -> str:
        """All text, words apart."""
        return " ".join(" ".join(self.texts).split())


WORLDS = (worlds.usual, worlds.short, worlds.long, worlds.refused, worlds.hostile)


@pytest.mark.parametrize("make", WORLDS)
def test_self_contained(make: worlds.World) -> None:
    """Every element is closed; there is no script, and nothing that would be fetched or that styles from outside."""
    page = to_html(make())
    parsed = Parsed(page)
    assert parsed.open == []
    assert not parsed.tags.keys() & {"script", "img", "iframe", "object", "embed", "use", "image", "a", "form", "base"}
    assert [value for _, name, value in parsed.attributes if name in {"src", "href", "xlink:href"}] == ["data:,"]
    assert not [name for _, name, _ in parsed.attributes if name == "style" or name.startswith("on")]
    css = page[page.index("<style>") + 7 : page.index("</style>")]
    assert not re.search(r"url\(|@import|expression", css)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:;" in page


def test_what_is_said() -> None:
    """Headline, figures, verdicts with what was expected and by how much it was missed, failures with events."""
    report = worlds.usual()
    text = Parsed(to_html(report)).text
    for words in (
        "2 of 6 verdicts failed",
        "http://127.0.0.1:8080/",
        "2026-11-18 11:06:40 UTC, 20.00 s",
        "errors is 41, expected == 0",
        "off by",
        "1-6",
        "web2 of pool web drains",
        "expected: the weights of pool web",
        "concurrency 10",
        "cpus",
        "was the limit no",
    ):
        assert words in text, words
    assert "rate None" not in text


@pytest.mark.parametrize(
    ("report", "headline"),
    [
        (judge(served({"web1": 10})), "Everything is as expected"),
        (worlds.refused(), "The verdict failed"),
        (report_of([]), "Nothing was judged"),
    ],
)
def test_headline(report: Report, headline: str) -> None:
    """The headline is the verdict."""
    assert headline in Parsed(to_html(report)).text


def test_what_comes_from_outside_is_text() -> None:
    """Names, kinds, notes and options are escaped; what cannot be seen is marked, and what is long is cut."""
    page = to_html(worlds.hostile())
    hostile, tame = (Parsed(text).tags for text in (page, to_html(_tame(worlds.hostile()))))
    for tag in ("text", "title"):  # longer kinds of events are put together earlier
        del hostile[tag], tame[tag]
    assert hostile == tame
    assert "\u202e" not in page
    assert "\x00" not in page
    assert "1337" not in page
    page.encode()  # lone surrogates could not be written
    servers = re.search(r"<section id=.servers.*?</section>", page, re.DOTALL)
    assert servers
    assert "a" * 59 + "\N{HORIZONTAL ELLIPSIS}" in servers[0]
    assert "a" * 61 not in servers[0]


def test_several_urls() -> None:
    """With several URLs each is listed with its requests and errors; of many, the headline names the first ones."""
    urls = tuple((f"http://127.0.0.1/{i}", 100 + i, i) for i in range(7))
    text = Parsed(to_html(dataclasses.replace(worlds.short(), by_url=urls))).text
    assert "http://127.0.0.1/4 and 2 more" in text
    assert "http://127.0.0.1/6 106 6" in text


def test_sizes() -> None:
    """A long check with many servers and failures is a page of less than half a megabyte, a usual one far less."""
    assert len(to_html(worlds.long())) < 500_000
    assert len(to_html(worlds.usual())) < 150_000


def test_rows_end() -> None:
    """More failures and events than the page lists are told as a number."""
    events = [(i / 100, "join", f"web{i}") for i in range(250)]
    report = worlds.world(3, 500, [f"web{i}" for i in range(80)], failures=2000, events=events)
    text = Parsed(to_html(dataclasses.replace(report, errors={"reset": 12_000}))).text
    assert "more rows" in text
    assert "of 10,000 more failures only the number was kept" in text
    assert "and 150 more" in text


def _tame(report: Report) -> Report:
    """Return the same report with harmless words in every place."""
    names = {name: f"web{i}" for i, name in enumerate(worlds.MARKUP)}
    return dataclasses.replace(
        report,
        url="x",
        by_url=(("x", 1, 1), ("y", 1, 1)),
        by_server={names[n]: s for n, s in report.by_server.items()},
        timeline=tuple(
            dataclasses.replace(t, servers={names[n]: c for n, c in t.servers.items()}) for t in report.timeline
        ),
        failures=tuple(dataclasses.replace(f, error="x", server="y") for f in report.failures),
        verdicts=tuple(dataclasses.replace(v, name="x", detail="y") for v in report.verdicts),
        notes=("x",) * len(report.notes),
        options={"x": "y", "urls": ["z"]},
        machine={"x": "y"},
        by_key={},
        expected=dataclasses.replace(report.expected, weights=dict.fromkeys(names.values(), 1.0), source="x")
        if report.expected
        else None,
        events=tuple(dataclasses.replace(e, kind=names[e.kind], text="x") for e in report.events),
    )
