"""Commands that do not repeat what they were given: an argument in the wrong place may be a secret.

`broadcastkit channels https://key:secret@host/apps/1` lacks its `--url`; typer's error would quote the argument.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from typer.core import TyperCommand, TyperGroup

from broadcastkit.cli.output import discreet

__all__ = ["DiscreetCommand", "DiscreetGroup"]


class DiscreetCommand(TyperCommand):
    """A command whose usage errors leave out whatever could be a URL or `id:key:secret`."""

    def make_context(self, info_name: Any, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Read the arguments."""
        with _discreet(args):
            return super().make_context(info_name, args, parent, **extra)


class DiscreetGroup(TyperGroup):
    """The same for the name of a command."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command."""
        with _discreet(args):
            return super().resolve_command(ctx, args)

    def make_context(self, info_name: Any, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Read the arguments."""
        with _discreet(args):
            return super().make_context(info_name, args, parent, **extra)


@contextlib.contextmanager
def _discreet(args: Sequence[str]) -> Iterator[None]:
    given = tuple(args)  # reading takes them out of the list
    try:
        yield
    except Exception as error:
        # by its attribute: typer brings click along under a name of its own, or imports it
        message = getattr(error, "message", None)
        if isinstance(message, str):
            error.message = discreet(message, given)  # type: ignore[attr-defined]
        raise
