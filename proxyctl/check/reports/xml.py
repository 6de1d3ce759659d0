"""JUnit files, as CI systems read them: suites of cases, written whole. Knows nothing of what the cases are about.

There is no standard; the shape here is the part on which Ant's schema, Jenkins, GitLab and GitHub's reporters agree:
the order of elements, counts that are right, times in seconds, a time stamp without a zone.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping

_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """One test case. `failure` and `skipped` are one line that says why, None where it is not so.

    `detail` is the longer text of the failure, `output` what the case printed.
    """

    name: str
    classname: str
    seconds: float = 0.0
    failure: str | None = None
    skipped: str | None = None
    detail: str = ""
    output: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Suite:
    """Cases that ran together, and figures about them; `started_at` is Unix time."""

    name: str
    cases: tuple[Case, ...]
    seconds: float = 0.0
    started_at: float | None = None
    properties: Mapping[str, str] = dataclasses.field(default_factory=dict)


def to_xml(name: str, suites: Iterable[Suite]) -> str:
    """Return a JUnit file."""
    suites = tuple(suites)
    cases = [case for suite in suites for case in suite.cases]
    root = ET.Element("testsuites", {"name": _clean(name), **_counts(cases, sum(s.seconds for s in suites))})
    for suite in suites:
        element = ET.SubElement(root, "testsuite", {"name": _clean(suite.name), **_counts(suite.cases, suite.seconds)})
        if suite.started_at is not None:
            moment = dt.datetime.fromtimestamp(suite.started_at, dt.UTC)
            element.set("timestamp", moment.strftime("%Y-%m-%dT%H:%M:%S"))
        if suite.properties:
            properties = ET.SubElement(element, "properties")
            for key, value in suite.properties.items():
                ET.SubElement(properties, "property", name=_clean(key), value=_clean(value))
        for case in suite.cases:
            _case(element, case)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _counts(cases: Iterable[Case], seconds: float) -> dict[str, str]:
    cases = tuple(cases)
    return {
        "tests": str(len(cases)),
        "failures": str(sum(case.failure is not None for case in cases)),
        "errors": "0",
        "skipped": str(sum(case.skipped is not None for case in cases)),
        "time": f"{seconds:.3f}",
    }


def _case(suite: ET.Element, case: Case) -> None:
    element = ET.SubElement(
        suite, "testcase", classname=_clean(case.classname), name=_clean(case.name), time=f"{case.seconds:.3f}"
    )
    if case.failure is not None:
        failure = ET.SubElement(element, "failure", message=_clean(case.failure), type="failed")
        failure.text = _clean(case.detail or case.failure)
    elif case.skipped is not None:
        ET.SubElement(element, "skipped", message=_clean(case.skipped))
    if case.output:
        ET.SubElement(element, "system-out").text = _clean(case.output)


def _clean(text: str) -> str:
    """Put a mark in the place of the control characters that XML cannot hold."""
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
