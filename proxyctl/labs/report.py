"""What a lab gave: its steps with what was observed, as JSON (the shape of LABELS.md) and as JUnit."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from proxyctl.check.reports import xml
from proxyctl.labs.step import Lab, Step
from proxyctl.labs.texts import Lang, Said, Text, say
from proxyctl.labs.topology import Topology

Status = Literal["ok", "failed", "skipped"]


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
    suites = (
        xml.Suite(result.lab.id, tuple(_case(result, step, lang) for step in result.steps), result.seconds)
        for result in results
    )
    return xml.to_xml("proxyctl lab", suites)


def _case(result: LabResult, step: StepResult, lang: Lang) -> xml.Case:
    reason = step.reason.to(lang) if step.reason else ""
    return xml.Case(
        name=f"{step.step.id}: {step.step.goal.to(lang)}",
        classname=f"lab.{result.lab.id}",
        seconds=step.seconds,
        failure=reason if step.status == "failed" else None,
        skipped=reason if step.status == "skipped" else None,
        output="\n".join([*(f"$ {command}" for command in step.commands), step.observed_in(lang)]),
    )
