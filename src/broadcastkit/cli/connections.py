"""Which connections a command is about: those of the environment, or the one of `--url`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from broadcastkit.broadcaster import Broadcaster
from broadcastkit.config import settings_from_env, settings_from_url
from broadcastkit.core.encryption import MasterKeys
from broadcastkit.delivery import Inline
from broadcastkit.drivers.base import Driver
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.drivers.pusher.endpoint import settings_from_url as pusher_arguments_from_url
from broadcastkit.errors import ConfigurationError

__all__ = ["Configured", "ConnectionOption", "JsonOption", "PusherConnection", "UrlOption", "configured"]

UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="One connection, such as pusher://key:secret@host:port/app-id, in the place of the environment's. "
        "Other users of the machine can read a command line; BROADCAST_CONNECTION may hold the URL too.",
    ),
]
ConnectionOption = Annotated[
    str | None,
    typer.Option(
        "--connection", metavar="NAME", help="A connection of the environment; the default one, unless given."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@dataclass(frozen=True, slots=True)
class PusherConnection:
    """A connection to a service of Pusher's kind, with what its clients need."""

    name: str
    driver: PusherDriver
    key: str
    secret: str = field(repr=False)
    master_key: MasterKeys = field(repr=False)
    verify: bool = True


class Configured:
    """The connections, by name."""

    def __init__(self, settings: Mapping[str, Any], **options: Any) -> None:
        if "connections" not in settings:
            name = settings["driver"]
            settings = {"default": name, "connections": {name: settings}}
        self._connections: Mapping[str, Mapping[str, Any]] = settings["connections"]
        self.default: str = settings["default"]
        # whatever BROADCAST_DELIVERY says: who asks here waits for the answer
        self.broadcaster: Broadcaster = Broadcaster.from_settings(settings, delivery=Inline(), **options)

    def __repr__(self) -> str:
        """Show the names only."""
        return f"Configured({', '.join(self._connections)})"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all connections."""
        return tuple(self._connections)

    def driver(self, name: str | None = None) -> Driver:
        """Return a connection's driver, the default one's if no name is given."""
        return self.broadcaster.driver(name)

    def driver_name(self, name: str) -> str:
        """Return what kind of connection one is."""
        return str(self._connections[name]["driver"])

    def called(self, name: str, setting: str) -> str:
        """Return what a setting is called where it was given: the name of a variable, or its place in the URL."""
        options = self._connections[name]
        variables: Mapping[str, str] = options.get("variables", {})
        if "url" in options and setting not in options:
            return f"{setting} in {variables.get('url', 'the URL')}"
        return variables.get(setting, setting)

    def pusher(self, name: str | None, purpose: str) -> PusherConnection:
        """Return a connection to a service of Pusher's kind.

        Raises:
            ConfigurationError: it is of another kind, and `purpose` needs one of this.
        """
        name = self.default if name is None else name
        driver = self.driver(name)
        if not isinstance(driver, PusherDriver):
            raise ConfigurationError(
                f"{purpose} needs a connection to a service of Pusher's kind; {name} is a {self.driver_name(name)} "
                "connection"
            )
        options = self._connections[name]
        arguments = {**pusher_arguments_from_url(options["url"]), **options} if "url" in options else options
        return PusherConnection(
            name,
            driver,
            key=arguments["key"],
            secret=arguments["secret"],
            master_key=arguments.get("encryption_master_key"),
            verify=arguments.get("verify", True),
        )


@contextmanager
def configured(url: str | None, **options: Any) -> Iterator[Configured]:
    """Read the configuration; what was opened is closed at the end. `options` are those of Broadcaster.

    Raises:
        ConfigurationError: a setting is missing or wrong.
    """
    found = Configured(settings_from_env() if url is None else settings_from_url(url), **options)
    with found.broadcaster:
        yield found
