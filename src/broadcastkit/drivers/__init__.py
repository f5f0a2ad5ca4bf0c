"""What carries messages: one module or package per kind of service, each imported when it is first used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from broadcastkit.errors import ConfigurationError

__all__ = ["DRIVERS", "driver_class"]

DRIVERS = {
    "log": ("broadcastkit.drivers.log", "LogDriver"),
    "memory": ("broadcastkit.drivers.memory", "MemoryDriver"),
    "null": ("broadcastkit.drivers.null", "NullDriver"),
    "pusher": ("broadcastkit.drivers.pusher", "PusherDriver"),
    "redis": ("broadcastkit.drivers.redis", "RedisDriver"),
    "socketio": ("broadcastkit.drivers.socketio", "SocketIODriver"),
}
"""Name → module and class; the awaited twin has `Async` before its name."""


def driver_class(name: str, *, asynchronous: bool) -> Any:
    """Return a driver's class by name, importing its module.

    Raises:
        ConfigurationError: there is no driver of that name.
    """
    try:
        module, class_name = DRIVERS[name]
    except KeyError:
        raise ConfigurationError(f"{name!r} is no driver; there are: {', '.join(DRIVERS)}", setting="driver") from None
    return getattr(import_module(module), f"Async{class_name}" if asynchronous else class_name)
