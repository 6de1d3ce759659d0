"""Runs a lab: the commands of each step, then its check. However the lab ends, everything that it made is removed."""

from __future__ import annotations

import contextlib
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from proxyctl.errors import ProxyctlError
from proxyctl.labs import cleaning
from proxyctl.labs.at import At, Differs, Skip
from proxyctl.labs.command import as_command
from proxyctl.labs.report import LabResult, Status, StepResult
from proxyctl.labs.scene import Scene
from proxyctl.labs.shell import Shell
from proxyctl.labs.step import Lab, Step, label
from proxyctl.labs.texts import Said, Text
from proxyctl.labs.topology import Watcher
from proxyctl.providers.docker.client import Client, DockerError, NotFound, explain, translated

OnStep = Callable[[int, StepResult], None]

_AFTER_VITAL = Text(
    ko="앞의 필수 단계가 실패하여 실행하지 않았습니다", en="not run, because a step that it builds on failed"
)
_NOT_THERE = (LookupError, ValueError, OSError, ProxyctlError, DockerError)


def prepare(lab: Lab, client: Client) -> None:
    """Raise ProxyctlError, in one line, when this lab cannot run here at all."""
    if shutil.which("docker") is None:
        raise ProxyctlError("the labs run the docker command as you would: apt-get install docker.io")
    for image in lab.images:
        try:
            with translated(f"image {image}"):
                client.inspect_image(image)  # type: ignore[no-untyped-call]
        except NotFound:
            raise ProxyctlError(
                f"{lab.id} needs the image {image}, which is not here: `make setup` in a checkout builds it"
            ) from None


def run_lab(lab: Lab, client: Client, on_step: OnStep, *, keep: bool = False) -> LabResult:
    """Run one lab; `on_step` hears of each step as it ends. Must run in the main thread, for the signals."""
    prepare(lab, client)
    began = time.monotonic()
    with _ended_by_signals() as calm, cleaning.claimed() as tag:
        names = {name: f"lab-{tag}-{name}" for name in lab.names} | {"label": label(lab), "tag": tag}
        watcher = Watcher(client, f"lab-{tag}-")
        scene = Scene(client, tag, names, Shell(), contextlib.ExitStack(), keep)
        try:
            results = tuple(_steps(lab, scene, watcher, on_step))
        finally:
            calm()
            _end_run(scene)
    return LabResult(lab, tag, results, time.monotonic() - began, watcher.seen, _engine(client))


def _engine(client: Client) -> str:
    """Return the engine and the kernel: `Docker 20.10.24, Linux 6.1`."""
    version = client.version()
    kernel = ".".join(version.get("KernelVersion", "").split(".")[:2])
    return f"Docker {version['Version'].partition('+')[0]}, Linux {kernel}"


def _end_run(scene: Scene) -> None:
    """Undo and remove everything; the first error is raised when all of it was tried."""
    with contextlib.ExitStack() as ending:
        if not scene.keep:
            ending.callback(cleaning.remove_run, scene.client, scene.tag)
        ending.callback(scene.shell.close)
        ending.push(scene.undo)
        scene.shell.settle()


def _steps(lab: Lab, scene: Scene, watcher: Watcher, on_step: OnStep) -> Iterator[StepResult]:
    broken = False
    for number, step in enumerate(lab.steps, 1):
        result = StepResult(step, "skipped", (), (), _AFTER_VITAL, 0.0) if broken else _step(step, scene)
        broken = broken or (step.vital and result.status == "failed")
        with translated("looking at the lab's containers"):
            watcher.look()
        on_step(number, result)
        yield result


def _step(step: Step, scene: Scene) -> StepResult:
    began = time.monotonic()
    at = At(scene)
    status, reason = _judged(step, at)
    observed: tuple[Said, ...] = tuple(at.notes) or tuple(out for out in at.out if out)
    return StepResult(step, status, tuple(ran.text for ran in at.ran), observed, reason, time.monotonic() - began)


def _judged(step: Step, at: At) -> tuple[Status, Text | None]:
    for need in step.needs:
        if not need.met():
            return "skipped", need.reason
    try:
        step.find(at)
        if step.at_once:
            at.beside(*step.commands)
        else:
            for command in step.commands:
                at.beside(as_command(command))
        step.check(at)
    except Skip as exc:
        return "skipped", exc.reason
    except Differs as exc:
        return "failed", exc.reason
    except _NOT_THERE as exc:  # what was observed has another form than the check reads
        text = explain(exc) if isinstance(exc, DockerError) else f"{type(exc).__name__}: {exc}"
        return "failed", Text(
            ko=f"관찰 결과를 읽을 수 없습니다: {text}", en=f"could not read what was observed: {text}"
        )
    return "ok", None


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[Callable[[], None]]:
    """Turn SIGTERM and SIGHUP into an exception as Ctrl-C is one; give a function that makes further ones harmless."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    ending = (signal.SIGTERM, signal.SIGHUP)
    before: dict[signal.Signals, Any] = {number: signal.getsignal(number) for number in (signal.SIGINT, *ending)}
    for number in ending:
        signal.signal(number, _end)

    def calm() -> None:
        for number in before:
            signal.signal(number, signal.SIG_IGN)

    try:
        yield calm
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)
