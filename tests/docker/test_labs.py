"""Labs on the real engine: all of them hold here, a false statement is found, and nothing is left however they end."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from rich.cells import cell_len

from proxyctl.cli.app import run
from proxyctl.labs import catalog, cleaning
from proxyctl.labs.at import At
from proxyctl.labs.command import LABEL, fails
from proxyctl.labs.report import StepResult
from proxyctl.labs.run import run_lab
from proxyctl.labs.step import Lab, Need, Step
from proxyctl.labs.texts import Text
from tests.docker.command_line import run_proxyctl
from tests.docker.watching import eventually, listed

pytestmark = pytest.mark.docker

ANY = Text(ko="시험합니다", en="Test")


def left(client: docker.DockerClient, tag: str) -> list[str]:
    """Return everything of one run that is still there: in Docker, on the host, and in iptables."""
    found = [
        *listed(client, label=LABEL).values(),
        *(str(n.name) for n in client.networks.list(filters={"label": LABEL})),
    ]
    found += [p.name for p in Path("/sys/class/net").glob("lab-*")]
    found += [p.name for p in Path("/tmp").glob("proxyctl-lab-*")]
    return [name for name in found if tag in name]


def rules() -> set[str]:
    """Return the rules of Docker's own NAT chain."""
    ran = subprocess.run(["iptables", "-w", "-t", "nat", "-S", "DOCKER"], capture_output=True, text=True, check=True)
    return set(ran.stdout.splitlines())


def files(folder: Path) -> tuple[str, ...]:
    """Return the options with which a run writes what `assert_holds` reads."""
    return ("--lang", "ko", "--junit", str(folder / "junit.xml"), "--html", str(folder / "lab.html"))


def tag_of(printed: str) -> str:
    """Return the tag in the names of a run; a list of networks also shows those of other runs, once."""
    return str(Counter(re.findall(r"lab-([0-9a-f]{4})-", printed)).most_common(1)[0][0])


def assert_holds(lab: Lab, ran: subprocess.CompletedProcess[str], folder: Path) -> str:
    """Fail unless it ended with 0, no step failed, every step observed something, and lines fit; return its tag."""
    junit, html = folder / "junit.xml", folder / "lab.html"
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr
    cases = list(ET.fromstring(junit.read_text()).iter("testcase"))
    assert len(cases) == len(lab.steps)
    assert not [case.get("name") for case in cases if case.find("failure") is not None]
    for case in cases:
        skipped = case.find("skipped")
        assert (case.findtext("system-out") or "").strip() if skipped is None else skipped.get("message")
    assert [line for line in ran.stdout.splitlines() if cell_len(line) > 80] == []
    tag = tag_of(ran.stdout)
    assert f"lab-{tag}-*" in html.read_text()
    assert lab.title.ko in ran.stdout
    return tag


@pytest.mark.parametrize("lab", catalog.LABS[1:], ids=lambda lab: lab.id)
def test_every_lab_holds_and_leaves_nothing(lab: Lab, docker_client: docker.DockerClient, tmp_path: Path) -> None:
    """Every step holds, and nothing is left behind. The first lab: below.

    Takes as long as a learner waits for a lab, 10 to 30 s: most of it is `proxyctl check`, up to 27 times.
    """
    ran = run_proxyctl("lab", "run", lab.id, *files(tmp_path), timeout=110)
    tag = assert_holds(lab, ran, tmp_path)
    assert left(docker_client, tag) == []


