"""The log driver: one structured log line per message, for development."""

from __future__ import annotations

import logging

from broadcastkit.core.message import Message
from broadcastkit.core.payload import byte_length
from broadcastkit.drivers.base import Outcome, Sent
from broadcastkit.drivers.checks import check_text, instead_of
from broadcastkit.drivers.serviceless import AsyncServiceless, Serviceless
from broadcastkit.errors import ConfigurationError

__all__ = ["AsyncLogDriver", "LogDriver"]


class _Logs:
    def __init__(self, *, logger: str = "broadcastkit.log", level: int | str = logging.INFO) -> None:
        self._log = logging.getLogger(check_text("logger", logger))
        self._level = _level(level)

    def take(self, message: Message) -> Outcome:
        """Write the line; the fields are also attributes of the record (`broadcast_event`, …)."""
        event, channels, data, exclude, _, _ = message
        fields = {
            "broadcast_event": event,
            "broadcast_channels": channels,
            "broadcast_excluded": exclude,
            "broadcast_bytes": byte_length(data),
        }
        self._log.log(
            self._level,
            "broadcast %s on %s%s (%d bytes)",
            *(event, ", ".join(channels), f" except {exclude}" if exclude else "", fields["broadcast_bytes"]),
            extra=fields,
        )
        self._log.debug("payload of %s: %s", event, data, extra=fields)
        return Sent()


def _level(level: int | str) -> int:
    number = logging.getLevelNamesMapping().get(level.upper()) if isinstance(level, str) else level
    if type(number) is not int or number < 0:
        raise ConfigurationError(f"must be a level of logging, such as 'INFO'{instead_of(level)}", setting="level")
    return number


class LogDriver(_Logs, Serviceless):
    """Logs each message at INFO on `broadcastkit.log`; its payload at DEBUG, and never above."""


class AsyncLogDriver(_Logs, AsyncServiceless):
    """The awaited twin of LogDriver."""
