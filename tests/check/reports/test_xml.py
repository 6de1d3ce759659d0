"""JUnit files, read back as a CI system reads them."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from proxyctl.check.reports.xml import Case, Suite, to_xml
from tests.junit_shape import validated

SUITES = (
    Suite(
        "one",
        (
            Case("good", "a.b", 0.25, output="$ true"),
            Case("bad", "a.b", failure="2 is not 1", detail="2 is not 1\nat the third try"),
            Case("left out", "a.b", skipped="needs root"),
        ),
        seconds=1.5,
        started_at=1_795_000_000.25,
        properties={"rate": "10.0"},
    ),
    Suite("two", (Case("good", "c"),), seconds=0.5),
)


def test_whole() -> None:
    """Suites hold cases, counts are right at both levels, times are seconds, the time stamp has no zone."""
    root = validated(to_xml("all", SUITES))
    assert root.attrib == {
        "name": "all",
        "tests": "4",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
        "time": "2.000",
    }
    one, two = root
    assert one.attrib["timestamp"] == "2026-11-18T11:06:40"
    assert one.attrib["time"] == "1.500"
    assert [(p.get("name"), p.get("value")) for p in one.iter("property")] == [("rate", "10.0")]
    good, bad, left = one.iter("testcase")
    assert good.findtext("system-out") == "$ true"
    assert (failure := bad.find("failure")) is not None
    assert (failure.get("message"), failure.text) == ("2 is not 1", "2 is not 1\nat the third try")
    assert (skipped := left.find("skipped")) is not None
    assert skipped.get("message") == "needs root"
    assert (two.get("tests"), two.get("failures"), two.find("properties")) == ("1", "0", None)


def test_what_xml_cannot_hold() -> None:
    """Markup is escaped, and control characters are exchanged: the file stays well-formed whatever a server says."""
    nasty = "<script>&\"'\x00\x1b[31m]]>\ufffe"
    case = Case(nasty, nasty, failure=nasty, detail=nasty, output=nasty)
    root = validated(to_xml(nasty, [Suite(nasty, (case,), properties={nasty: nasty})]))
    shown = "<script>&\"'\ufffd\ufffd[31m]]>\ufffd"
    assert {root.get("name"), root[0].get("name"), *root[0][0][0].attrib.values()} == {shown}
    assert {e.text for e in root.iter() if e.tag in {"failure", "system-out"}} == {shown}
    ET.fromstring(to_xml("nothing", []))
