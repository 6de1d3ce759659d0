"""`proxyctl check`: send requests through a proxy and say who served them, how fast, and what was lost."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.live import Live

from proxyctl.cli import check_compare, check_files, check_group, options
from proxyctl.cli import check_gateway as gateway
from proxyctl.cli import check_parse as parse
from proxyctl.core import verdict
from proxyctl.errors import ThresholdFailed

if TYPE_CHECKING:  # aiohttp takes 0.2 s to import, and the other verbs do not need it
    from proxyctl.verify import Report
    from proxyctl.verify.tally import Tally

app = typer.Typer(cls=check_group.Group)


@app.callback()
def group() -> None:
    """Prove the balance and the losses: count who served each request and what failed."""


@app.command(check_group.URL, cls=check_group.Default)
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
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the verdicts for CI, as JUnit.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report as one page.")] = None,
    as_json: options.JsonOption = False,
) -> None:
    """Prove the balance and the losses: count who served each request and what failed.

    No request is ever sent twice. Statuses from 400 up are errors, and so is a connection that ends without
    an answer. Ctrl-C ends early, with a full report.
    """
    from proxyctl.edges.load.request import RequestOptions
    from proxyctl.verify.expected import Expected, from_status
    from proxyctl.verify.judge import judge

    check_files.writable(**{"--junit": junit, "--html": html})
    headers = [parse.read("--header", parse.header, text) for text in header or ()]
    request: RequestOptions = {
        "method": method or ("GET" if data is None else "POST"),
        "headers": (*headers, *([("Host", host)] if host else [])),
        "body": parse.read("--data", parse.body, data or ""),
        "timeout": parse.read("--timeout", parse.seconds, timeout),
        "keepalive": not no_keepalive,
        "verify_tls": not insecure,
    }
    thresholds = [parse.read("--expect", verdict.parse_threshold, text) for text in expect or ()]
    weights = parse.read("--expect-weights", verdict.parse_weights, expect_weights) if expect_weights else None
    seconds = parse.read("--duration", parse.seconds, duration) if duration else None
    folder = None
    if server_from:
        request["server_header"] = parse.read("--server-from", parse.server_from, server_from)
    else:
        folder = gateway.state_folder(network, state)
    token = gateway.token(folder)
    before = gateway.status(folder)
    plan = {"requests": requests, "duration": seconds, "concurrency": concurrency, "rate": rate, "token": token}
    report = _measure(url, {**plan, **request}, live=not as_json)
    expected = Expected(weights, "--expect-weights") if weights else from_status(before, url, host)
    if not weights and expected != from_status(gateway.status(folder), url, host):
        expected = Expected(None, "the pool changed during the check")
    report = judge(report.with_events(gateway.events(folder)), expected, thresholds)
    _show(report, as_json=as_json)
    check_files.write(report, junit=junit, html=html)
    if not report.ok:
        raise ThresholdFailed(_failed(report))


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
    from proxyctl.verify.document import to_json

    if as_json:
        typer.echo(json.dumps(to_json(report), indent=1))
        return
    console = Console(highlight=False)
    console.print(check_view.final(report, ascii_only=_ascii(console)))


def _ascii(console: Console) -> bool:
    return not console.encoding.lower().startswith("utf")


def _failed(report: Report) -> str:
    from proxyctl.verify.report import failed_line

    return failed_line(report)


app.command("compare")(check_compare.compare)
