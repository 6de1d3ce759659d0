"""The list of verbs, and how errors end: one line on stderr and the exit code, never a traceback."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from typing import Final

import typer
from typer.completion import completion_init  # type: ignore[attr-defined]  # typer names no other

import proxyctl
from proxyctl.cli import hints, mistakes
from proxyctl.cli.completion import VARIABLE
from proxyctl.cli.logs import set_up_logging
from proxyctl.errors import ProxyctlError, printable

# every verb in the order of --help, and the module beside this one that has it: as a function or a group of its name
VERBS: Final = {
    "watch": "watch",
    "status": "status",
    "explain": "explain",
    "plan": "plan",
    "render": "render",
    "drain": "override",
    "ready": "override",
    "weight": "override",
    "maintenance": "override",
    "history": "history",
    "rollback": "history",
    "rollout": "rollout",
    "check": "check.command",
    "init": "init",
    "doctor": "doctor",
    "completion": "completion",
    "down": "down",
    "lab": "lab.group",
    "echo": "echo",
}


def build(verbs: Iterable[str] = VERBS) -> typer.Typer:
    """Return the program with these verbs; only their modules, and the libraries that those need, are imported."""
    app = typer.Typer(
        name="proxyctl",
        help="Nginx or HAProxy in front of labelled Docker containers: they join, drain and leave by themselves.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(root)
    for verb in verbs:
        module = importlib.import_module(f"proxyctl.cli.{VERBS[verb]}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=verb)
        else:
            app.command(verb, context_settings=getattr(module, "CONTEXT", None))(getattr(module, verb))
    return app


def _version(value: bool) -> None:
    if value:
        typer.echo(f"proxyctl {proxyctl.__version__}")
        raise typer.Exit


def root(
    version: bool = typer.Option(  # noqa: ARG001 - its callback has done it all
        False, "--version", callback=_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Nginx or HAProxy in front of labelled Docker containers: they join, drain and leave by themselves."""
    set_up_logging(None, verbose=False)  # before it is, structlog writes to stdout, which is a verb's own


def run(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    verb = _completed_verb() if VARIABLE in os.environ else "".join(argv[:1])
    named = [verb] if verb in VERBS else VERBS
    try:
        code = build(named)(list(argv), prog_name="proxyctl", standalone_mode=False)
    except typer.TyperException as exc:
        if exc.format_message():  # empty when the help was printed in its place
            _complain(mistakes.told(exc))
        return exc.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except ProxyctlError as exc:
        _complain(str(exc) + hints.of(exc))
        return exc.exit_code
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as exc:  # noqa: BLE001 - the last resort of the whole program
        return _unexpected(exc)
    return code if isinstance(code, int) else 0


def _completed_verb() -> str:
    """Return the verb of a command line that a shell completes, empty while it is being typed; the rest is typer's."""
    completion_init()
    words = (os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS") or "").split()
    return words[1] if len(words) > 2 or os.environ.get("COMP_CWORD") not in {None, "1"} else ""  # noqa: PLR2004


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
    print("proxyctl: " + printable(" ".join(message.split())), file=sys.stderr)
