"""Settings into drivers: from a mapping, a URL or the environment that Laravel apps already have.

The only reader of the environment. An empty variable is an absent one; a wrong one is named, with what it should hold.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from broadcastkit.drivers import DRIVERS, driver_class
from broadcastkit.drivers.base import AsyncDriver, Driver
from broadcastkit.errors import ConfigurationError, MissingDependencyError

__all__ = [
    "Connections",
    "async_drivers_from_settings",
    "drivers_from_settings",
    "settings_from_env",
    "settings_from_url",
]

DriverT = TypeVar("DriverT")
_PROFILED = {"reverb": "reverb", "soketi": "soketi"}
# what a URL of a driver's own may start with
_SCHEMES = {
    **dict.fromkeys(("pusher", "http", "https"), "pusher"),
    **dict.fromkeys(("redis", "rediss", "redis+sentinel", "rediss+sentinel"), "redis"),
    **dict.fromkeys(("redis+cluster", "rediss+cluster", "unix"), "redis"),
    **dict.fromkeys(("socketio+redis", "socketio+rediss", "socketio+unix"), "socketio"),
}


class Connections(Mapping[str, DriverT], Generic[DriverT]):
    """Drivers by connection name, each made when it is first asked for: an unused one imports nothing."""

    def __init__(self, makers: Mapping[str, Callable[[], DriverT]]) -> None:
        self._makers = makers
        self._drivers: dict[str, DriverT] = {}
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> DriverT:
        """Return a connection's driver."""
        driver = self._drivers.get(name)
        if driver is None:
            make = self._makers[name]
            with self._lock:
                driver = self._drivers.get(name)
                if driver is None:
                    driver = self._drivers[name] = make()
        return driver

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        return iter(self._makers)

    def __len__(self) -> int:
        """Count the names."""
        return len(self._makers)

    def __contains__(self, name: object) -> bool:
        """Whether there is such a connection; makes nothing."""
        return name in self._makers

    def __repr__(self) -> str:
        """Show the names only."""
        return f"Connections({list(self._makers)})"

    def made(self) -> list[DriverT]:
        """Return the drivers that were made so far."""
        return list(self._drivers.values())


def drivers_from_settings(settings: Mapping[str, Any]) -> tuple[Connections[Driver], str]:
    """Return blocking drivers by connection name, and the name of the default one."""
    return _from_settings(settings, asynchronous=False)


def async_drivers_from_settings(settings: Mapping[str, Any]) -> tuple[Connections[AsyncDriver], str]:
    """Return awaited drivers by connection name, and the name of the default one."""
    return _from_settings(settings, asynchronous=True)


def _from_settings(settings: Mapping[str, Any], *, asynchronous: bool) -> tuple[Connections[Any], str]:
    if "connections" not in settings:
        name = settings.get("driver")
        if not isinstance(name, str):
            raise ConfigurationError(f"must be one of {_names()}; or give 'connections'", setting="driver")
        settings = {"default": name, "connections": {name: settings}}
    connections, default = settings["connections"], settings.get("default")
    if not isinstance(connections, Mapping) or not connections:
        raise ConfigurationError("must map names to settings such as {'driver': 'log'}", setting="connections")
    if default is None and len(connections) == 1:
        default = next(iter(connections))
    if default not in connections:
        raise ConfigurationError(f"must be one of {', '.join(connections)}, not {default!r}", setting="default")
    makers = {name: _maker(name, options, asynchronous=asynchronous) for name, options in connections.items()}
    return Connections(makers), str(default)


def _maker(name: str, options: Any, *, asynchronous: bool) -> Callable[[], Any]:
    if not isinstance(options, Mapping) or not isinstance(options.get("driver"), str):
        raise ConfigurationError(f"needs a 'driver': {_names()}", setting=f"connections.{name}")
    arguments = {key: value for key, value in options.items() if key not in {"driver", "url", "variables"}}
    variables: Mapping[str, str] = options.get("variables", {})
    driver = options["driver"]
    if driver in _PROFILED:
        arguments = {"profile": _PROFILED[driver], **arguments}
        driver = "pusher"

    def make() -> Any:
        if "wrong" in options:
            raise options["wrong"]
        try:
            return _driver(driver, arguments, options.get("url"), asynchronous=asynchronous)
        except MissingDependencyError:
            raise
        except ConfigurationError as error:
            if not error.setting:
                raise ConfigurationError(str(error), setting=f"connections.{name}:") from None
            text = str(error).removeprefix(f"{error.setting} ")
            where = variables.get(error.setting, f"connections.{name}.{error.setting}")
            raise ConfigurationError(text, setting=where) from None
        except TypeError as error:
            # Python's own text names the argument that is missing or unknown, and no values
            said = str(error).partition("() ")[2] or str(error)
            raise ConfigurationError(f"{driver} driver {said}", setting=f"connections.{name}:") from None

    return make


def _driver(name: str, arguments: Mapping[str, Any], url: str | None, *, asynchronous: bool) -> Any:
    cls = driver_class(name, asynchronous=asynchronous)
    if url is None:
        return cls(**arguments)
    if not hasattr(cls, "from_url"):
        raise ConfigurationError(f"is not for a {name} connection", setting="url")
    return cls.from_url(url, **arguments)


def _names() -> str:
    return ", ".join([*DRIVERS, *_PROFILED])


