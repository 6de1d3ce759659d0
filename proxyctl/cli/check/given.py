"""What the options of `check` mean, as the values that a check takes; a bad one is a UsageError that names the flag."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence

from proxyctl.check.expected import BALANCES, Asked
from proxyctl.check.load.request import Pace, Request, RequestOptions
from proxyctl.check.load.served import parse_server_from
from proxyctl.check.load.shots import parse_key_by
from proxyctl.check.plan import Plan
from proxyctl.check.run import DEFAULT_REQUESTS
from proxyctl.check.verdicts.threshold import Threshold, parse_threshold
from proxyctl.check.verdicts.verdict import parse_weights
from proxyctl.cli.check import parse
from proxyctl.errors import UsageError


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What a check is judged by: thresholds, and what the user says about the proxy.

    `host` is the Host that is asked for. `headers` asks for a verdict on forwarded headers, also where the servers
    do not tell what they received.
    """

    thresholds: tuple[Threshold, ...]
    asked: Asked
    host: str | None
    headers: bool


def wire(timeout: str, no_keepalive: bool, http_version: str, insecure: bool, cacert: str, sni: str) -> RequestOptions:
    """Return how a request travels: its time-out, the connection, the version of HTTP, and TLS."""
    return {
        "timeout": parse.read("--timeout", parse.seconds, timeout),
        "keepalive": not no_keepalive,
        "http_version": http_version,
        "verify_tls": not insecure,
        "cacert": cacert,
        "sni": sni,
    }


def request(
    method: str | None, header: Sequence[str] | None, data: str | None, host: str | None, server_from: str | None
) -> RequestOptions:
    """Return what a request says, and where its answer names the server."""
    headers = [parse.read("--header", parse.header, text) for text in header or ()]
    found: RequestOptions = {
        "method": method if method is not None else "GET" if data is None else "POST",
        "headers": (*headers, *([("Host", host)] if host else [])),
        "body": parse.read("--data", parse.body, data or ""),
    }
    if server_from is not None:
        found["server_from"] = parse.read("--server-from", parse_server_from, server_from)
    return found


def pace(requests: int | None, duration: str | None, concurrency: int, rate: float | None) -> Pace:
    """Return how much is sent, and how fast: 1,000 requests where the options name no end."""
    seconds = parse.read("--duration", parse.seconds, duration) if duration is not None else None
    if requests is None and seconds is None:
        requests = DEFAULT_REQUESTS
    return Pace(requests, seconds, concurrency, rate)


def plan(
    urls: Sequence[str],
    options: RequestOptions,
    pace: Pace,
    share: str | None,
    key_by: str | None,
    keys: int,
    workers: int,
) -> Plan:
    """Return the plan of a check, without the token."""
    return Plan(
        tuple(Request(url, **options) for url in urls),
        pace,
        parse.read("--share", parse.shares, share) if share is not None else (),
        parse.read("--key-by", parse_key_by, "uri" if key_by is None else key_by)
        if keys or key_by is not None
        else None,
        keys,
        workers or os.cpu_count() or 1,
    )


def wanted(
    expect: Sequence[str] | None,
    weights: str | None,
    balance: str | None,
    proxy_workers: int | None,
    host: str | None,
    *,
    headers: bool,
) -> Wanted:
    """Return what a check is judged by."""
    thresholds = tuple(parse.read("--expect", parse_threshold, text) for text in expect or ())
    by_name = parse.read("--expect-weights", parse_weights, weights) if weights is not None else None
    if balance is not None and balance not in BALANCES:
        raise UsageError(f"--expect-balance: {balance!r} is none of {', '.join(BALANCES)}")
    return Wanted(thresholds, Asked(by_name, balance, proxy_workers), host, headers)
