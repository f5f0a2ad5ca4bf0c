"""`broadcastkit channels`: what somebody listens to."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from broadcastkit.cli.connections import ConnectionOption, JsonOption, UrlOption, configured
from broadcastkit.cli.output import note, show_json, table
from broadcastkit.drivers.base import ChannelInfo

__all__ = ["Info", "InfoOption", "channels", "counts"]


class Info(StrEnum):
    """What a service can be asked about a channel."""

    USER_COUNT = "user_count"
    SUBSCRIPTION_COUNT = "subscription_count"


InfoOption = Annotated[
    list[Info] | None,
    typer.Option("--info", help="Ask for this too, where the service counts it; may be repeated."),
]


def channels(
    *,
    channel: Annotated[str | None, typer.Argument(metavar="[CHANNEL]", help="Ask about this one only.")] = None,
    prefix: Annotated[str, typer.Option(help="Only channels whose full name starts so, such as presence-.")] = "",
    info: InfoOption = None,
    connection: ConnectionOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the channels that somebody listens to."""
    with configured(url) as found:
        ask = found.broadcaster
        if channel is None:
            known = ask.channels_info(prefix=prefix, info=info or (), connection=connection)
        else:
            known = {channel: ask.channel_info(channel, info=info or (), connection=connection)}
    if as_json:
        show_json({"channels": {name: counts(one) for name, one in known.items()}})
    elif known:
        table([name, *_columns(known[name])] for name in sorted(known))
    else:
        note("Nobody listens.")


def counts(info: ChannelInfo) -> dict[str, object]:
    """Return what a service said of a channel, under its own names for it."""
    said = {
        "occupied": info.occupied,
        "user_count": info.user_count,
        "subscription_count": info.subscription_count,
    }
    return {key: value for key, value in said.items() if value is not None}


def _columns(info: ChannelInfo) -> list[str]:
    """Return the same columns for each channel, whatever the service left out of one."""
    users_there = "" if info.user_count is None else f"user_count {info.user_count}"
    subscriptions = "" if info.subscription_count is None else f"subscription_count {info.subscription_count}"
    return ["" if info.occupied is None else "occupied" if info.occupied else "empty", users_there, subscriptions]
