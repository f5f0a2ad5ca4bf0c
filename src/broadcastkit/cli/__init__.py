"""The command `broadcastkit`: one module per command, gathered in `commands`."""

from __future__ import annotations

import sys
from collections.abc import Callable

from broadcastkit.cli.output import discreet, note
from broadcastkit.errors import BroadcastError, ConfigurationError, InvalidInputError, MissingDependencyError

__all__ = ["main"]


def main() -> None:
    """Run the command line; an error is said in one line.

    Exit status 2: it is about a setting or an argument, which the user can mend. 1: not reached, or refused.
    """
    try:
        _commands()()
    except BroadcastError as error:
        note(f"broadcastkit: {discreet(str(error), sys.argv[1:])}")
        raise SystemExit(2 if isinstance(error, (ConfigurationError, InvalidInputError)) else 1) from None


def _commands() -> Callable[[], object]:
    try:
        from broadcastkit.cli.commands import commands
    except ImportError as error:
        if error.name != "typer":
            raise
        raise MissingDependencyError("typer", "cli", "the broadcastkit command") from None
    return commands
