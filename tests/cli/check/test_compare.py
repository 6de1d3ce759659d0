"""`proxyctl check compare`, from its command line to its table, its JSON, its exit code and its errors."""

from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from proxyctl.check.load.sample import Sample
from proxyctl.check.report import Report
from proxyctl.check.reports.document import to_json
from proxyctl.cli.check import command as module
from proxyctl.errors import CannotTell, ThresholdFailed, UsageError
from tests.check.report_values import report_of


def measured(seed: int, *, slower: float = 1.0, lost: float = 0.0, requests: int = 3000) -> Report:
    """Return 3 s of requests that take about 2 ms."""
    rng = random.Random(seed)
    samples = []
    for i in range(requests):
        latency = 0.002 * rng.lognormvariate(0, 0.3) * slower
        error = "http_503" if rng.random() < lost else None
        samples.append(Sample(3.0 * i / requests, latency, error, 503 if error else 200, f"web{i % 2}", latency / 2))
    return dataclasses.replace(report_of(samples), options={"concurrency": 10})


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Reports in files: before, again, slower, with errors."""
    reports = {
        "before": measured(1),
        "again": measured(2),
        "slower": measured(3, slower=1.5),
        "lossy": measured(4, lost=0.02),
        "short": measured(5, requests=1),
    }
    for name, report in reports.items():
        (tmp_path / name).write_text(json.dumps(to_json(report)))
    return {name: str(tmp_path / name) for name in reports}


def run(*argv: str) -> Result:
    """Run the verb; what it raised is in the result."""
    return CliRunner().invoke(module.app, ["compare", *argv])


def test_noise(files: dict[str, str]) -> None:
    """Two runs of the same thing end with 0; the table has a line per figure in 80 columns."""
    result = run(files["before"], files["again"])
    assert result.exception is None
    lines = result.output.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines[4:12]] == ["rate", "p50", "p90", "p99", "p99.9", "max", "errors", "share"]
    assert "nothing is significantly worse" in result.output
    assert "real" not in result.output


def test_worse(files: dict[str, str]) -> None:
    """What is significantly worse ends with 99 and is named, with both figures, the change and p."""
    result = run(files["before"], files["slower"])
    assert isinstance(result.exception, ThresholdFailed)
    said = str(result.exception)
    assert said.startswith("worse: p50 is ")
    assert " ms instead of " in said
    assert "%, p " in said
    assert "real, worse (p " in result.output
    assert "nothing is significantly worse" not in result.output
    errors = run(files["before"], files["lossy"]).exception
    assert isinstance(errors, ThresholdFailed)
    assert str(errors).startswith("worse: errors is 1.83% instead of 0.00% (")
    assert " pts, p " in str(errors)


def test_better(files: dict[str, str]) -> None:
    """What is significantly better is told, and ends with 0."""
    result = run(files["slower"], files["before"])
    assert result.exception is None
    assert "real (p " in result.output


def test_json(files: dict[str, str]) -> None:
    """With --json stdout is the comparison and nothing else; the exit code is the same."""
    result = run(files["before"], files["slower"], "--json")
    assert isinstance(result.exception, ThresholdFailed)
    comparison = json.loads(result.stdout)
    assert "p50" in comparison["worse"]
    assert comparison["level"] == 1e-3


def test_options(files: dict[str, str]) -> None:
    """A level that nothing passes calls all noise; a great --least calls it slight."""
    assert run(files["before"], files["slower"], "--level", "1e-9", "--least", "80%").exception is None
    assert json.loads(run(files["before"], files["again"], "--json", "--least", "0").stdout)["least"] == 0
    said = run(files["before"], files["slower"], "--least", "80").output
    assert "slight (p " in said


def test_a_run_that_says_nothing(files: dict[str, str]) -> None:
    """A short run has figures that are not judged and a note; a run in which nothing could be seen says so."""
    said = run(files["before"], files["short"]).output
    assert "not judged" in said
    assert "note: B is too short" in said


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "nowhere: there is no such file or folder"),
        ("no", "it is not JSON, as `proxyctl check URL --json > broken` writes it"),
        ('{"schema": 7}', "its schema is 7; this proxyctl reads 1"),
        ("[]", "it is not a report"),
        ("\udcff", "it is not JSON"),
    ],
)
def test_what_is_no_report(files: dict[str, str], tmp_path: Path, text: str | None, reason: str) -> None:
    """A file that cannot be read, or is something else, is one line with its name and what is wrong."""
    path = tmp_path / ("nowhere" if text is None else "broken")
    if text is not None:
        path.write_bytes(text.encode(errors="surrogateescape"))
    error = run(files["before"], str(path)).exception
    assert isinstance(error, UsageError)
    assert reason in str(error)
    assert str(path) in str(error)


def test_a_bad_percentage(files: dict[str, str]) -> None:
    """--least takes a percentage that is not negative."""
    for text in ("much", "-1%", "nan", "inf"):
        error = run(files["before"], files["again"], f"--least={text}").exception
        assert isinstance(error, UsageError), text
        assert str(error) == f"--least: {text!r} is not a percentage such as 5%"


def test_runs_that_measured_different_things_are_refused_unless_told(tmp_path: Path) -> None:
    """One line names what differs and the flag; with the flag it is a note."""
    for name, rate in (("a", None), ("b", 50.0)):
        report = dataclasses.replace(measured(1), options={"concurrency": 10, "rate": rate})
        (tmp_path / name).write_text(json.dumps(to_json(report)))
    argv = [str(tmp_path / "a"), str(tmp_path / "b")]
    error = run(*argv).exception
    assert isinstance(error, UsageError)
    assert str(error) == (
        "A and B measured different things: rate unset in A, 50.0 in B; --anyway compares them all the same"
    )
    told = run(*argv, "--anyway")
    assert told.exception is None
    assert "note: options differ: rate unset in A, 50.0 in B" in told.output


def test_cannot_tell_is_said_last_and_has_an_exit_code_of_its_own(files: dict[str, str]) -> None:
    """Never "nothing is worse" of runs that would not have shown it."""
    result = run(files["before"], files["short"])
    assert isinstance(result.exception, CannotTell)
    assert (str(result.exception), result.exception.exit_code) == ("cannot tell: B is too short", 98)
    assert "nothing is significantly worse" not in result.output
    assert json.loads(run(files["before"], files["short"], "--json").stdout)["cannot_tell"] == "B is too short"
