"""Settings into drivers, each made when it is first asked for; what is wrong is named by where it was written."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, Protocol, TypeAlias, TypeVar, runtime_checkable

from broadcastkit.config.deliveries import delivery_of
from broadcastkit.config.guards import GUARDS, check_fallbacks, guarded
from broadcastkit.delivery import Delivery
from broadcastkit.drivers import DRIVERS, driver_class
from broadcastkit.drivers.base import AsyncDriver, Driver
from broadcastkit.drivers.checks import check_breaker
from broadcastkit.errors import ConfigurationError, MissingDependencyError

__all__ = [
    "PROFILED",
    "Connections",
    "Settings",
    "SettingsSource",
    "async_drivers_from_settings",
    "delivery_from_settings",
    "drivers_from_settings",
]

DriverT = TypeVar("DriverT")
PROFILED = ("reverb", "soketi", "anycable", "ably")
"""Names for the pusher driver with the profile of that name."""
# what is no argument of a driver; some of it `environment` adds
_NOTES = {"driver", "url", "variables", "environ", "wrong", "delivery", *GUARDS}


@runtime_checkable
class SettingsSource(Protocol):
    """What has settings, such as `broadcastkit.settings.BroadcastSettings`."""

    def connection_settings(self) -> Mapping[str, Any]:
        """Return the mapping of connections."""
        ...


Settings: TypeAlias = Mapping[str, Any] | SettingsSource
"""`{"default": name, "connections": {name: {"driver": …, …}}}`, one connection, or what has such a mapping.

Either may have `delivery` beside that.
"""


class Connections(Mapping[str, DriverT], Generic[DriverT]):
    """Drivers by connection name, each made when it is first asked for: an unused one imports nothing."""

    def __init__(self, makers: Mapping[str, Callable[[], DriverT]]) -> None:
        self._makers = makers
        self._drivers: dict[str, DriverT] = {}
        self._lock = threading.RLock()  # a connection may have another one as its fallback

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


def drivers_from_settings(settings: Settings) -> tuple[Connections[Driver], str]:
    """Return blocking drivers by connection name, and the name of the default one."""
    return _from_settings(settings, asynchronous=False)


def async_drivers_from_settings(settings: Settings) -> tuple[Connections[AsyncDriver], str]:
    """Return awaited drivers by connection name, and the name of the default one."""
    return _from_settings(settings, asynchronous=True)


def delivery_from_settings(settings: Settings) -> Delivery | None:
    """Return what `delivery` says: `"inline"`, `"background"` or `{"background": {…}}`; None if it is not there.

    Raises:
        ConfigurationError: it is wrong; the part of it is named.
    """
    value = _mapping(settings).get("delivery")
    return None if value is None else delivery_of(value)


def _mapping(given: Settings) -> Mapping[str, Any]:
    settings: object = given.connection_settings() if isinstance(given, SettingsSource) else given
    if not isinstance(settings, Mapping):  # not shown: it may be a URL with a secret in it
        raise ConfigurationError(
            f"settings are a mapping or a settings model, not {type(settings).__name__}; "
            "a driver is for Broadcaster(), and a URL for from_url()"
        )
    return settings


def _from_settings(given: Settings, *, asynchronous: bool) -> tuple[Connections[Any], str]:
    settings = _mapping(given)
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
    if not isinstance(default, str) or default not in connections:
        raise ConfigurationError(f"must be one of {', '.join(connections)}, not {default!r}", setting="default")
    makers = {
        name: _maker(name, options, lambda name: drivers[name], asynchronous=asynchronous)
        for name, options in connections.items()
    }
    check_fallbacks(connections)
    drivers: Connections[Any] = Connections(makers)
    return drivers, default


def _maker(name: str, options: Any, connection: Callable[[str], Any], *, asynchronous: bool) -> Callable[[], Any]:
    if not isinstance(options, Mapping) or not isinstance(options.get("driver"), str):
        raise ConfigurationError(f"needs a 'driver': {_names()}", setting=f"connections.{name}")

    def make() -> Any:
        if "wrong" in options:
            raise options["wrong"]
        try:
            driver = _driver(options, asynchronous=asynchronous)
            breaker = check_breaker(options.get("breaker"))
        except MissingDependencyError:
            raise
        except ConfigurationError as error:
            text = str(error).removeprefix(f"{error.setting} ") if error.setting else str(error)
            raise ConfigurationError(text, setting=_called(name, options, error.setting)) from error.__cause__
        return guarded(driver, breaker, options.get("fallback"), connection, asynchronous=asynchronous)

    return make


def _called(name: str, options: Mapping[str, Any], setting: str) -> str:
    """Return what a setting is called where it was written: a variable, or its path in the mapping."""
    variables: Mapping[str, str] = options.get("variables", {})
    if setting in variables:
        return variables[setting]
    if "url" in variables:  # the setting is a part of that
        return f"{variables['url']}: {setting}" if setting else f"{variables['url']}:"
    return f"connections.{name}.{setting}" if setting else f"connections.{name}:"


def _driver(options: Mapping[str, Any], *, asynchronous: bool) -> Any:
    name, url = options["driver"], options.get("url")
    arguments = {key: value for key, value in options.items() if key not in _NOTES}
    if name in PROFILED:
        arguments = {"profile": name, **arguments}
    cls = driver_class("pusher" if name in PROFILED else name, asynchronous=asynchronous)
    if "environ" in options:
        arguments |= _from_environ(cls, options)
    if url is not None and not hasattr(cls, "from_url"):
        raise ConfigurationError(f"is not for the {name} driver", setting="url")
    if url is not None and not isinstance(url, str):
        raise ConfigurationError(f"must be a str, not {type(url).__name__}", setting="url")
    _check_names(inspect.signature(cls), name, arguments, complete=url is None)
    return cls(**arguments) if url is None else cls.from_url(url, **arguments)


def _from_environ(cls: Any, options: Mapping[str, Any]) -> dict[str, str]:
    """Read the variables of a driver from elsewhere, as the texts that they are."""
    variables: Mapping[str, str] = getattr(cls, "variables", {})
    options["variables"].update({argument: variable for variable, argument in variables.items()})
    environ: Mapping[str, str] = options["environ"]
    return {argument: environ[variable] for variable, argument in variables.items() if variable in environ}


def _check_names(signature: inspect.Signature, driver: str, given: Mapping[str, Any], *, complete: bool) -> None:
    parameters = signature.parameters.values()
    known = [parameter.name for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD]
    unknown = [str(name) for name in given if name not in known]
    if unknown and len(known) == len(parameters):
        has = f"which has {', '.join(known)}" if known else "which has none"
        raise ConfigurationError(f"is no setting of the {driver} driver, {has}", setting=unknown[0])
    if complete:
        for parameter in parameters:
            if parameter.name in known and parameter.default is parameter.empty and parameter.name not in given:
                raise ConfigurationError(f"is not set, and the {driver} driver needs it", setting=parameter.name)


def _names() -> str:
    return ", ".join([*DRIVERS, *PROFILED])
