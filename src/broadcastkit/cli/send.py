"""`broadcastkit send`: one event, from JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic_core import from_json

from broadcastkit.cli.channels import InfoOption, counts
from broadcastkit.cli.connections import JsonOption, UrlOption, configured
from broadcastkit.cli.output import show, show_json
from broadcastkit.core.names import usable_socket_id
from broadcastkit.errors import ConfigurationError
from broadcastkit.events.base import AnonymousEvent
from broadcastkit.pending import Receipt

__all__ = ["read_data", "send"]


def send(
    *,
    event: Annotated[str, typer.Option(metavar="NAME", help="The event's name on the wire, such as message.sent.")],
    channel: Annotated[list[str], typer.Option(metavar="NAME", help="A channel, by its full name; may be repeated.")],
    data: Annotated[
        str, typer.Option(metavar="JSON", help="The payload: JSON, @FILE for a file that holds it, or - for stdin.")
    ] = "{}",
    exclude: Annotated[
        str | None, typer.Option(metavar="SOCKET_ID", help="The socket id of the one client that must not hear it.")
    ] = None,
    info: InfoOption = None,
    connection: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A connection of the environment; may be repeated. The default, unless given."
        ),
    ] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send one event, and wait until the service has taken it."""
    if exclude is not None and usable_socket_id(exclude) is None:
        raise ConfigurationError("takes the socket id of a client, such as 123.456", setting="--exclude")
    message = AnonymousEvent(event, read_data(data), on=channel)
    with configured(url) as found:
        pending = found.broadcaster.broadcast(message).via(*connection or ()).with_info(*info or ())
        receipt = pending.to_everyone() if exclude is None else pending.to_others(exclude)
    if as_json:
        show_json(_document(receipt))
    else:
        _tell(receipt)


def read_data(text: str) -> Any:
    """Return the payload that `--data` means; no error shows any of it."""
    where, raw = _raw(text)
    try:
        value = from_json(raw, allow_inf_nan=False)
        json.dumps(value, allow_nan=False)  # 1e999 is read as infinity, and would be sent as null
    except ValueError as error:  # which tells line and column
        raise ConfigurationError(f"{where} is not JSON: {error}", setting="--data") from None
    return value


def _raw(text: str) -> tuple[str, str | bytes]:
    if text == "-":
        return "from stdin", sys.stdin.buffer.read()
    if not text.startswith("@"):
        return "as given", text
    try:
        return f"from {text[1:]}", Path(text[1:]).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {text[1:]}: {error.strerror}", setting="--data") from None


def _document(receipt: Receipt) -> dict[str, object]:
    return {
        "event": receipt.event,
        "channels": {name: counts(info) for name, info in receipt.channels.items()},
        "excluded_socket": receipt.excluded_socket,
        "connections": [
            {"connection": one.connection, "requests": one.requests, "queued": one.queued}
            for one in receipt.connections
        ],
    }


def _tell(receipt: Receipt) -> None:
    names = ", ".join(one.connection for one in receipt.connections)
    show(f"Sent {receipt.event} over {names}.")
    for name, info in receipt.channels.items():
        show("  ".join([f"  {name}", *(f"{key} {value}" for key, value in counts(info).items())]))
