"""`python -m bench`: joins and leaves on each engine, slow servers, a burst of a hundred, then the throughput of both.

Prints one table and draws two plots.

One run at a time on one engine: it begins by removing what an earlier one left.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import signal
import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import docker
import docker.errors

from bench import burst, crashes, joins, machine, plot, rig, slow, table, throughput, versions

HERE = Path(__file__).parent
RESULTS = HERE / "results"
RECORD = HERE / "RESULTS.md"
NAMES = {"haproxy": "HAProxy", "nginx": "nginx"}
PARTS = ("joins", "slow", "crashes", "burst", "throughput")
_INTERRUPTED = 130

AROUND = """\
# Figures

A run of `make bench` (`.venv/bin/python -m bench --record` also writes this file): real containers, both engines.
Proxies, servers, clients and the Docker engine share this one machine, so look at ratios and orders of magnitude, and
at the load average: it is other work that was going on.

```text
{table}
```

![The steps of a join](joins.svg)

![Processes during the burst](burst.svg)

- **join**: from Docker's own time of the `start` event to the first answer through the gateway that names the new
  server. The pool has three servers already and is asked all the time, each request on a new connection. The server
  is nginx with a few lines of configuration; a connection straight to it tells when it listened.
- **leave**: from Docker's own time of the `kill` event to the last answer by that server. It ignores the signal, so
  this is the drain and not its end.
- **steps**: as `watch --verbose` logs them, one after the other without a gap. *event* is until proxyctl has it,
  *probe* until the server takes a connection, *apply* until the proxy uses it, *confirm* until that is proven and on
  disk. HAProxy is changed and proven at run time first, then the file for the next start is written and checked.
  nginx checks, then reloads; its *answers* ends with the first answer of the new configuration, *retires* when the
  old workers accept nothing more. Its master starts new workers, sleeps for 100 ms and only then tells the old ones:
  until then both take connections, so first requests come before *apply* ends.
- **slow**: servers that sleep before they listen, one each second. *waiting* is the processor time of `watch` while 200
  ports of ten containers refuse every connection; *idle* the same without them. *crashing* are the reloads of 30 s in
  which a server ends 0.3 s after each start, started again by Docker's `always`, or at once by a script. With `--before
  REF` the proxyctl of that commit is measured on the same gateway.
- **burst**: a hundred servers, made before, started through the API eight at a time. What counts is how long after
  the last of their start events each was seen to serve. *processes* are the proxy's, counted every 50 ms.
- **throughput**: the ratio is to the direct one of the same turn, median (least to most). The server is one nginx
  worker, a gateway has three of them and as many workers or threads of its own as there are processors. All is asked
  at bridge addresses: published ports cost about half, whatever stands behind them.
- Nothing here passes or fails. The p99 of fifty is the largest. All modules of this folder say how they measure.
"""


def main() -> int:
    """Measure, print, and keep the figures in `results/latest.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--record", action="store_true", help=f"also write the table to bench/{RECORD.name}, and the plots"
    )
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part (repeatable; default: all)")
    parser.add_argument("--engine", choices=NAMES, action="append", help="on this engine (repeatable; default: both)")
    parser.add_argument(
        "--before", metavar="REF", help="measure slow and crashing servers also with the proxyctl of this commit"
    )
    args = parser.parse_args()
    parts, engines = args.only or PARTS, args.engine or tuple(NAMES)
    if args.record and len({*parts, *engines}) < len(PARTS) + len(NAMES):
        parser.error("--record writes what a whole run measured: leave out --only and --engine")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    client = docker.from_env()
    for image in rig.IMAGES.values():
        try:
            client.images.get(image)
        except docker.errors.ImageNotFound:
            sys.exit(f"the image {image} is missing: run `make setup`")
    try:
        with versions.checkout(args.before) as measured:
            results = run(client, parts, engines, measured)
    except rig.Stuck as exc:
        sys.exit(f"\n{exc}")
    except KeyboardInterrupt:
        print("\ninterrupted; nothing is left behind", file=sys.stderr)
        return _INTERRUPTED
    text = table.text(results)
    print(text)
    if "throughput" in parts and results.rates is None:
        print("\nthroughput: skipped, wrk is not installed (apt-get install wrk)")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps(results.to_json(), indent=1) + "\n")
    for name, drawing in plot.plots(results).items():
        for folder in (RESULTS, RECORD.parent) if args.record else (RESULTS,):
            (folder / name).write_text(drawing)
        print(f"drawn: bench/{RESULTS.name}/{name}")
    if args.record:
        RECORD.write_text(AROUND.format(table=text))
    return 0


def run(
    client: docker.DockerClient,
    parts: Collection[str],
    engines: Collection[str],
    measured: versions.Versions,
) -> table.Results:
    """Measure these parts on these engines, some in each of these versions; remove what it took, however it ends."""
    began, date = time.monotonic(), dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    before = machine.load()
    say("removing what an earlier run left")
    rig.remove(client)
    with contextlib.ExitStack() as stack:
        stack.callback(say, "")
        moves, late, crashing, bursts, gateways, server, rates = {}, {}, {}, {}, {}, "", None
        for engine in engines:
            this = stack.enter_context(removed_at_the_end(rig.Rig(client, engine)))
            say(f"{engine}: gateway and three servers")
            this.begin()
            full = f"{NAMES[engine]} {this.version}"
            if "joins" in parts:
                moves[full] = joins.measure(this, say)
            if "slow" in parts:
                late[full] = slow.measure(this, measured, say)
            if "crashes" in parts:
                crashing[full] = crashes.measure(this, measured, say)
            if "burst" in parts:
                bursts[full] = burst.measure(this, say)
            this.end_watch()  # the next engine's figures are not to pay for this one's daemon
            gateways[full], server = this.gateway, this.address(this.full("s1"))
        if "throughput" in parts:
            rates = throughput.measure(server, gateways, say)
        load = before, machine.load()
        say("removing what was made")
    took, on = time.monotonic() - began, machine.described(client)
    return table.Results(date, took, on, load, moves, late, crashing, bursts, rates)


@contextlib.contextmanager
def removed_at_the_end(made: rig.Rig) -> Any:
    """Remove a rig even when a second Ctrl-C comes meanwhile."""
    try:
        yield made
    finally:
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            made.clean()
        finally:
            signal.signal(signal.SIGINT, handler)


def say(text: str) -> None:
    """Show what is going on: in one line of a terminal, and elsewhere only what begins."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
