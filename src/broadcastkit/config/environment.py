"""The only reader of the environment. An empty variable is an absent one; a wrong one is named, with what is right."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from broadcastkit.config.connections import PROFILED
from broadcastkit.config.deliveries import NAMES as DELIVERIES
from broadcastkit.config.urls import settings_from_url
from broadcastkit.config.variables import arguments_by_variable
from broadcastkit.drivers import DRIVERS, is_driver
from broadcastkit.drivers.checks import instead_of
from broadcastkit.errors import ConfigurationError

__all__ = ["redis_url_from_env", "settings_from_env"]

_DELIVERY = "BROADCAST_DELIVERY"
# these need nothing else
_ALONE = ("log", "null", "memory")
_REQUIRED = {
    "pusher": ("app_id", "key", "secret"),
    "reverb": ("app_id", "key", "secret", "host"),
    "redis": (),
    "socketio": ("url",),
}
# one of these says that the connection is there. Laravel's own .env.example has all others of Redis too
_TELLING = {
    "pusher": {"url", "app_id", "key", "secret"},
    "reverb": {"app_id", "key", "secret"},
    "redis": {"url", "host"},
    "socketio": {"url"},
}
# in the place of which a URL stands
_IN_URL = {"app_id", "key", "secret", "cluster", "host", "port", "scheme", "path", "tls", "username", "password", "db"}
# what Laravel reads as none, and has in its .env.example
_NONE = {"null", "(null)", "empty", "(empty)"}
# the schemes of a URL, and what everybody else calls them
_AS_LARAVEL_WRITES = {"tcp": "redis", "tls": "rediss"}
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
    and `memory` need nothing else, `pusher` reads `PUSHER_*`, `reverb` `REVERB_*`, `redis` `REDIS_*` and `socketio`
    `SOCKETIO_*`; an installed driver of another name reads the variables that it names. Connections of ours whose
    variables are there can be reached with `.via()` too.

    `BROADCAST_DELIVERY` is `inline`, as without it, or `background`.

    Raises:
        ConfigurationError: a variable is missing or wrong.
    """
    env = _set(environ)
    variable = "BROADCAST_CONNECTION" if "BROADCAST_CONNECTION" in env else "BROADCAST_DRIVER"
    default = env.get(variable)
    tables = arguments_by_variable()
    if default is None:
        raise ConfigurationError(
            f"is not set: name a connection (log to begin with; null, {', '.join(tables)}), or call configure()",
            setting="BROADCAST_CONNECTION",
        )
    delivery = _delivery(env)
    if "://" in default:
        return {**_from_url(default, variable), **delivery}
    env = _without_none(env)
    connections: dict[str, dict[str, Any]] = {name: {"driver": name} for name in _ALONE}
    for name, variables in tables.items():
        if name == default or any(argument in _TELLING[name] and key in env for key, argument in variables.items()):
            connections[name] = _read_or_keep(env, name, variables, default=default)
    if default not in connections:
        _check_other(default, variable)
        connections[default] = {"driver": default, "environ": env, "variables": {}}
    return {"default": default, "connections": connections, **delivery}


def redis_url_from_env(environ: Mapping[str, str] | None = None) -> str:
    """Return the Redis of Laravel's `REDIS_*` as a URL, for whatever else uses it: a queue, repeats, rate limits.

    Without any of them it is `redis://127.0.0.1:6379/0`, as with Laravel. The password is in it.

    Raises:
        ConfigurationError: a variable is wrong.
    """
    given = _read(_without_none(_set(environ)), "redis", arguments_by_variable()["redis"])
    if "url" in given:
        scheme, colon, rest = str(given["url"]).partition(":")
        return f"{_AS_LARAVEL_WRITES.get(scheme, scheme)}{colon}{rest}"
    user, password = (quote(given.get(name, ""), safe="") for name in ("username", "password"))
    login = f"{user}:{password}@" if user or password else ""
    host = given.get("host", "127.0.0.1")
    address = f"[{host}]" if ":" in host else host
    scheme = "rediss" if given.get("tls") else "redis"
    return f"{scheme}://{login}{address}:{given.get('port', 6379)}/{given.get('db', 0)}"


