"""`proxyctl check`: send requests through a proxy and say who served them, how fast, and what was lost."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.live import Live

from proxyctl.cli import options
from proxyctl.cli.check import compare, files, flags, gateway, scenario
from proxyctl.cli.check.group import URL, Default, Group
from proxyctl.errors import ThresholdFailed

if TYPE_CHECKING:  # aiohttp takes 0.2 s to import, and the other verbs do not need it
    from proxyctl.check.measures.tally import Progress
    from proxyctl.check.plan import Plan
    from proxyctl.check.report import Report
    from proxyctl.check.verdicts.verdict import Verdict
    from proxyctl.cli.check.given import Wanted

app = typer.Typer(cls=Group)


@app.callback()
def group() -> None:
    """Prove the balance and the losses: count who served each request and what failed."""


@app.command(URL, cls=Default)
def check(
    urls: flags.Urls,
    requests: flags.Requests = None,
    duration: flags.Duration = None,
    concurrency: flags.Concurrency = 10,
    rate: flags.Rate = None,
    workers: flags.Workers = 1,
    share: flags.Share = None,
    method: flags.Method = None,
    header: flags.Header = None,
    data: flags.Data = None,
    host: flags.Host = None,
    timeout: flags.Timeout = "10s",
    no_keepalive: flags.NoKeepalive = False,
    http_version: flags.HttpVersion = "1.1",
    insecure: flags.Insecure = False,
    cacert: flags.Cacert = "",
    sni: flags.Sni = "",
    keys: flags.Keys = 0,
    key_by: flags.KeyBy = None,
    server_from: flags.ServerFrom = None,
    expect_weights: flags.ExpectWeights = None,
    expect_balance: flags.ExpectBalance = None,
    proxy_workers: flags.ProxyWorkers = None,
    check_headers: flags.CheckHeaders = False,
    expect: flags.Expect = None,
    network: options.Network = None,
    state: options.State = None,
    junit: flags.Junit = None,
    html: flags.Html = None,
    as_json: options.JsonOption = False,
) -> None:
    """Prove the balance and the losses: count who served each request and what failed.

    No request is ever sent twice. Statuses from 400 up are errors, and so is a connection that ends without
    an answer. Ctrl-C ends early, with a full report.
    """
    from proxyctl.cli.check import given

    wire = given.wire(timeout, no_keepalive, http_version, insecure, cacert, sni)
    request = given.request(method, header, data, host, server_from) | wire
    plan = given.plan(urls, request, given.pace(requests, duration, concurrency, rate), share, key_by, keys, workers)
    wanted = given.wanted(expect, expect_weights, expect_balance, proxy_workers, host, headers=check_headers)
    folder = None if server_from else gateway.state_folder(network, state)
    _carry_out(plan, wanted, folder, named=bool(network or state), as_json=as_json, junit=junit, html=html)


def _carry_out(
    plan: Plan,
    wanted: Wanted,
    folder: Path | None,
    *,
    named: bool,
    as_json: bool,
    junit: Path | None,
    html: Path | None,
) -> None:
    """Check and tell; raise ThresholdFailed. `folder` is the gateway's state folder, `named` by the user or found."""
    files.writable(**{"--junit": junit, "--html": html})
    token = gateway.token_for([request.url for request in plan.requests], folder, named=named)
    report = _judged(dataclasses.replace(plan, token=token), wanted, folder, live=not as_json)
    _show(report, as_json=as_json)
    files.write(report, junit=junit, html=html)
    if not report.ok:
        raise ThresholdFailed(_failed(report))


def _judged(plan: Plan, wanted: Wanted, folder: Path | None, *, live: bool) -> Report:
    """Return the report of a check, with what the gateway says of shares and events before and after it."""
    from proxyctl.check.expected import expected
    from proxyctl.check.judge import judge

    url = plan.requests[0].url
    before = gateway.status(folder)
    report, interrupted = _measure(plan, live=live)
    found = expected(wanted.asked, before, gateway.status(folder), url, wanted.host, report.requests)
    also = _headers(plan, asked_for=wanted.headers) if wanted.headers or (before and report.failed == 0) else []
    by_ring = gateway.by_ring(found)
    report = judge(report.with_events(gateway.events(folder)), found, wanted.thresholds, also, by_ring=by_ring)
    if interrupted:
        note = f"interrupted after {report.requests:,} requests: all of this is about them"
        report = dataclasses.replace(report, notes=(note, *report.notes))
    return report


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
        console = Console(emoji=False)
        if not (live and console.is_terminal):
            return await carry_out(plan, None, stop), stop.is_set()
        with Live(console=console, auto_refresh=False, transient=True) as display:

            def show(progress: Progress) -> None:
                display.update(view.live(progress, done(progress), ascii_only=_ascii(console)), refresh=True)

            return await carry_out(plan, show, stop), stop.is_set()

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(run())


def _headers(plan: Plan, *, asked_for: bool) -> list[Verdict]:
    """Judge the headers that servers receive; where they do not echo them, only a user who asked gets a verdict."""
    from proxyctl.check.headers import UNKNOWN, headers

    found = asyncio.run(headers(plan.requests[0]))
    return [found] if found else [UNKNOWN] if asked_for else []


def _show(report: Report, *, as_json: bool) -> None:
    from proxyctl.check.reports.document import to_json
    from proxyctl.cli.check import view

    if as_json:
        typer.echo(json.dumps(to_json(report), indent=1))
        return
    console = Console(emoji=False, highlight=False)
    console.print(view.final(report, ascii_only=_ascii(console)))


def _ascii(console: Console) -> bool:
    return not console.encoding.lower().startswith("utf")


def _failed(report: Report) -> str:
    from proxyctl.check.report import failed_line

    return failed_line(report)


app.command("compare")(compare.compare)
app.command("scenario")(scenario.scenario)
