"""Every lab's data: texts in both languages, names that are declared, checks and commands that fit each other."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from proxyctl.errors import UsageError
from proxyctl.labs import catalog
from proxyctl.labs.command import as_command, fill, placeholders
from proxyctl.labs.step import Lab, Step, label, sketch
from proxyctl.labs.texts import Text

LABS = pytest.mark.parametrize("lab", catalog.LABS, ids=lambda lab: lab.id)
STEPS = pytest.mark.parametrize(
    ("lab", "step"), [pytest.param(lab, step, id=f"{lab.id}-{step.id}") for lab in catalog.LABS for step in lab.steps]
)
HANGUL = re.compile("[가-힣]")
# a sentence of an explanation ends politely, and none of them in the plain style of the notes
POLITE = re.compile(r"(니다|시오)( ?\([^()]*\))?\.?$")


def bilingual(text: Text) -> None:
    """Assert that a text is there in both languages, each in its own letters."""
    assert HANGUL.search(text.ko), text
    assert text.en.strip(), text
    assert not HANGUL.search(text.en), text


@LABS
def test_a_lab_is_told_in_both_languages(lab: Lab) -> None:
    """Title, goal, and what its images stand for."""
    for text in (lab.title, lab.goal, *lab.images.values()):
        bilingual(text)


@STEPS
def test_every_step_is_told_in_both_languages(lab: Lab, step: Step) -> None:
    """Goal and explanation, and the reasons to skip; Korean sentences end in 합니다체."""
    for text in (step.goal, step.why, *(need.reason for need in step.needs)):
        bilingual(text)
    for text in (step.goal, step.why):
        assert POLITE.search(text.ko), text.ko


@LABS
def test_names_of_steps_are_unique_and_names_of_things_are_used(lab: Lab) -> None:
    """Step ids are the public names of --json and JUnit; each declared name is in some command."""
    ids = [step.id for step in lab.steps]
    assert len(set(ids)) == len(ids)
    used = {name for step in lab.steps for command in step.commands for name in placeholders(as_command(command).text)}
    assert set(lab.names) <= used


@STEPS
def test_what_a_step_makes_is_named_and_labelled(lab: Lab, step: Step) -> None:
    """`docker run`, `docker create` and `network create` carry the label, and a name of the lab."""
    for command in step.commands:
        text = sketch(as_command(command).text, lab)
        for made in re.findall(r"docker (?:run|create|network create)\b[^;|&]*", text):
            assert label(lab) in made, text
            assert "lab-" in made, text


@STEPS
def test_commands_of_several_lines_fit_a_terminal(lab: Lab, step: Step) -> None:
    """They are shown as they are, beside the margin of 8 columns, also where an address is as long as one can be."""
    longest = {name: f"lab-0000-{name}" for name in lab.names} | {"label": label(lab), "tag": "0000"}
    for command in step.commands:
        text = as_command(command).text
        found = placeholders(text) - longest.keys()
        longest |= {name: "65535" if f":{{{name}}}" in text else "255.255.255.255" for name in found}
        lines = fill(text, longest).split("\n")
        assert len(lines) == 1 or [line for line in lines if cell_len(line) > 72] == []


def test_an_unknown_lab_is_refused_with_the_names_of_those_there_are() -> None:
    """`lab run clip9` says what exists; `all` is all; a clip named twice runs once."""
    with pytest.raises(UsageError, match=r"no lab 'clip9': there are clip1, .*`all`"):
        catalog.chosen(["clip1", "clip9"])
    assert catalog.chosen(["all", "clip1"]) == catalog.LABS
    assert catalog.chosen(["clip1", "clip1"]) == catalog.LABS[:1]
