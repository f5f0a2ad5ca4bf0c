"""What a request wants to have published: the bodies of `/events` and `/batch_events`, read and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from broadcastkit.core.message import Message
from broadcastkit.core.names import check_channel_name, check_event_name, check_socket_id
from broadcastkit.core.payload import byte_length
from broadcastkit.errors import InvalidInputError
from broadcastkit.server.refusal import RefusedRequestError
from broadcastkit.server.settings import Limits

__all__ = ["ATTRIBUTES", "read_batch", "read_event", "read_info"]

ATTRIBUTES = frozenset({"user_count", "subscription_count"})


def read_event(body: Mapping[str, Any], limits: Limits) -> Message:
    """Return the message that an event asks for.

    Raises:
        RefusedRequestError: 400, or 413 for data over the limit.
    """
    try:
        return Message(
            event=_event_name(body.get("name"), limits),
            channels=_channels(body, limits),
            data=_data(body.get("data"), limits),
            exclude=None if body.get("socket_id") is None else check_socket_id(body["socket_id"]),
            info=read_info(body.get("info"), ATTRIBUTES),
        )
    except InvalidInputError as error:
        raise RefusedRequestError(400, str(error)) from None


def read_batch(body: Mapping[str, Any], limits: Limits) -> list[Message]:
    """Return the messages of a batch: all of them, or none if one is wrong."""
    batch = body.get("batch")
    if not isinstance(batch, list):
        raise RefusedRequestError(400, "batch must be a list of events")
    entries = cast("list[object]", batch)
    if not 0 < len(entries) <= limits.events_per_batch:
        most = limits.events_per_batch
        raise RefusedRequestError(400, f"a batch holds 1 to {most} events, not {len(entries)}")
    return [_batched(entry, index, limits) for index, entry in enumerate(entries)]


def _batched(entry: object, index: int, limits: Limits) -> Message:
    if not isinstance(entry, dict):
        raise RefusedRequestError(400, f"batch[{index}] must be an object")
    try:
        message = read_event(cast("dict[str, Any]", entry), limits)
    except RefusedRequestError as refused:
        raise RefusedRequestError(refused.status, f"batch[{index}]: {refused.text}") from None
    if message.info and len(message.channels) > 1:
        raise RefusedRequestError(400, f"batch[{index}]: info is for one channel")
    return message


def read_info(info: object, known: frozenset[str]) -> tuple[str, ...]:
    """Return the attributes in a comma-separated list; None is an empty one."""
    if info is None:
        return ()
    if not isinstance(info, str):
        raise RefusedRequestError(400, "info must be a comma-separated list in a string")
    names = tuple(name.strip() for name in info.split(",") if name.strip())
    if not known.issuperset(names):
        raise RefusedRequestError(400, f"info may hold {', '.join(sorted(known)) or 'nothing'} here")
    return names


def _event_name(name: object, limits: Limits) -> str:
    checked = check_event_name(name)
    if len(checked) > limits.event_name_length:
        raise RefusedRequestError(400, f"an event name has at most {limits.event_name_length} characters")
    return checked


def _channels(body: Mapping[str, Any], limits: Limits) -> tuple[str, ...]:
    names = body.get("channels")
    if names is None:
        names = [body.get("channel")]
    if not isinstance(names, list):
        raise RefusedRequestError(400, "channels must be a list of names")
    listed = cast("list[object]", names)
    if not 0 < len(listed) <= limits.channels_per_event:
        most = limits.channels_per_event
        raise RefusedRequestError(400, f"an event goes to 1 to {most} channels, not {len(listed)}")
    checked = dict.fromkeys(check_channel_name(name) for name in listed)  # each once, in order
    _check_lengths(list(checked), limits)
    return tuple(checked)


def _check_lengths(names: Sequence[str], limits: Limits) -> None:
    if max(map(len, names)) > limits.channel_name_length:
        raise RefusedRequestError(400, f"a channel name has at most {limits.channel_name_length} characters")


def _data(data: object, limits: Limits) -> str:
    if not isinstance(data, str):
        raise RefusedRequestError(400, "data must be a string: JSON, encoded once more")
    size, most = byte_length(data), limits.event_data_size
    if size > most:
        raise RefusedRequestError(413, f"data has {size} bytes; an event takes {most}")
    return data
