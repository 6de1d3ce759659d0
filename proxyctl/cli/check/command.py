"""`proxyctl check`: send requests through a proxy and say who served them, how fast, and what was lost."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.live import Live

from proxyctl.check.verdicts.threshold import parse_threshold
from proxyctl.check.verdicts.verdict import parse_weights
from proxyctl.cli import options
from proxyctl.cli.check import compare, files, gateway, parse, scenario
from proxyctl.cli.check.group import URL, Default, Group
from proxyctl.errors import ThresholdFailed, UsageError

if TYPE_CHECKING:  # aiohttp takes 0.2 s to import, and the other verbs do not need it
    from proxyctl.check.measures.tally import Progress
    from proxyctl.check.plan import Plan
    from proxyctl.check.report import Report
    from proxyctl.check.verdicts.verdict import Verdict

app = typer.Typer(cls=Group)


@app.callback()
def group() -> None:
    """Prove the balance and the losses: count who served each request and what failed."""


@app.command(URL, cls=Default)
def check(
    urls: Annotated[list[str], typer.Argument(metavar="URL", help="What to ask, such as http://127.0.0.1:8080/.")],
    requests: Annotated[int | None, typer.Option("--requests", "-r", min=1, help="End after so many (1000).")] = None,
    duration: Annotated[
        str | None, typer.Option("--duration", "-d", metavar="TIME", help="End after it, such as 10s.")
    ] = None,
    concurrency: Annotated[int, typer.Option("--concurrency", "-c", min=1, max=1000, help="At a time.")] = 10,
    rate: Annotated[
        float | None, typer.Option(min=0.001, max=50_000, help="Per second, whatever the answers do.")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, max=64, help="Processes that send; 0 is one for each processor.")] = 1,
    share: Annotated[
        str | None, typer.Option(metavar="3,1", help="How often each URL is asked; equally often without.")
    ] = None,
    method: Annotated[str | None, typer.Option("--method", "-X", help="GET, or POST with --data.")] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", "-H", metavar="'NAME: VALUE'", help="Send it; repeatable.")
    ] = None,
    data: Annotated[str | None, typer.Option(metavar="TEXT|@FILE", help="Send it as the body.")] = None,
    host: Annotated[str | None, typer.Option(metavar="NAME", help="Ask for this host.")] = None,
    timeout: Annotated[str, typer.Option(metavar="TIME", help="Of one request.")] = "10s",
    no_keepalive: Annotated[bool, typer.Option("--no-keepalive", help="A new connection for each request.")] = False,
    http_version: Annotated[str, typer.Option(metavar="1.1|1.0", help="HTTP/2 is not spoken.")] = "1.1",
    insecure: Annotated[bool, typer.Option("--insecure", "-k", help="Take any TLS certificate.")] = False,
    cacert: Annotated[str, typer.Option(metavar="FILE", help="Trust these certificates (PEM).")] = "",
    sni: Annotated[str, typer.Option(metavar="NAME", help="Ask TLS for this name instead of the URL's.")] = "",
    keys: Annotated[int, typer.Option(min=0, max=50_000, help="Play so many clients, for source, uri and sticky.")] = 0,
    key_by: Annotated[
        str | None, typer.Option(metavar="uri|cookie|source|header:NAME", help="What each client varies (uri).")
    ] = None,
    server_from: Annotated[
        str | None,
        typer.Option(metavar="header:NAME|body:REGEX|json:/PATH", help="Where the answer names its server."),
    ] = None,
    expect_weights: Annotated[
        str | None, typer.Option(metavar="web1=3,web2=1", help="Who should serve how much (as `watch` says).")
    ] = None,
    expect_balance: Annotated[
        str | None, typer.Option(metavar="roundrobin|leastconn|...", help="By which algorithm (as `watch` says).")
    ] = None,
    proxy_workers: Annotated[
        int | None, typer.Option(min=1, help="Round robin is exact: so many processes of the proxy count alone.")
    ] = None,
    check_headers: Annotated[
        bool, typer.Option("--check-headers", help="Judge X-Forwarded-*; needs servers such as `proxyctl echo`.")
    ] = False,
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
    from proxyctl.check.expected import BALANCES, Asked, expected
    from proxyctl.check.judge import judge
    from proxyctl.check.load.request import Pace, Request, RequestOptions
    from proxyctl.check.load.served import parse_server_from
    from proxyctl.check.load.shots import parse_key_by
    from proxyctl.check.plan import Plan
    from proxyctl.check.run import DEFAULT_REQUESTS

    files.writable(**{"--junit": junit, "--html": html})
    headers = [parse.read("--header", parse.header, text) for text in header or ()]
    request: RequestOptions = {
        "method": method or ("GET" if data is None else "POST"),
        "headers": (*headers, *([("Host", host)] if host else [])),
        "body": parse.read("--data", parse.body, data or ""),
        "timeout": parse.read("--timeout", parse.seconds, timeout),
        "keepalive": not no_keepalive,
        "http_version": http_version,
        "verify_tls": not insecure,
        "cacert": cacert,
        "sni": sni,
    }
    thresholds = [parse.read("--expect", parse_threshold, text) for text in expect or ()]
    weights = parse.read("--expect-weights", parse_weights, expect_weights) if expect_weights else None
    if expect_balance and expect_balance not in BALANCES:
        raise UsageError(f"--expect-balance: {expect_balance!r} is none of {', '.join(BALANCES)}")
    asked = Asked(weights, expect_balance, proxy_workers)
    seconds = parse.read("--duration", parse.seconds, duration) if duration else None
    folder = None
    if server_from:
        request["server_from"] = parse.read("--server-from", parse_server_from, server_from)
    else:
        folder = gateway.state_folder(network, state)
    if requests is None and seconds is None:
        requests = DEFAULT_REQUESTS
    plan = Plan(
        tuple(Request(url, **request) for url in urls),
        Pace(requests, seconds, concurrency, rate),
        parse.read("--share", parse.shares, share) if share else (),
        parse.read("--key-by", parse_key_by, key_by or "uri") if keys or key_by else None,
        keys,
        workers or os.cpu_count() or 1,
        gateway.token_for(urls, folder, named=bool(network or state)),
    )
    before = gateway.status(folder)
    report, interrupted = _measure(plan, live=not as_json)
    found = expected(asked, before, gateway.status(folder), urls[0], host, report.requests)
    also = _headers(plan, asked_for=check_headers) if check_headers or (before and report.failed == 0) else []
    report = judge(report.with_events(gateway.events(folder)), found, thresholds, also)
    if interrupted:
        note = f"interrupted after {report.requests:,} requests: all of this is about them"
        report = dataclasses.replace(report, notes=(note, *report.notes))
    _show(report, as_json=as_json)
    files.write(report, junit=junit, html=html)
    if not report.ok:
        raise ThresholdFailed(_failed(report))


def _measure(plan: Plan, *, live: bool) -> tuple[Report, bool]:
    """Send the load; return what was counted, and whether Ctrl-C ended it early."""
    from proxyctl.check.load.loop import new_event_loop
    from proxyctl.check.run import carry_out
    from proxyctl.cli.check import view

    requests, duration = plan.pace.requests, plan.pace.duration

    def done(progress: Progress) -> float:
        parts = (progress.requests / requests if requests else 0.0, progress.seconds / duration if duration else 0.0)
        return min(1.0, max(parts))

    async def run() -> tuple[Report, bool]:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
        console = Console()
        if not (live and console.is_terminal):
            return await carry_out(plan, None, stop), stop.is_set()
        with Live(console=console, auto_refresh=False, transient=True) as display:

            def show(progress: Progress) -> None:
                display.update(view.live(progress, done(progress), ascii_only=_ascii(console)), refresh=True)

            return await carry_out(plan, show, stop), stop.is_set()

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(run())


def _headers(plan: Plan, *, asked_for: bool) -> list[Verdict]:
    """Judge the headers that servers receive; where they do not echo them, only who asked is told."""
    from proxyctl.check.headers import UNKNOWN, headers

    found = asyncio.run(headers(plan.requests[0]))
    return [found] if found else [UNKNOWN] if asked_for else []


def _show(report: Report, *, as_json: bool) -> None:
    from proxyctl.check.reports.document import to_json
    from proxyctl.cli.check import view

    if as_json:
        typer.echo(json.dumps(to_json(report), indent=1))
        return
    console = Console(highlight=False)
    console.print(view.final(report, ascii_only=_ascii(console)))


def _ascii(console: Console) -> bool:
    return not console.encoding.lower().startswith("utf")


def _failed(report: Report) -> str:
    from proxyctl.check.report import failed_line

    return failed_line(report)


app.command("compare")(compare.compare)
app.command("scenario")(scenario.scenario)
