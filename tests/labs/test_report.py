"""Reports of a lab: the JSON of the contract, JUnit, the page and its drawing."""

from __future__ import annotations

import dataclasses
import json
import xml.etree.ElementTree as ET

from proxyctl.labs.drawing import draw
from proxyctl.labs.page import to_html
from proxyctl.labs.report import LabResult, StepResult, to_json, to_junit
from proxyctl.labs.step import Lab, Step
from proxyctl.labs.texts import LANGS, Text
from proxyctl.labs.topology import Box, Network, Topology
from tests.junit_shape import validated

STEPS = tuple(
    Step(id=id_, goal=Text(ko=f"{id_}를 봅니다", en=f"See {id_}"), why=Text(ko="까닭입니다.", en="Because."))
    for id_ in ("good", "bad", "absent")
)
LAB = Lab("clip0", Text("시험", "Test"), Text("목표", "Goal"), (), {"proxyctl/echo": Text("웹", "web")}, STEPS)
TOPOLOGY = Topology(
    (
        Network("bridge", "bridge", "172.17.0.0/16", "172.17.0.1", "docker0", internal=False),
        Network("host", "host", "", "", "", internal=False),
        Network("lab-0a0b-inner", "bridge", "10.70.1.0/24", "10.70.1.1", "br-1", internal=True),
    ),
    (
        Box("lab-0a0b-both", "proxyctl/echo", (("bridge", "172.17.0.2"), ("lab-0a0b-inner", "10.70.1.2")), (), ""),
        Box("lab-0a0b-web", "proxyctl/echo:latest", (("bridge", "172.17.0.3"),), ("8080→80",), ""),
        Box("lab-0a0b-<b>", "x", (), (), ""),
        Box("lab-0a0b-guest", "x", (), (), "lab-0a0b-web"),
        Box("lab-0a0b-native", "x", (), (), "host"),
        Box("proxyctl-lab-0a0b-inner", "haproxy", (), ("49152→8404", "49153→81", "49154→80"), ""),
    ),
)
RESULT = LabResult(
    LAB,
    "0a0b",
    (
        StepResult(STEPS[0], "ok", ("ip addr",), ("eth0", Text(ko="둘째", en="second")), None, 0.5),
        StepResult(STEPS[1], "failed", ("cat <x>",), ("\x1b[31m<&>\x00",), Text(ko="다름", en="differs"), 0.25),
        StepResult(STEPS[2], "skipped", (), (), Text(ko="없음", en="not here"), 0.0),
    ),
    1.234,
    TOPOLOGY,
    "Docker 20.10.24, Linux 6.1",
)


def test_json_has_the_keys_of_the_contract() -> None:
    """LABELS.md: ok, labs, id, seconds, steps with id, title, status, observed, reason."""
    report = json.loads(json.dumps(to_json([RESULT], "en")))
    assert report["ok"] is False
    (lab,) = report["labs"]
    assert (lab["id"], lab["ok"], lab["seconds"]) == ("clip0", False, 1.23)
    good, bad, absent = lab["steps"]
    assert good == {
        "id": "good",
        "title": "See good",
        "status": "ok",
        "commands": ["ip addr"],
        "observed": "eth0\nsecond",
        "explanation": "Because.",
        "reason": None,
        "seconds": 0.5,
    }
    assert (bad["status"], bad["reason"]) == ("failed", "differs")
    assert (absent["status"], absent["reason"]) == ("skipped", "not here")
    assert to_json([RESULT], "ko")["labs"][0]["steps"][0]["title"] == "good를 봅니다"


def test_a_lab_with_skipped_steps_only_is_no_failure() -> None:
    """Skipped is said, not failed."""
    without = dataclasses.replace(RESULT, steps=(RESULT.steps[0], RESULT.steps[2]))
    assert without.ok
    assert not RESULT.ok


def test_junit_counts_and_survives_whatever_a_command_prints() -> None:
    """Well-formed with control characters in the output; failures and skips are counted and have their reason."""
    suites = validated(to_junit([RESULT], "en"))
    (suite,) = suites
    assert {k: suite.get(k) for k in ("tests", "failures", "skipped", "errors")} == {
        "tests": "3",
        "failures": "1",
        "skipped": "1",
        "errors": "0",
    }
    good, bad, absent = suite
    assert good.find("failure") is None
    failure, skipped = bad.find("failure"), absent.find("skipped")
    assert failure is not None
    assert failure.get("message") == "differs"
    assert skipped is not None
    assert skipped.get("message") == "not here"
    assert "$ ip addr\neth0\nsecond" in (good.findtext("system-out") or "")


def test_the_drawing_has_every_network_container_and_address() -> None:
    """Well-formed SVG; names go without the tag, host and none are no columns, and text is escaped."""
    for lang in LANGS:
        drawn = ET.fromstring(draw(TOPOLOGY, "0a0b", lang))
        texts = ["".join(node.itertext()) for node in drawn.iter("text")]
        assert {"bridge", "inner", "both", "web", "<b>", "guest", "native", "172.17.0.3", "10.70.1.2"} <= set(texts)
        assert not any("0a0b" in text for text in texts)
        assert len(list(drawn.iter("circle"))) == 3
        assert len([node for node in drawn.iter("rect") if "net" in (node.get("class") or "")]) == 2
    assert "shares the network of web" in draw(TOPOLOGY, "0a0b", "en")
    english = draw(TOPOLOGY, "0a0b", "en")
    assert english.index("guest") > english.index(">web<")


def test_a_gateway_is_told_from_its_network_and_its_ports_fit_their_box() -> None:
    """Its name has the network's in it; three ports of five digits are what a lab publishes at the most."""
    drawn = ET.fromstring(draw(TOPOLOGY, "0a0b", "en"))
    texts = {"".join(node.itertext()): node for node in drawn.iter("text")}
    assert {"inner", "proxyctl-inner"} <= set(texts)
    ports = next(text for text in texts if "49152" in text)
    (width,) = {int(node.attrib["width"]) for node in drawn.iter("rect") if node.get("class") == "box"}
    assert len(" ".join(ports.split())) * 6.4 + 10 < width  # a letter of 10.5 px monospace, as measured in a browser


def test_the_page_needs_nothing_else_and_escapes_what_it_shows() -> None:
    """No link to another file, and output of commands is text."""
    for lang in LANGS:
        page = to_html([RESULT], lang)
        assert f'<html lang="{lang}">' in page
        assert "http" not in page
        assert "cat &lt;x&gt;" in page
        assert "<svg" in page
        assert "prefers-color-scheme: dark" in page
