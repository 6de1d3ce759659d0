"""The shape that readers of JUnit files agree on, after Ant's schema: which elements and attributes, in which order."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

_CHILDREN = {
    "testsuites": r"(testsuite )*",
    "testsuite": r"(properties )?(testcase )*(system-out )?(system-err )?",
    "properties": r"(property )*",
    "testcase": r"(skipped |failure |error )?(system-out )?(system-err )?",
}
_NEEDED = {
    "testsuites": {"tests", "failures", "errors", "time"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testcase": {"name", "classname", "time"},
    "property": {"name", "value"},
    "failure": {"message"},
    "skipped": set[str](),
    "properties": set[str](),
    "system-out": set[str](),
}
_ALLOWED = {"testsuites": {"name", "skipped"}, "testsuite": {"timestamp"}, "failure": {"type"}, "skipped": {"message"}}


def validated(text: str) -> ET.Element:
    """Return the root of a JUnit file that has the shape and counts right."""
    root = ET.fromstring(text)
    assert root.tag == "testsuites"
    for element in root.iter():
        assert element.tag in _NEEDED, element.tag
        needed, extra = _NEEDED[element.tag], _ALLOWED.get(element.tag, set())
        assert needed <= set(element.keys()) <= needed | extra, (element.tag, element.attrib)
        assert re.fullmatch(_CHILDREN.get(element.tag, ""), "".join(f"{child.tag} " for child in element)), element.tag
        for name in {"tests", "failures", "errors", "skipped"} & set(element.keys()):
            assert int(element.get(name, "")) == _count(element, name), (element.attrib, name)
        if "time" in element.keys():  # noqa: SIM118 - an element is not a mapping
            assert re.fullmatch(r"\d+\.\d{3}", element.get("time", ""))
        if stamp := element.get("timestamp"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", stamp)
    return root


def _count(element: ET.Element, name: str) -> int:
    child = {"failures": "failure", "errors": "error", "skipped": "skipped"}.get(name)
    cases = list(element.iter("testcase"))
    return len(cases) if child is None else sum(case.find(child) is not None for case in cases)
