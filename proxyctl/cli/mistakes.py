"""What typer refuses of a command line, in our words: which flag or argument, what was given, what is accepted.

The flags' own declarations say what they accept, so a new flag needs nothing here. Next: `app`, which prints the line.
"""

from __future__ import annotations

import enum
import re
import typing
from pathlib import Path
from typing import Any

import typer

from proxyctl.errors import nearest
from proxyctl.wording import not_accepted

_COMMAND = re.compile(r"No such command '(.*?)'")
_EXTRA = re.compile(r"unexpected extra argument\(s\) \((.*)\)")


def told(exc: typer.TyperException) -> str:
    """Return the one line about a mistake on the command line."""
    context = getattr(exc, "ctx", None)
    param = getattr(exc, "param", None)
    option = getattr(exc, "option_name", None)
    if context is None:
        return _of_use(exc, option)
    if param is not None:
        return _of_value(exc, context, param)
    if option is not None:
        return _of_option(context, option)
    if match := _COMMAND.search(exc.message):
        return _of_command(match[1], context)
    if match := _EXTRA.search(exc.message):
        return f"{_asked(context)} takes no further argument, and was given {match[1]}: {_help(context)}"
    return exc.format_message()


def _of_value(exc: typer.TyperException, context: Any, param: Any) -> str:
    name = _name(param)
    if not isinstance(exc.__cause__, ValueError):  # of pydantic; none where nothing was given
        return f"{name} is missing: {_without_stop(param.help)}; {_help(context)}"
    value = getattr(exc.__cause__, "errors", list)()[0]["input"]
    return f"{name}: {not_accepted(value, _accepts(context, param))}"


def _of_use(exc: typer.TyperException, option: str | None) -> str:
    """Return what is wrong with an option that is known; the parser says nothing else of it."""
    if option is None:
        return exc.format_message()
    return f"{option} needs a value after it" if "requires" in exc.message else f"{option} is a switch, without a value"


def _of_option(context: Any, option: str) -> str:
    known = [name for param in context.command.params for name in param.opts if name.startswith("--")]
    near = nearest(option, known) if option.startswith("--") else ""
    hint = f"did you mean {near}?" if near else f"{_help(context)} lists them"
    return f"{_asked(context)} has no option {option}; {hint}"


def _of_command(name: str, context: Any) -> str:
    known = sorted(context.command.commands)
    near = nearest(name, known)
    return f"there is no command {name}; " + (f"did you mean {near}?" if near else f"there are {', '.join(known)}")


def _accepts(context: Any, param: Any) -> str:
    """Return what a flag takes, by its declaration in the verb's function."""
    declared = typing.get_type_hints(context.command.callback, include_extras=True)[param.name]
    kind, *rest = typing.get_args(declared) if typing.get_origin(declared) is typing.Annotated else (declared,)
    info = rest[0] if rest else None
    for one in (kind, *typing.get_args(kind)):
        if one in (int, float):
            return _number(
                "a whole number" if one is int else "a number", getattr(info, "min", None), getattr(info, "max", None)
            )
        if one is Path:
            return f"the path of a {'folder' if param.metavar == 'FOLDER' else 'file'}"
        if typing.get_origin(one) is typing.Literal:
            return " or ".join(map(str, typing.get_args(one)))
        if isinstance(one, type) and issubclass(one, enum.Enum):
            return " or ".join(each.value for each in one)
    return "text"


def _number(kind: str, least: float | None, most: float | None) -> str:
    if least is not None and most is not None:
        return f"{kind} from {least} to {most}"
    return kind if least is None else f"{kind} from {least} up"


def _name(param: Any) -> str:
    """Return what the user knows it by: `--concurrency`, else the argument's word in the help."""
    if param.param_type_name == "argument":
        return str(param.metavar or param.name).strip("[].")
    return str(max(param.opts, key=len))


def _asked(context: Any) -> str:
    return str(context.command_path)


def _help(context: Any) -> str:
    return f"`{context.command_path} --help`"


def _without_stop(text: str | None) -> str:
    return (text or "it has to be given").removesuffix(".")
