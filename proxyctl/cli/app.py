"""The list of verbs, and how errors end: one line on stderr and the exit code, never a traceback."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

import typer

import proxyctl
from proxyctl.cli import check, decide, doctor, down, explain, history, lab, plan, render, rollout, status, watch
from proxyctl.cli import echo as echo_verb
from proxyctl.errors import ProxyctlError

app = typer.Typer(
    name="proxyctl",
    help="Nginx or HAProxy in front of labelled Docker containers: they join, drain and leave by themselves.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command()(watch.watch)
app.command()(status.status)
app.command()(explain.explain)
app.command()(plan.plan)
app.command()(render.render)
app.command()(decide.drain)
app.command()(decide.ready)
app.command()(decide.weight)
app.command()(decide.maintenance)
app.command()(history.history)
app.command()(history.rollback)
app.command()(rollout.rollout)
app.add_typer(check.app, name="check")
app.command()(doctor.doctor)
app.command()(down.down)
app.add_typer(lab.app)
app.command(context_settings=echo_verb.CONTEXT)(echo_verb.echo)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"proxyctl {proxyctl.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(  # noqa: ARG001 - its callback has done it all
        False, "--version", callback=_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Nginx or HAProxy in front of labelled Docker containers: they join, drain and leave by themselves."""
    watch.set_up_logging(None, verbose=False)  # before it is, structlog writes to stdout, which is a verb's own


def run(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        code = app(list(argv), standalone_mode=False)
    except typer.TyperException as exc:
        if exc.format_message():  # empty when the help was printed in its place
            _complain(exc.format_message())
        return exc.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except ProxyctlError as exc:
        _complain(str(exc))
        return exc.exit_code
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as exc:  # noqa: BLE001 - the last resort of the whole program
        return _unexpected(exc)
    return code if isinstance(code, int) else 0


def _unexpected(exc: Exception) -> int:
    """Say what ended the program in one line; the traceback is for those who ask for it."""
    while isinstance(exc, ExceptionGroup):
        exc = exc.exceptions[0]
    if os.environ.get("PROXYCTL_DEBUG"):
        traceback.print_exception(exc)
    if isinstance(exc, ProxyctlError):
        _complain(str(exc))
        return exc.exit_code
    _complain(
        f"internal error, a running gateway serves on: {type(exc).__name__}: {exc} (PROXYCTL_DEBUG=1 shows where)"
    )
    return 1


def _complain(message: str) -> None:
    print("proxyctl: " + " ".join(message.split()), file=sys.stderr)
