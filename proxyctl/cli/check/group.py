"""How `check URL …` and `check compare A B` are one verb: a first word that is no subcommand belongs to a check."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup

from proxyctl.errors import UsageError, nearest

URL = "URL"  # the name of the subcommand that is meant without one; no URL is spelled so


class Group(TyperGroup):
    """Hands everything that does not begin with the name of a subcommand to the one named `URL`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Name the subcommand where the command line does not."""
        if ctx.resilient_parsing and not args:  # a shell completes the first word, which may be a subcommand
            return super().parse_args(ctx, args)
        named = bool(args) and args[0] in self.commands
        if args and not named and (meant := nearest(args[0], self.commands)) and meant != URL:
            raise UsageError(f"there is no command `check {args[0]}`; did you mean `check {meant}`?")
        return super().parse_args(ctx, args if named else [URL, *args])

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Offer the subcommands, and the flags of a check."""
        if incomplete.startswith("-"):
            check = self.commands[URL]
            return check.shell_complete(check.make_context(URL, [], parent=ctx, resilient_parsing=True), incomplete)
        return [found for found in super().shell_complete(ctx, incomplete) if found.value != URL]


class Default(TyperCommand):
    """The subcommand named `URL`; in help and errors it goes by the name of its group."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Stand in the place of the group."""
        del info_name
        return super().make_context(parent.info_name, args, parent=parent.parent, **extra)
