"""What carries messages: one module or package per kind of service, each imported when it is first used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from broadcastkit.errors import ConfigurationError

__all__ = ["DRIVERS", "driver_class", "is_driver"]

DRIVERS = {
    "embedded": ("broadcastkit.server.driver", "EmbeddedDriver"),
    "log": ("broadcastkit.drivers.log", "LogDriver"),
    "memory": ("broadcastkit.drivers.memory", "MemoryDriver"),
    "null": ("broadcastkit.drivers.null", "NullDriver"),
    "pusher": ("broadcastkit.drivers.pusher", "PusherDriver"),
    "redis": ("broadcastkit.drivers.redis", "RedisDriver"),
    "socketio": ("broadcastkit.drivers.socketio", "SocketIODriver"),
}
"""Name → module and class; the awaited twin has `Async` before its name."""


def is_driver(name: str) -> bool:
    """Whether there is a driver of that name: one of ours, or one that another package registers. Imports neither."""
    if name in DRIVERS:
        return True
    from broadcastkit.drivers import outside

    return outside.entry_point(name) is not None


def driver_class(name: str, *, asynchronous: bool) -> Any:
    """Return a driver's class by name, importing its module.

    A name that is none of ours is looked up in the entry points `broadcastkit.drivers` of what is installed.

    Raises:
        ConfigurationError: there is no driver of that name, or another package's cannot be used; that is named.
    """
    if name in DRIVERS:
        module, class_name = DRIVERS[name]
        return getattr(import_module(module), f"Async{class_name}" if asynchronous else class_name)
    from broadcastkit.drivers import outside

    found = outside.entry_point(name)
    if found is None:
        raise ConfigurationError(
            f"{name!r} is no driver; there are: {', '.join([*DRIVERS, *outside.names(DRIVERS)])}", setting="driver"
        )
    return outside.load(found, asynchronous=asynchronous)
