"""The variables as a model of pydantic-settings: from the environment, a `.env` file, secret files or arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

from pydantic import SecretStr, model_validator

from broadcastkit.broadcaster import AsyncBroadcaster, Broadcaster
from broadcastkit.config import settings_from_env
from broadcastkit.config.variables import Variables
from broadcastkit.errors import MissingDependencyError

try:
    from pydantic_settings import BaseSettings, SettingsConfigDict
except ImportError:
    raise MissingDependencyError("pydantic-settings", "settings", "broadcastkit.settings") from None

__all__ = ["BroadcastSettings"]


class BroadcastSettings(Variables, BaseSettings):
    """Connections from `BROADCAST_CONNECTION`, `PUSHER_*`, `REVERB_*`, `REDIS_*` and `SOCKETIO_*`.

    The fields are the variables in lower case. A model of yours may inherit it, or have it as a field. Where it is
    inherited, fields of its own are variables too, for drivers of other packages that read them.

    Raises:
        ConfigurationError: a variable is missing or wrong; it is named, with what it should hold, and no secret.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_ignore_empty=True,
        extra="ignore",  # a `.env` file is the whole application's
        hide_input_in_errors=True,
    )

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Show what is set."""
        return ((name, value) for name, value in super().__repr_args__() if value is not None)

    @model_validator(mode="after")
    def _check_connections(self) -> Self:
        # raised as it is: pydantic's own error would have all input in its `errors()`
        if self.broadcast_connection is not None or self.broadcast_driver is not None:
            self.connection_settings()
        return self

    def connection_settings(self) -> Mapping[str, Any]:
        """Return the mapping that `Broadcaster.from_settings()` and `configure()` take; they take this object too."""
        return settings_from_env(dict(self._environ()))

    def broadcaster(self, **options: Any) -> Broadcaster:
        """Make a broadcaster; `options` are those of Broadcaster."""
        return Broadcaster.from_settings(self.connection_settings(), **options)

    def async_broadcaster(self, **options: Any) -> AsyncBroadcaster:
        """Make an AsyncBroadcaster; `options` are those of its constructor."""
        return AsyncBroadcaster.from_settings(self.connection_settings(), **options)

    def _environ(self) -> Iterator[tuple[str, str]]:
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, SecretStr):
                value = value.get_secret_value()
            if isinstance(value, (str, int, float)):
                yield name.upper(), str(value)
