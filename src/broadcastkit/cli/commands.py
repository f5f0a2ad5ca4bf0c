"""The commands, gathered."""

from __future__ import annotations

from typing import Annotated

import typer

from broadcastkit import __version__
from broadcastkit.cli.channels import channels
from broadcastkit.cli.doctor import doctor
from broadcastkit.cli.listen import listen
from broadcastkit.cli.relay import relay
from broadcastkit.cli.rules import rules
from broadcastkit.cli.send import send
from broadcastkit.cli.serve import serve
from broadcastkit.cli.usage import DiscreetCommand, DiscreetGroup
from broadcastkit.cli.users import users
from broadcastkit.cli.verify_webhook import verify_webhook

__all__ = ["commands"]

# Locals in a traceback could hold a secret.
commands: typer.Typer = typer.Typer(
    name="broadcastkit",
    cls=DiscreetGroup,
    help="Laravel Broadcasting for Python.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
for _command in (serve, send, listen, relay, channels, users, rules, doctor, verify_webhook):
    commands.command(cls=DiscreetCommand)(_command)


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
