"""`broadcastkit users`: who is in a presence channel."""

from __future__ import annotations

from typing import Annotated

import typer

from broadcastkit.cli.connections import ConnectionOption, JsonOption, UrlOption, configured
from broadcastkit.cli.output import note, show, show_json

__all__ = ["users"]


def users(
    *,
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="A presence channel, by its full name.")],
    connection: ConnectionOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """List who is in a presence channel, by user id."""
    with configured(url) as found:
        known = found.broadcaster.users_info(channel, connection=connection)
    if as_json:
        show_json({"users": [{"id": user.id} for user in known]})
    elif known:
        for user in known:
            show(user.id)
    else:
        note("Nobody is there.")