def test_two_runs_at_once_do_not_meet(docker_client: docker.DockerClient, tmp_path: Path) -> None:
    """The first lab holds twice at once, in text and in JSON; the NAT rules afterwards are those that others have.

    Takes 10 s, as long as the lab.
    """
    argv = [sys.executable, "-m", "proxyctl", "lab", "run", "clip1", "--json", "--lang", "en"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as beside:
        ran = run_proxyctl("lab", "run", "clip1", *files(tmp_path), timeout=110)
        out = beside.communicate(timeout=110)[0]
    report = json.loads(out)["labs"][0]
    assert (beside.returncode, [s for s in report["steps"] if s["status"] == "failed"]) == (0, [])
    assert report["title"] == catalog.LABS[0].title.en
    tags = {assert_holds(catalog.LABS[0], ran, tmp_path), tag_of(out)}
    assert len(tags) == 2
    assert not [name for tag in tags for name in left(docker_client, tag)]
    published = set(re.findall(r"--dport (\d+)", ran.stdout + out))
    assert len(published) == 2
    assert not [rule for rule in rules() if re.search(rf"--dport ({'|'.join(published)})\b", rule)]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_run_leaves_nothing(
    number: signal.Signals, code: int, docker_client: docker.DockerClient
) -> None:
    """Ended in the middle, with containers starting: the exit code says so, no traceback, and all is removed."""
    argv = [sys.executable, "-u", "-m", "proxyctl", "lab", "run", "clip2", "--lang", "en"]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        with contextlib.suppress(StopIteration):
            seen = next(match for line in process.stdout if (match := re.search(r"lab-([0-9a-f]{4})-", line)))
        # the first step has ended, the next ones are starting containers
        assert left(docker_client, seen[1])
        os.killpg(process.pid, number)  # as a terminal does: to all processes of the command line
        process.stdout.read()
        errors = process.stderr.read()
        assert process.wait(30) == code, errors
    assert "Traceback" not in errors
    assert left(docker_client, seen[1]) == []


def broken(at: At) -> None:
    """A statement that is false."""
    at.equal("eth0", at.out[0], "eth7")


def unreadable(at: At) -> None:
    """A check that meets another output than it reads."""
    at.note(at.out[0].splitlines()[5])


def step(id_: str, *commands: object, **kwargs: object) -> Step:
    """A step without texts of its own."""
    return Step(id=id_, goal=ANY, why=ANY, commands=commands, **kwargs)  # type: ignore[arg-type]


START = "docker run -d {label} --name {box} proxyctl/haproxy sleep 1h"
NEVER = Need("nothing", lambda: False, Text(ko="여기에 없습니다", en="not here"))


def lab_of(*steps: Step) -> Lab:
    """A lab with one container."""
    return Lab("clip0", ANY, ANY, ("box",), {"proxyctl/haproxy": ANY}, steps)


FALSE = lab_of(
    step("start", START),
    step("false", "docker exec {box} ls /sys/class/net", check=broken),
    step("unreadable", "docker exec {box} hostname", check=unreadable),
    step("error", "docker exec {box} nonsense"),
    step("no-error", fails("docker exec {box} true")),
    step("not-found", "kill {pid}"),
    step("absent", "nonsense", needs=(NEVER,)),
    step("true", "docker exec {box} ls /sys/class/net"),
)


def test_a_false_statement_fails_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], docker_client: docker.DockerClient
) -> None:
    """Exit 99; each kind of failure has its reason with what was seen, skipped is no failure, nothing is left."""
    monkeypatch.setattr(catalog, "LABS", (FALSE,))
    assert run(["lab", "run", "clip0", "--json", "--lang", "en"]) == 99
    (told,) = json.loads(capsys.readouterr().out)["labs"]
    status = {step["id"]: step["status"] for step in told["steps"]}
    reason = {step["id"]: step["reason"] for step in told["steps"]}
    assert [id_ for id_, how in status.items() if how == "ok"] == ["start", "true"]
    assert [id_ for id_, how in status.items() if how == "skipped"] == ["absent"]
    assert reason["false"] == "eth0 is 'eth0\\nlo', not 'eth7'"
    assert "IndexError" in reason["unreadable"]
    assert "ended with exit code 12" in reason["error"]
    assert reason["no-error"].startswith("should fail and did not: docker exec lab-")
    assert "pid" in reason["not-found"]
    assert reason["absent"] == "not here"
    (tag,) = set(re.findall(r"lab-([0-9a-f]{4})-", json.dumps(told)))
    assert left(docker_client, tag) == []


def test_after_a_vital_step_that_fails_the_rest_is_skipped_with_the_reason(docker_client: docker.DockerClient) -> None:
    """Not run at all: their commands do not show up."""
    heard: list[StepResult] = []
    lab = lab_of(step("start", "docker run --nonsense {label} --name {box}", vital=True), step("next", "true"))
    result = run_lab(lab, docker_client.api, lambda _, told: heard.append(told))
    assert [told.status for told in result.steps] == ["failed", "skipped"]
    assert heard == list(result.steps)
    assert result.steps[1].commands == ()
    assert result.steps[1].reason is not None


def undone(at: At) -> None:
    """Make what only the end of the run undoes, and then fail in a way that nobody foresaw."""
    at.folder("conf")
    background = at.background("sleep 300")
    at.note(str(background.process.pid))
    raise MemoryError


def test_an_error_in_a_check_is_raised_after_all_is_undone(docker_client: docker.DockerClient) -> None:
    """Background commands are ended and folders removed, as are containers."""
    run: list[At] = []

    def check(at: At) -> None:
        run.append(at)
        undone(at)

    with pytest.raises(MemoryError):
        run_lab(lab_of(step("start", START, check=check)), docker_client.api, lambda *_: None)
    (at,) = run
    assert not Path(at["conf"]).exists()
    assert not Path(f"/proc/{at.notes[0]}").exists()
    assert left(docker_client, at["tag"]) == []


@pytest.fixture
def kept(docker_client: docker.DockerClient) -> Iterator[str]:
    """The tag of a run with --keep, that has ended."""
    result = run_lab(lab_of(step("start", START)), docker_client.api, lambda *_: None, keep=True)
    yield result.tag
    cleaning.remove_run(docker_client.api, result.tag)


def test_clean_removes_what_ended_runs_left_and_leaves_a_running_one_alone(
    kept: str, docker_client: docker.DockerClient
) -> None:
    """By label and name; a run lives as long as its claim is held."""
    assert left(docker_client, kept) == [f"lab-{kept}-box"]
    with cleaning.claimed() as tag:
        docker_client.networks.create(f"lab-{tag}-net", labels={LABEL: "clip0"})
        ran = run_proxyctl("lab", "clean")
        assert (ran.returncode, ran.stderr) == (0, "")
        assert f"removed lab-{kept}-box\n" in ran.stdout
        assert f"left lab-{tag}-net: its lab is running\n" in ran.stdout
        assert left(docker_client, kept) == []
        assert left(docker_client, tag) == [f"lab-{tag}-net"]
    assert f"removed lab-{tag}-net" in run_proxyctl("lab", "clean").stdout
    eventually(lambda: not left(docker_client, tag), "the network's end")
