"""The command `broadcastkit`: one module per command, gathered in `commands`."""

from __future__ import annotations

import sys
from collections.abc import Callable

from broadcastkit.errors import ConfigurationError, MissingDependencyError

__all__ = ["main"]


def main() -> None:
    """Run the command line; what the user can mend is said in one line, with exit status 2."""
    try:
        _commands()()
    except ConfigurationError as error:
        print(f"broadcastkit: {error}", file=sys.stderr)  # noqa: T201 - a command line talks
        raise SystemExit(2) from None


def _commands() -> Callable[[], object]:
    try:
        from broadcastkit.cli.commands import commands
    except ImportError as error:
        if error.name != "typer":
            raise
        raise MissingDependencyError("typer", "cli", "the broadcastkit command") from None
    return commands
