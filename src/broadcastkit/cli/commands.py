"""The commands, gathered."""

from __future__ import annotations

from typing import Annotated

import typer

from broadcastkit import __version__
from broadcastkit.cli.serve import serve

__all__ = ["commands"]

# Locals in a traceback could hold a secret.
commands: typer.Typer = typer.Typer(
    name="broadcastkit",
    help="Laravel Broadcasting for Python.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
commands.command()(serve)


def _version(wanted: bool) -> None:  # noqa: FBT001 - as typer calls it
    if wanted:
        typer.echo(f"broadcastkit {__version__}")
        raise typer.Exit


@commands.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Laravel Broadcasting for Python."""
