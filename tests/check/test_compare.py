"""Reports, made ready to be compared."""

from __future__ import annotations

import dataclasses
import json

import pytest

from proxyctl.check.compare import incomparable, notes, run_of, to_json, unclear
from proxyctl.check.expected import Expected
from proxyctl.check.load.sample import Sample
from proxyctl.check.report import Generator
from proxyctl.check.reports.document import from_json
from proxyctl.check.reports.document import to_json as to_document
from proxyctl.check.verdicts.compare import compare
from tests.check.report_values import report_of, served

LOST = [Sample(0.31 + i / 1000, 0.001, "reset", None, "web2") for i in range(40)]


def test_run_of() -> None:
    """A run has all requests, errors, servers and times of its report, in blocks that fill its time."""
    report = dataclasses.replace(
        served({"web1": 600, "web2": 300}, *LOST, seconds=3.0), expected=Expected({"web1": 2, "web2": 1}, "x")
    )
    run = run_of(report)
    assert (run.requests, run.errors, run.servers) == (940, 40, {"web1": 600, "web2": 340})
    assert sum(block.latency.total for block in run.blocks) == run.latency.total == 900
    assert 12 <= len(run.blocks) <= 48
    assert abs(run.seconds - report.seconds) < 1e-3
    assert (run.longest_ms, run.expected) == (2.0, {"web1": 2, "web2": 1})
    assert [block.errors for block in run.blocks if block.errors] == [40]


def test_the_same_from_a_file() -> None:
    """A report that was written and read is the same run."""
    report = served({"web1": 600}, *LOST)
    again = run_of(from_json(json.loads(json.dumps(to_document(report)))))
    assert again.blocks == run_of(report).blocks
    assert again.latency == run_of(report).latency


def test_a_run_of_nothing() -> None:
    """A report without a request is a run without blocks."""
    assert run_of(report_of([])).blocks == ()


def test_notes() -> None:
    """Runs that are short, and what differs in how and where they ran, are told; all else is nobody's concern."""
    one = dataclasses.replace(
        served({"web1": 10}, seconds=0.3),
        options={"concurrency": 10, "rate": None, "headers": ["A"], "urls": ["http://a/", "http://b/"]},
        machine={"cpus": 2},
    )
    other = dataclasses.replace(
        served({"web1": 100}, seconds=3.0),
        options={"concurrency": 20, "rate": None, "headers": ["B"], "urls": ["http://a/"]},
        machine={"cpus": 4},
    )
    assert notes(one, other) == (
        "A is too short to say how rate and latency vary; 1 s is enough, 10 s are better",
        "options differ: urls http://a/, http://b/ in A, http://a/ in B",
        "options differ: concurrency 10 in A, 20 in B",
        "machine differs: cpus 2 in A, 4 in B",
    )
    assert notes(other, other) == ()
    limited = dataclasses.replace(other, generator=Generator(busy=1.0))
    assert notes(other, limited) == ("the generator was the limit of B: its figures are not the proxy's alone",)


def test_json() -> None:
    """The JSON has exactly these keys; scripts rely on them."""
    a, b = served({"web1": 500}, seconds=2.0), served({"web1": 500}, *LOST, seconds=2.0)
    found = compare(run_of(a), run_of(b), visible=True)
    comparison = json.loads(json.dumps(to_json(a, b, found, level=0.001, least=0.05)))
    assert comparison.keys() == {
        "schema",
        "level",
        "least",
        "a",
        "b",
        "figures",
        "shares",
        "worse",
        "notes",
        "cannot_tell",
    }
    assert comparison["a"] == {
        "url": "http://127.0.0.1:8080/",
        "started_at": "2026-11-18T11:06:40.250000+00:00",
        "seconds": 2.0,
        "requests": 500,
        "ok": True,
    }
    assert comparison["shares"] == {"web1": [1.0, 500 / 540], "web2": [0.0, 40 / 540]}
    assert [figure["name"] for figure in comparison["figures"]][:2] == ["rate", "p50"]
    keys = {"name", "a", "b", "change", "p", "limit", "visible", "verdict", "worse"}
    assert all(figure.keys() == keys for figure in comparison["figures"])


@pytest.mark.parametrize(
    ("key", "one", "other", "said"),
    [
        ("urls", ["http://a/"], ["http://b/"], "urls http://a/ in A, http://b/ in B"),
        ("method", "GET", "POST", "method GET in A, POST in B"),
        ("rate", None, 100.0, "rate unset in A, 100.0 in B"),
        ("concurrency", 10, 20, "concurrency 10 in A, 20 in B"),
        ("workers", 1, 2, ""),
    ],
)
def test_runs_of_different_things_are_incomparable(key: str, one: object, other: object, said: str) -> None:
    """What was asked, and how hard; with how many processes is a note."""
    a, b = (dataclasses.replace(served({"web1": 10}), options={key: value}) for value in (one, other))
    assert incomparable(a, b) == said


def test_runs_that_cannot_tell() -> None:
    """Too short, a generator at its limit, or so uneven that half as much again would have been called noise."""
    long, short = served({"web1": 1000}, seconds=3.0), served({"web1": 10}, seconds=0.3)
    good = compare(run_of(long), run_of(long), visible=True)
    assert unclear(long, long, good) == ""
    assert unclear(long, short, ()) == "B is too short"
    busy = dataclasses.replace(long, generator=Generator(busy=1.0))
    assert unclear(busy, long, good) == "the generator was the limit of A, as on a busy machine"
    blind = tuple(dataclasses.replace(one, visible=0.8) for one in good)
    assert "no change of it under 50% would have been seen" in unclear(long, long, blind)
    real = tuple(dataclasses.replace(one, p=0.0) for one in blind)
    assert unclear(long, long, real) == ""