def _set(environ: Mapping[str, str] | None) -> dict[str, str]:
    return {key: value for key, value in (os.environ if environ is None else environ).items() if value}


def _without_none(env: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in env.items() if value not in _NONE}


def _delivery(env: Mapping[str, str]) -> dict[str, str]:
    given = env.get(_DELIVERY)
    if given is None or given in _NONE:
        return {}
    if given not in DELIVERIES:
        raise ConfigurationError(f"must be {' or '.join(DELIVERIES)}{instead_of(given)}", setting=_DELIVERY)
    return {"delivery": given}


def _from_url(url: str, variable: str) -> dict[str, Any]:
    try:
        return {**settings_from_url(url), "variables": {"url": variable}}
    except ConfigurationError as error:
        raise ConfigurationError(str(error), setting=f"{variable}:") from None


def _check_other(name: str, variable: str) -> None:
    if name in DRIVERS:
        raise ConfigurationError(
            f"cannot be {name!r}, which needs an object that only code can give: call configure()", setting=variable
        )
    if name in PROFILED:
        raise ConfigurationError(f"is pusher for {name}, with PUSHER_PROFILE={name}", setting=variable)
    if not is_driver(name):
        names = ", ".join([*_ALONE, *arguments_by_variable()])
        raise ConfigurationError(
            f"must be one of {names}, a URL or an installed driver{instead_of(name)}", setting=variable
        )


def _read_or_keep(env: Mapping[str, str], name: str, variables: Mapping[str, str], *, default: str) -> dict[str, Any]:
    """Read a connection's variables; what is wrong with one that is not the default is raised when it is asked for."""
    try:
        return _read(env, name, variables)
    except ConfigurationError as error:
        if name == default:
            raise
        return {"driver": name, "wrong": error}


def _read(env: Mapping[str, str], name: str, variables: Mapping[str, str]) -> dict[str, Any]:
    by_argument = {argument: variable for variable, argument in variables.items()}
    by_url = by_argument.get("url") in env
    arguments: dict[str, Any] = {}
    for variable, argument in variables.items():
        if variable in env and not (by_url and argument in _IN_URL):
            read = _READERS.get(argument)
            arguments[argument] = env[variable] if read is None else read(variable, env[variable])
    for argument in () if by_url else _REQUIRED[name]:
        if argument not in arguments:
            raise ConfigurationError(f"is not set, and the {name} connection needs it", setting=by_argument[argument])
    return {"driver": name, "variables": by_argument, **arguments}


# -- texts into values -----------------------------------------------------------------------------------------------


def _number(what: str) -> Callable[[str, str], int]:
    def read(variable: str, text: str) -> int:
        if not (text.isascii() and text.isdigit()):
            raise ConfigurationError(f"must be {what}{instead_of(text)}", setting=variable)
        return int(text)

    return read


def _seconds(variable: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigurationError(
            f"must be a number of seconds, such as 2.5{instead_of(text)}", setting=variable
        ) from None


def _verify(variable: str, text: str) -> bool | str:
    value = text if "/" in text or os.sep in text else _BOOLEANS.get(text.lower())
    if value is None:
        raise ConfigurationError(f"must be true, false or the path of a CA file{instead_of(text)}", setting=variable)
    return value


def _tls(variable: str, text: str) -> bool:
    if text not in {"tcp", "tls"}:
        raise ConfigurationError(f"must be 'tcp' or 'tls'{instead_of(text)}", setting=variable)
    return text == "tls"


_READERS: dict[str, Callable[[str, str], Any]] = {
    "port": _number("a number from 1 to 65535"),
    "db": _number("the number of a database, such as 0"),
    "timeout": _seconds,
    "verify": _verify,
    "tls": _tls,
}
