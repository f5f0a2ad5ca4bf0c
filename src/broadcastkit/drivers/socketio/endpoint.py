"""Which Redis python-socketio's servers listen to: a checked URL, and how it is shown."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from broadcastkit.drivers.checks import instead_of
from broadcastkit.errors import ConfigurationError

__all__ = ["address", "check_namespace", "settings_from_url", "shown"]

_SCHEMES = ("redis", "rediss", "unix")
_OPTIONS = {"channel", "namespace"}
_PREFIX = "socketio+"
_PORT = 6379
_DATABASE = re.compile(r"(/[0-9]{0,9})?")


def settings_from_url(url: str) -> dict[str, Any]:
    """Read `socketio+redis://user:password@host:port/db?channel=…&namespace=…` into the driver's arguments.

    Also `socketio+rediss://` with TLS and `socketio+unix:///path`; `socketio+` may be left out. The URL never appears
    in an error, since it holds the password.
    """
    if not isinstance(url, str):
        raise ConfigurationError(f"must be a str, not {type(url).__name__}", setting="url")
    try:
        parts = urlsplit(url.removeprefix(_PREFIX))
        readable = parts.port != 0 and not parts.fragment
    except ValueError:
        raise _unreadable() from None
    if parts.scheme not in _SCHEMES:
        raise ConfigurationError(
            "must start with socketio+redis://, socketio+rediss:// or socketio+unix://; "
            "for anything else, such as Sentinel, give a client",
            setting="url",
        )
    if not readable or (parts.scheme == "unix") == bool(parts.hostname) or (parts.scheme == "unix" and not parts.path):
        raise _unreadable()
    if parts.scheme != "unix" and _DATABASE.fullmatch(parts.path) is None:
        raise ConfigurationError("must have the number of a database as its path, such as /0, or none", setting="url")
    options = dict(parse_qsl(parts.query))
    if options.keys() - _OPTIONS:
        raise ConfigurationError(f"takes the options {', '.join(sorted(_OPTIONS))} and no others", setting="url")
    return {"url": parts._replace(query="").geturl(), **options}


def shown(url: str) -> str:
    """Show where a checked URL points to: neither user nor password."""
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{parts.path if parts.scheme == 'unix' else address}"


def address(url: str) -> tuple[str, int] | None:
    """Return host and port of a checked URL, where it has them."""
    parts = urlsplit(url)
    return None if parts.hostname is None else (parts.hostname, parts.port or _PORT)


def check_namespace(namespace: object) -> str:
    """Return the namespace, or raise ConfigurationError: python-socketio would send to nobody."""
    if not isinstance(namespace, str) or not namespace.startswith("/"):
        raise ConfigurationError(f"must be a str that starts with /{instead_of(namespace)}", setting="namespace")
    return namespace


def _unreadable() -> ConfigurationError:
    return ConfigurationError(
        "cannot be read: it must be like socketio+redis://user:password@host:port/db; "
        "in user and password, write characters such as / : @ # ? as %2F %3A %40 %23 %3F",
        setting="url",
    )
