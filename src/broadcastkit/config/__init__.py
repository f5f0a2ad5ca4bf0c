"""Settings into drivers: from a mapping, a URL or the environment that Laravel apps already have."""

from __future__ import annotations

from broadcastkit.config.connections import (
    Connections,
    Settings,
    SettingsSource,
    async_drivers_from_settings,
    delivery_from_settings,
    drivers_from_settings,
)
from broadcastkit.config.environment import redis_url_from_env, settings_from_env
from broadcastkit.config.urls import settings_from_url

__all__ = [
    "Connections",
    "Settings",
    "SettingsSource",
    "async_drivers_from_settings",
    "delivery_from_settings",
    "drivers_from_settings",
    "redis_url_from_env",
    "settings_from_env",
    "settings_from_url",
]
