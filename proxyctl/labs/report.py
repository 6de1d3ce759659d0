"""What a lab gave: its steps with what was observed, as JSON (the shape of LABELS.md) and as JUnit."""

from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from proxyctl.labs.step import Lab, Step
from proxyctl.labs.texts import Lang, Said, Text, say
from proxyctl.labs.topology import Topology

Status = Literal["ok", "failed", "skipped"]

_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclasses.dataclass(frozen=True, slots=True)
class StepResult:
    """One step of one run. `commands` are those that ran, with the real names."""

    step: Step
    status: Status
    commands: tuple[str, ...]
    observed: tuple[Said, ...]
    reason: Text | None
    seconds: float

    def observed_in(self, lang: Lang) -> str:
        """Return what was observed, in lines."""
        return "\n".join(say(line, lang) for line in self.observed)


@dataclasses.dataclass(frozen=True, slots=True)
class LabResult:
    """One lab of one run."""

    lab: Lab
    tag: str
    steps: tuple[StepResult, ...]
    seconds: float
    topology: Topology
    engine: str

    @property
    def ok(self) -> bool:
        """Whether no step failed."""
        return all(result.status != "failed" for result in self.steps)

    def count(self, status: Status) -> int:
        """Return how many steps ended that way."""
        return sum(result.status == status for result in self.steps)


def to_json(results: Sequence[LabResult], lang: Lang) -> Mapping[str, Any]:
    """Return what `lab run --json` prints."""
    return {
        "ok": all(result.ok for result in results),
        "labs": [
            {
                "id": result.lab.id,
                "title": result.lab.title.to(lang),
                "ok": result.ok,
                "seconds": round(result.seconds, 2),
                "engine": result.engine,
                "steps": [_step_json(step, lang) for step in result.steps],
                "topology": dataclasses.asdict(result.topology),
            }
            for result in results
        ],
    }


def _step_json(result: StepResult, lang: Lang) -> Mapping[str, Any]:
    return {
        "id": result.step.id,
        "title": result.step.goal.to(lang),
        "status": result.status,
        "commands": list(result.commands),
        "observed": result.observed_in(lang),
        "explanation": result.step.why.to(lang),
        "reason": result.reason.to(lang) if result.reason else None,
        "seconds": round(result.seconds, 3),
    }


def to_junit(results: Sequence[LabResult], lang: Lang) -> str:
    """Return a JUnit file: a suite for each lab, a case for each step."""
    suites = ET.Element("testsuites", name="proxyctl lab")
    for result in results:
        suite = ET.SubElement(
            suites,
            "testsuite",
            name=result.lab.id,
            tests=str(len(result.steps)),
            failures=str(result.count("failed")),
            errors="0",
            skipped=str(result.count("skipped")),
            time=f"{result.seconds:.3f}",
        )
        for step in result.steps:
            case = ET.SubElement(
                suite,
                "testcase",
                classname=f"lab.{result.lab.id}",
                name=f"{step.step.id}: {step.step.goal.to(lang)}",
                time=f"{step.seconds:.3f}",
            )
            reason = _clean(step.reason.to(lang)) if step.reason else ""
            if step.status != "ok":
                ET.SubElement(case, "failure" if step.status == "failed" else "skipped", message=reason)
            shown = "\n".join([*(f"$ {command}" for command in step.commands), step.observed_in(lang)])
            ET.SubElement(case, "system-out").text = _clean(shown)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _clean(text: str) -> str:
    """Leave out the control characters that XML cannot hold."""
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
