"""What can be set, under the names that the guide gives it. An empty variable is an absent one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from sqlalchemy import URL, make_url

from broadcastkit.errors import ConfigurationError

__all__ = ["Settings"]

ROOT = Path(__file__).parents[2]
_MEGABYTE = 1024 * 1024


class Settings(BaseModel):
    """Each field is read from the variable of its name in capitals: `mail_host` from `MAIL_HOST`."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, alias_generator=str.upper, validate_by_name=True, hide_input_in_errors=True
    )

    app_url: str = "http://127.0.0.1:8000"
    """Where emails and push notifications lead to."""
    app_demo: bool = False
    """Fills an empty database, and shows the accounts on the sign-in page."""
    storage_dir: Path = ROOT / "build" / "dentist_chat"
    """The database, what was attached to messages, and the log."""
    database_url: str | None = Field(default=None, repr=False)

    broadcast_driver: Literal["pusher"] | None = None
    """`pusher` for soketi, Reverb or Pusher Channels, as `PUSHER_*` say; without it, the server in this process."""
    pusher_app_key: str = "ask-dentist-key"
    queue_connection: Literal["sync", "redis"] = "sync"
    """`redis`: a worker sends what is broadcast. `sync`: this process does, in the background."""
    queue_name: str = "broadcasts"
    redis_url: SecretStr | None = None
    redis_host: str = "127.0.0.1"
    redis_port: int = 6379
    redis_password: SecretStr | None = None

    mail_host: str | None = None
    """SendGrid's is smtp.sendgrid.net; the rest of `MAIL_*` is the mailer's to read. Without it no email is sent."""
    mail_from_address: str = "chat@ask-dentist.example"
    fcm_credentials: Path | None = None
    """The file of a service account of Firebase. Without it nothing is pushed."""
    fcm_endpoint: str = "https://fcm.googleapis.com"

    session_hours: int = Field(default=12, ge=1)
    token_days: int = Field(default=30, ge=1)
    attachment_limit: int = Field(default=5 * _MEGABYTE, ge=1)
    """Bytes of one attachment."""
    argon2_memory: int = Field(default=19_456, ge=8)
    """KiB for each password that is hashed: OWASP's advice. Tests take less."""
    rate_login: str = "10/minute"
    rate_write: str = "60/minute"
    rate_upload: str = "60/hour"
    """Attachments, which are kept: with 5 MB for each, 300 MB in an hour."""
    rate_read: str = "300/minute"
    rate_typing: str = "120/minute"
    metrics_token: SecretStr | None = None
    """The bearer token with which Prometheus may read /metrics; administrators may without."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        given = {name: value for name, value in (os.environ if environ is None else environ).items() if value}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            raise ConfigurationError(first["msg"].removeprefix("Input "), setting=str(first["loc"][0])) from None

    @property
    def database(self) -> URL:
        """The database, for the awaited engine: aiosqlite's or psycopg's."""
        url = make_url(self.database_url or f"sqlite:///{self.storage_dir / 'chat.db'}")
        drivers = {"sqlite": "sqlite+aiosqlite", "postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
        return url.set(drivername=drivers.get(url.drivername, url.drivername))

    @property
    def blocking_database(self) -> URL:
        """The same, for what blocks: a task queue's worker, and the threads that send emails."""
        url = self.database
        return url.set(drivername="sqlite") if url.drivername == "sqlite+aiosqlite" else url

    @property
    def redis(self) -> str:
        if self.redis_url is not None:
            return self.redis_url.get_secret_value()
        password = "" if self.redis_password is None else f":{quote(self.redis_password.get_secret_value(), safe='')}@"
        return f"redis://{password}{self.redis_host}:{self.redis_port}/0"

    @property
    def secure_cookies(self) -> bool:
        """Whether browsers are told to send cookies over HTTPS only."""
        return self.app_url.startswith("https://")