def settings_from_url(url: str) -> dict[str, Any]:
    """Return settings with one connection for a URL; the URL is never shown in an error."""
    # not urlsplit, whose errors show what they cannot read
    found = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*)://", url)
    scheme = "" if found is None else found[1].lower()
    driver = _SCHEMES.get(scheme)
    if driver is not None:
        return {"driver": driver, "url": url}
    if scheme in DRIVERS:
        return {"driver": scheme}
    raise ConfigurationError(
        f"a connection URL starts with {', '.join(f'{name}://' for name in DRIVERS)} or https://, not {scheme!r}"
    )


# variable → the driver's argument
_PUSHER = {
    "PUSHER_APP_ID": "app_id",
    "PUSHER_APP_KEY": "key",
    "PUSHER_APP_SECRET": "secret",
    "PUSHER_HOST": "host",
    "PUSHER_PORT": "port",
    "PUSHER_SCHEME": "scheme",
    "PUSHER_PATH": "path",
    "PUSHER_APP_CLUSTER": "cluster",
    "PUSHER_VERIFY_PEER": "verify",
    "PUSHER_ENCRYPTION_MASTER_KEY": "encryption_master_key",
    "PUSHER_PROFILE": "profile",
}
_REVERB = {
    "REVERB_APP_ID": "app_id",
    "REVERB_APP_KEY": "key",
    "REVERB_APP_SECRET": "secret",
    "REVERB_HOST": "host",
    "REVERB_PORT": "port",
    "REVERB_SCHEME": "scheme",
    "REVERB_SERVER_PATH": "path",
    "REVERB_VERIFY_PEER": "verify",
}
_REDIS = {
    "REDIS_HOST": "host",
    "REDIS_PORT": "port",
    "REDIS_USERNAME": "username",
    "REDIS_PASSWORD": "password",
    "REDIS_DB": "db",
    "REDIS_PREFIX": "prefix",
}
# in the place of the others; Laravel's own .env.example has lines for a local server, beside which hosts set the URL
_REDIS_BY_URL = {"REDIS_URL": "url", "REDIS_PREFIX": "prefix"}
_REQUIRED = {"pusher": ("app_id", "key", "secret"), "reverb": ("app_id", "key", "secret", "host"), "redis": ()}
_BOOLEANS = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}


def settings_from_env(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return settings read from Laravel's variables, `os.environ` unless given.

    `BROADCAST_CONNECTION` (or `BROADCAST_DRIVER`) names the default connection, or is a connection URL. `log`, `null`
    and `memory` need nothing else, `pusher` reads `PUSHER_*`, `reverb` `REVERB_*` and `redis` `REDIS_*`. Connections
    whose variables are there can be reached with `.via()` too.

    Raises:
        ConfigurationError: a variable is missing or wrong.
    """
    env = {key: value for key, value in (os.environ if environ is None else environ).items() if value}
    variable = "BROADCAST_CONNECTION" if "BROADCAST_CONNECTION" in env else "BROADCAST_DRIVER"
    default = env.get(variable)
    if default is None:
        raise ConfigurationError(
            "is not set: name a connection (log to begin with; null, pusher, reverb, redis), or call configure()",
            setting="BROADCAST_CONNECTION",
        )
    if "://" in default:
        return settings_from_url(default)
    connections: dict[str, dict[str, Any]] = {name: {"driver": name} for name in ("log", "null", "memory")}
    for name, variables in (("pusher", _PUSHER), ("reverb", _REVERB)):
        if name == default or any(f"{name.upper()}_APP_{part}" in env for part in ("ID", "KEY", "SECRET")):
            connections[name] = _read_or_keep(env, name, variables, default=default)
    # Laravel reads the word as none, and has it in its .env.example
    redis = {key: value for key, value in env.items() if value not in {"null", "(null)"}}
    if default == "redis" or "REDIS_URL" in redis or "REDIS_HOST" in redis:
        variables = _REDIS_BY_URL if "REDIS_URL" in redis else _REDIS
        connections["redis"] = _read_or_keep(redis, "redis", variables, default=default)
    if default not in connections:
        raise ConfigurationError(f"must be one of {', '.join([*connections])}, not {default!r}", setting=variable)
    return {"default": default, "connections": connections}


def _read_or_keep(env: Mapping[str, str], name: str, variables: Mapping[str, str], *, default: str) -> dict[str, Any]:
    """Read a connection's variables; what is wrong with one that is not the default is raised when it is asked for."""
    try:
        return _read(env, name, variables, strict=name == default)
    except ConfigurationError as error:
        if name == default:
            raise
        return {"driver": name, "wrong": error}


def _read(env: Mapping[str, str], name: str, variables: Mapping[str, str], *, strict: bool) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        argument: _value(variable, argument, env[variable])
        for variable, argument in variables.items()
        if variable in env
    }
    by_argument = {argument: variable for variable, argument in variables.items()}
    if strict:
        for argument in _REQUIRED[name]:
            if argument not in arguments:
                raise ConfigurationError(
                    f"is not set, and the {name} connection needs it", setting=by_argument[argument]
                )
    return {"driver": name, "variables": by_argument, **arguments}


def _value(variable: str, argument: str, text: str) -> Any:
    if argument == "port":
        if not (text.isascii() and text.isdigit()):
            raise ConfigurationError(f"must be a number from 1 to 65535, not {text!r}", setting=variable)
        return int(text)
    if argument == "db":
        if not (text.isascii() and text.isdigit()):
            raise ConfigurationError(f"must be the number of a database, such as 0, not {text!r}", setting=variable)
        return int(text)
    if argument == "verify":
        if text.lower() not in _BOOLEANS:
            raise ConfigurationError(f"must be true or false, not {text!r}", setting=variable)
        return _BOOLEANS[text.lower()]
    return text
