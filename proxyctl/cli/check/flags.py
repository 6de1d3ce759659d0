"""What `check` and `check scenario` can be given on the command line: one alias for each argument and option.

`given` makes values of them. Options that other verbs have too are in `proxyctl.cli.options`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from proxyctl.cli.options import path

# ------------------------------------------------------------------ check

Urls = Annotated[list[str], typer.Argument(metavar="URL", help="What to ask, such as http://127.0.0.1:8080/.")]
Requests = Annotated[int | None, typer.Option("--requests", "-r", min=1, help="End after so many (1000).")]
Duration = Annotated[str | None, typer.Option("--duration", "-d", metavar="TIME", help="End after it, such as 10s.")]
Concurrency = Annotated[int, typer.Option("--concurrency", "-c", min=1, max=1000, help="At a time.")]
Rate = Annotated[float | None, typer.Option(min=0.001, max=50_000, help="Per second, whatever the answers do.")]
Workers = Annotated[int, typer.Option(min=0, max=64, help="Processes that send; 0 is one for each processor.")]
Share = Annotated[str | None, typer.Option(metavar="3,1", help="How often each URL is asked; equally often without.")]
Method = Annotated[str | None, typer.Option("--method", "-X", help="GET, or POST with --data.")]
Header = Annotated[
    list[str] | None, typer.Option("--header", "-H", metavar="'NAME: VALUE'", help="Send it; repeatable.")
]
Data = Annotated[str | None, typer.Option(metavar="TEXT|@FILE", help="Send it as the body.")]
Host = Annotated[str | None, typer.Option(metavar="NAME", help="Ask for this host.")]
Timeout = Annotated[str, typer.Option(metavar="TIME", help="Of one request.")]
NoKeepalive = Annotated[bool, typer.Option("--no-keepalive", help="A new connection for each request.")]
HttpVersion = Annotated[str, typer.Option(metavar="1.1|1.0", help="HTTP/2 is not spoken.")]
Insecure = Annotated[bool, typer.Option("--insecure", "-k", help="Take any TLS certificate.")]
Cacert = Annotated[str, typer.Option(metavar="FILE", help="Trust these certificates (PEM).")]
Sni = Annotated[str, typer.Option(metavar="NAME", help="Ask TLS for this name instead of the URL's.")]
Keys = Annotated[int, typer.Option(min=0, max=50_000, help="Play so many clients, for source, uri and sticky.")]
KeyBy = Annotated[
    str | None, typer.Option(metavar="uri|cookie|source|header:NAME", help="What each client varies (uri).")
]
ServerFrom = Annotated[
    str | None,
    typer.Option(metavar="header:NAME|body:REGEX|json:/PATH", help="Where the answer names its server."),
]
ExpectWeights = Annotated[
    str | None, typer.Option(metavar="web1=3,web2=1", help="Who should serve how much (as `watch` says).")
]
ExpectBalance = Annotated[
    str | None, typer.Option(metavar="roundrobin|leastconn|...", help="By which algorithm (as `watch` says).")
]
ProxyWorkers = Annotated[
    int | None, typer.Option(min=1, help="Round robin is exact: so many processes of the proxy count alone.")
]
CheckHeaders = Annotated[
    bool, typer.Option("--check-headers", help="Judge X-Forwarded-*; needs servers such as `proxyctl echo`.")
]
Expect = Annotated[
    list[str] | None,
    typer.Option(metavar="'p99<50ms'", help="Fail with 99 unless so; repeatable (errors==0, balance.p>1e-4)."),
]
Junit = Annotated[Path | None, typer.Option(metavar="FILE", parser=path, help="Write the verdicts for CI, as JUnit.")]
Html = Annotated[Path | None, typer.Option(metavar="FILE", parser=path, help="Write the report as one page.")]

# ------------------------------------------------------------------ check scenario

Names = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME...",
        help="join, leave, kill, pause, scale, reload, failover, consistent, sticky, weights, rollout, or all.",
    ),
]
Pool = Annotated[str | None, typer.Option("--pool", help="The pool that it happens to.")]
Ephemeral = Annotated[bool, typer.Option("--ephemeral", help="On throw-away containers of a pool of their own.")]
Image = Annotated[str, typer.Option("--image", help="Of the throw-away containers.")]
Label = Annotated[
    list[str] | None,
    typer.Option("--label", metavar="KEY=VALUE", help="Of the throw-away containers, balance=uri; repeatable."),
]
BelowRoute = Annotated[
    str, typer.Option(metavar="/PATH", help="What to ask for (the route's path); {key} varies for balance=uri.")
]
Within = Annotated[str, typer.Option(metavar="TIME", help="How long to wait for each thing.")]
ScenarioRate = Annotated[float, typer.Option("--rate", min=1, max=2000, help="Requests a second meanwhile.")]
ScenarioJunit = Annotated[
    Path | None, typer.Option("--junit", metavar="FILE", parser=path, help="Also write a JUnit file.")
]
