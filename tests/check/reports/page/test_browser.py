"""The page in a real browser: what it shows, in which sizes and colours; it runs nothing and asks for nothing."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from proxyctl.check.report import Report
from proxyctl.check.reports.page import to_html
from tests.check.reports.page import worlds
from tests.check.reports.page.browser import look, program

# Opens each page in each width and says what came out. It is a page around the report: the report runs no script.
# Nothing is fetched meanwhile: the browser's virtual time does not wait for that.
MEASURE = """<!DOCTYPE html><body><pre id="out">not measured</pre><script>
const measures = {}, PAGES = {PAGES};
async function measure(page, width) {
  const frame = document.createElement("iframe");
  frame.width = width; frame.height = 900; frame.srcdoc = PAGES[page];
  await new Promise(done => { frame.onload = done; document.body.append(frame); });
  const doc = frame.contentDocument, view = frame.contentWindow, rects = [], overlaps = [], empty = [], out = [];
  for (const svg of doc.querySelectorAll("svg")) {
    const r = svg.getBoundingClientRect();
    if (svg.checkVisibility() && !(r.width > 0 && r.height > 0)) empty.push(svg.id || svg.outerHTML.slice(0, 80));
  }
  const texts = [...doc.querySelectorAll("svg text, h3, .legend > span")].filter(t => t.checkVisibility());
  texts.forEach(t => rects.push([t.firstChild.textContent.trim(), t.getBoundingClientRect()]));
  for (let i = 0; i < rects.length; i++) for (let k = i + 1; k < rects.length; k++) {
    const [a, b] = [rects[i][1], rects[k][1]];
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (across > 2 && down > 4)
      overlaps.push(rects[i][0] + " / " + rects[k][0]);
  }
  for (const [text, r] of rects) if (r.left < 0 || r.right > width) out.push(text);
  const bars = {};
  for (const id of ["requests", "latency", "errors", "histogram"]) {
    const path = doc.querySelector("#" + id + " path");
    bars[id] = path ? Math.round(path.getBoundingClientRect().height) : null;
  }
  measures[page + " " + width] = {
    wider: doc.documentElement.scrollWidth - width, empty, overlaps, out, bars,
    texts: rects.length, title: doc.title, scheme: view.matchMedia("(prefers-color-scheme: dark)").matches,
    odd: [...doc.querySelectorAll(".odd")].filter(t => t.checkVisibility()).length,
  };
  frame.remove();
}
(async () => {
  for (const page in PAGES) for (const width of WIDTHS) await measure(page, width);
  document.getElementById("out").textContent = JSON.stringify(measures);
})().catch(error => { document.getElementById("out").textContent = error; });
</script></body>"""

WIDTHS = (400, 800, 1280)
WORLDS = {"/usual": worlds.usual, "/short": worlds.short, "/long": worlds.long, "/refused": worlds.refused}


@pytest.fixture(scope="module", autouse=True)
def _browser() -> None:
    """Skip everything here where there is no browser."""
    program()


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    """What came out of each page in each width, measured by a script beside it."""
    pages = {path: to_html(make()) for path, make in WORLDS.items()}
    inside = json.dumps(pages).replace("<", "\\u003c")
    dom = look({"/": MEASURE.replace("WIDTHS", json.dumps(WIDTHS)).replace("{PAGES}", inside)}, "/").dom
    found = re.search(r'<pre id="out">(.*?)</pre>', dom, re.DOTALL)
    assert found, dom[:500]
    assert found[1].startswith("{"), found[1]
    measures: dict[str, Any] = json.loads(html.unescape(found[1]))
    return measures


@pytest.fixture(scope="module")
def usual() -> Report:
    """A report with something in each of its parts."""
    return worlds.usual()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("page", WORLDS)
def test_it_fits(measured: dict[str, Any], page: str, width: int) -> None:
    """From 400 pixels on nothing sticks out, no label touches another, and no drawing is without a size."""
    measures = measured[f"{page} {width}"]
    assert measures["wider"] <= 0
    assert (measures["out"], measures["overlaps"], measures["empty"]) == ([], [], [])
    assert measures["texts"] > 10


def test_drawings_have_a_height(measured: dict[str, Any]) -> None:
    """Areas, lines and bars are there to be seen; where nothing failed there is no drawing of errors."""
    assert all(height > 10 for height in measured["/usual 1280"]["bars"].values())
    assert measured["/short 1280"]["bars"]["errors"] is None
    refused = measured["/refused 1280"]["bars"]
    assert refused["errors"] > 10
    assert refused["histogram"] is None


def test_narrow_pages_leave_out_ticks(measured: dict[str, Any]) -> None:
    """Where there is no room, every second tick is left out."""
    assert measured["/usual 400"]["odd"] == 0
    assert measured["/usual 1280"]["odd"] > 3


def test_what_it_says(usual: Report) -> None:
    """Rendered, the page has the figures; it asked for nothing but itself and nothing was wrong with it."""
    seen = look({"/": to_html(usual)}, "/")
    text = html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", seen.dom, flags=re.DOTALL)))
    for figure in (
        f"{usual.requests:,}",
        "of 6 verdicts failed",
        "server unknown",
        "web2 of pool web drains",
        "the weights of pool web",
        f"{usual.servers['web3']:,}",
    ):
        assert figure in text, figure
    assert seen.dom.count("<path") > 8
    assert (seen.asked, seen.outside, seen.console) == (("/",), (), ())


def test_nothing_is_executed() -> None:
    """Whatever a server calls itself is shown as text: no script runs, no element is made, no request is sent."""
    seen = look({"/": to_html(worlds.hostile())}, "/")
    assert re.search(r"<title>Failed: [^<]*</title>", seen.dom)
    assert "executed'&lt;/script&gt;" in seen.dom
    assert "<script" not in seen.dom
    assert "<img" not in seen.dom
    assert "1337" not in seen.dom
    assert (seen.asked, seen.outside, seen.console) == (("/",), (), ())


def test_the_policy_holds_by_itself(usual: Report) -> None:
    """Were something not escaped, the page's policy would still let it run nothing and ask for nothing."""
    attack = "<script>document.title='executed'</script><img src='http://outside.example/x'><img src='/x'>"
    seen = look({"/": to_html(usual).replace("<h1>", f"<h1>{attack}")}, "/")
    assert "<img" in seen.dom
    assert "<title>Failed: " in seen.dom
    assert (seen.asked, seen.outside) == (("/",), ())
    assert any("Content Security Policy" in line for line in seen.console)


@pytest.mark.parametrize(("dark", "colour"), [(False, (0xF6, 0xF7, 0xF8)), (True, (0x10, 0x13, 0x16))])
def test_colours(usual: Report, *, dark: bool, colour: tuple[int, int, int]) -> None:
    """The page is light or dark as its reader prefers."""
    seen = look({"/": to_html(usual)}, "/", width=400, dark=dark, picture=True)
    assert seen.size[0] == 400
    assert seen.background == colour
    assert seen.console == ()
