"""What the environment says, in the guide's own names: .env.example has all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, Self, TypeAlias

from broadcastkit.errors import ConfigurationError

__all__ = ["QueueConnection", "Settings"]

QueueConnection: TypeAlias = Literal["sync", "redis"]

BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True)
class Settings:
    database_url: str = field(repr=False)
    """Of SQLAlchemy: `sqlite+aiosqlite:///…` or `postgresql+psycopg://…`."""
    driver: str | None
    """BROADCAST_DRIVER; None: the server in this process."""
    queue: QueueConnection = "sync"
    debug: bool = False
    token_lifetime: timedelta = timedelta(hours=8)
    websocket_url: str | None = None
    """Where pages reach the service, if not where this process sends to."""
    metrics_token: str | None = field(default=None, repr=False)
    """The bearer token with which Prometheus reads /metrics: those of people end."""
    demo: bool = False
    """Whether the sign-in page shows the accounts of the seed."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        env = {name: value for name, value in environ.items() if value}
        driver = env.get("BROADCAST_CONNECTION") or env.get("BROADCAST_DRIVER")
        queue = _queue(env.get("QUEUE_CONNECTION", "sync"))
        if driver is None and queue == "redis":
            raise ConfigurationError(
                "workers cannot reach the server in this process: set BROADCAST_DRIVER too", setting="QUEUE_CONNECTION"
            )
        if "DATABASE_URL" not in env:
            raise ConfigurationError("is not set, such as sqlite+aiosqlite:///market.sqlite3", setting="DATABASE_URL")
        return cls(
            database_url=env["DATABASE_URL"],
            driver=driver,
            queue=queue,
            debug=_boolean(env, "APP_DEBUG"),
            token_lifetime=timedelta(minutes=_minutes(env.get("SANCTUM_EXPIRATION", "480"))),
            websocket_url=env.get("WEBSOCKET_URL"),
            metrics_token=env.get("METRICS_TOKEN"),
            demo=_boolean(env, "DEMO_ACCOUNTS"),
        )


def _queue(text: str) -> QueueConnection:
    if text == "sync":
        return "sync"
    if text == "redis":
        return "redis"
    raise ConfigurationError(f"must be sync or redis, not {text!r}", setting="QUEUE_CONNECTION")


def _boolean(env: Mapping[str, str], name: str) -> bool:
    text = env.get(name, "false")
    if text.lower() not in BOOLEANS:
        raise ConfigurationError(f"must be true or false, not {text!r}", setting=name)
    return BOOLEANS[text.lower()]


def _minutes(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ConfigurationError(f"must be a number of minutes, not {text!r}", setting="SANCTUM_EXPIRATION")
    return int(text)
