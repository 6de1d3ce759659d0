"""`proxyctl check`: send requests through a proxy and say who served them, how fast, and what was lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.live import Live

from proxyctl import settings
from proxyctl.cli import options
from proxyctl.core import values, verdict
from proxyctl.edges import control
from proxyctl.errors import ThresholdFailed, UsageError

if TYPE_CHECKING:  # aiohttp takes 0.2 s to import, and the other verbs do not need it
    from proxyctl.verify import Report
    from proxyctl.verify.tally import Tally

T = TypeVar("T")


def _read(flag: str, parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except UsageError as exc:
        raise UsageError(f"{flag}: {exc}") from exc


def _seconds(text: str) -> float:
    kind = values.duration()
    try:
        return kind.parse(text) / 1000
    except ValueError as exc:
        raise UsageError(kind.refuse(text)) from exc


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise UsageError(f"{text!r} is not like 'Name: value'")
    return name.strip(), value.strip()


def _server_from(text: str) -> str:
    kind, _, name = text.partition(":")
    if kind != "header" or not name:
        raise UsageError(f"{text!r} is not like header:X-Served-By")
    return name


def _body(text: str) -> bytes:
    if not text.startswith("@"):
        return text.encode()
    try:
        return Path(text[1:]).read_bytes()
    except OSError as exc:
        raise UsageError(f"{text[1:]}: {exc.strerror}") from exc


def check(
    url: Annotated[str, typer.Argument(metavar="URL", help="What to ask, such as http://127.0.0.1:8080/.")],
    requests: Annotated[int | None, typer.Option("--requests", "-r", min=1, help="End after so many (1000).")] = None,
    duration: Annotated[
        str | None, typer.Option("--duration", "-d", metavar="TIME", help="End after it, such as 10s.")
    ] = None,
    concurrency: Annotated[int, typer.Option("--concurrency", "-c", min=1, max=1000, help="At a time.")] = 10,
    rate: Annotated[
        float | None, typer.Option(min=0.001, max=10_000, help="Per second, whatever the answers do.")
    ] = None,
    method: Annotated[str | None, typer.Option("--method", "-X", help="GET, or POST with --data.")] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", "-H", metavar="'NAME: VALUE'", help="Send it; repeatable.")
    ] = None,
    data: Annotated[str | None, typer.Option(metavar="TEXT|@FILE", help="Send it as the body.")] = None,
    host: Annotated[str | None, typer.Option(metavar="NAME", help="Ask for this host.")] = None,
    timeout: Annotated[str, typer.Option(metavar="TIME", help="Of one request.")] = "10s",
    no_keepalive: Annotated[bool, typer.Option("--no-keepalive", help="A new connection for each request.")] = False,
    insecure: Annotated[bool, typer.Option("--insecure", help="Take any TLS certificate.")] = False,
    server_from: Annotated[
        str | None, typer.Option(metavar="header:NAME", help="The answer's header that names the server.")
    ] = None,
    expect_weights: Annotated[
        str | None, typer.Option(metavar="web1=3,web2=1", help="Who should serve how much (as `watch` says).")
    ] = None,
    expect: Annotated[
        list[str] | None,
        typer.Option(metavar="'p99<50ms'", help="Fail with 99 unless so; repeatable (errors==0, balance.p>1e-4)."),
    ] = None,
    network: options.Network = None,
    state: options.State = None,
    as_json: options.JsonOption = False,
) -> None:
    """Prove the balance and the losses: count who served each request and what failed.

    No request is ever sent twice. Statuses from 400 up are errors, and so is a connection that ends without
    an answer. Ctrl-C ends early, with a full report.
    """
    from proxyctl.edges.load.request import RequestOptions
    from proxyctl.verify.expected import Expected, from_status

    headers = [_read("--header", _header, text) for text in header or ()]
    request: RequestOptions = {
        "method": method or ("GET" if data is None else "POST"),
        "headers": (*headers, *([("Host", host)] if host else [])),
        "body": _read("--data", _body, data or ""),
        "timeout": _read("--timeout", _seconds, timeout),
        "keepalive": not no_keepalive,
        "verify_tls": not insecure,
    }
    thresholds = [_read("--expect", verdict.parse_threshold, text) for text in expect or ()]
    weights = _read("--expect-weights", verdict.parse_weights, expect_weights) if expect_weights else None
    seconds = _read("--duration", _seconds, duration) if duration else None
    folder = None
    if server_from:
        request["server_header"] = _read("--server-from", _server_from, server_from)
    else:
        folder = _state(network, state)
    token = _token(folder)
    before = _status(folder)
    plan = {"requests": requests, "duration": seconds, "concurrency": concurrency, "rate": rate, "token": token}
    report = _measure(url, {**plan, **request}, live=not as_json)
    expected = Expected(weights, "--expect-weights") if weights else from_status(before, url, host)
    if not weights and expected != from_status(_status(folder), url, host):
        expected = Expected(None, "the pool changed during the check")
    report = report.judged(expected, thresholds)
    _show(report, as_json=as_json)
    if not report.ok:
        raise ThresholdFailed(_failed(report))


def _state(network: str | None, state: Path | None) -> Path | None:
    """Return the state folder of the gateway that is meant; without a word of it, the only one there is."""
    if state:
        return state
    try:
        return settings.load({"network": network}).state
    except UsageError:
        if network:
            raise
    parent = settings.default_state("any").parent
    with contextlib.suppress(OSError):
        folders = [folder for folder in parent.iterdir() if (folder / control.SOCKET).exists()]
        return folders[0] if len(folders) == 1 else None
    return None


def _token(folder: Path | None) -> str | None:
    if folder is None:
        return os.environ.get("PROXYCTL_CHECK_TOKEN")
    return settings.check_token(folder.name, {**os.environ, "PROXYCTL_STATE": str(folder)})


def _status(folder: Path | None) -> Mapping[str, Any] | None:
    return control.status(folder) if folder else None


def _measure(url: str, plan: Mapping[str, Any], *, live: bool) -> Report:
    from proxyctl import verify
    from proxyctl.cli import check_view
    from proxyctl.edges.load.loop import new_event_loop

    requests, duration = plan["requests"], plan["duration"]
    if requests is None and duration is None:
        requests = verify.DEFAULT_REQUESTS

    def done(tally: Tally) -> float:
        parts = (tally.requests / requests if requests else 0.0, tally.seconds / duration if duration else 0.0)
        return min(1.0, max(parts))

    async def run() -> Report:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
        console = Console()
        if not (live and console.is_terminal):
            return await verify.run(url, stop=stop, **plan)
        with Live(console=console, auto_refresh=False, transient=True) as display:

            def show(tally: Tally) -> None:
                display.update(check_view.live(tally, done(tally), ascii_only=_ascii(console)), refresh=True)

            return await verify.run(url, stop=stop, on_progress=show, **plan)

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(run())


def _show(report: Report, *, as_json: bool) -> None:
    from proxyctl.cli import check_view

    if as_json:
        typer.echo(json.dumps(report.to_json(), indent=1))
        return
    console = Console(highlight=False)
    console.print(check_view.final(report, ascii_only=_ascii(console)))


def _ascii(console: Console) -> bool:
    return not console.encoding.lower().startswith("utf")


def _failed(report: Report) -> str:
    from proxyctl.verify.report import failed_line

    return failed_line(report)
