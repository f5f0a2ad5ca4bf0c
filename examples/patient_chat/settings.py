"""Settings, under the guide's own names and a few more: see `.env.example`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from broadcastkit.errors import ConfigurationError
from examples.patient_chat.limits import RATES

__all__ = ["Settings"]

DATA = Path("build") / "patient_chat"
LEAST_SECRET = 32
LEAST_VARIETY = 10
_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg", "sqlite": "sqlite+aiosqlite"}


@dataclass(frozen=True, kw_only=True)
class Settings:
    jwt_secret: str = field(repr=False)
    frontend_url: str | None = None
    database_url: str = field(repr=False)
    redis_url: str | None = field(default=None, repr=False)
    mail_url: str | None = field(default=None, repr=False)
    mail_from: str = "chat@localhost"
    upload_dir: Path = DATA / "uploads"
    metrics_token: str | None = field(default=None, repr=False)
    token_lifetime: timedelta = timedelta(hours=12)
    rates: Mapping[str, str] = field(default_factory=lambda: RATES)
    demo: bool = False
    """Whether the page shows who can sign in with which password."""

    def __post_init__(self) -> None:
        check_secret(self.jwt_secret)

    @classmethod
    def from_env(cls, environ: Mapping[str, str], *, demo: bool = False) -> Settings:
        """Read the environment; a demo makes do without a secret, with one that nobody knows."""
        given = {name: value for name, value in environ.items() if value}
        hours = given.get("TOKEN_HOURS", "12")
        if not hours.isdecimal() or int(hours) < 1:
            raise ConfigurationError(f"must be a number of hours, not {hours!r}", setting="TOKEN_HOURS")
        return cls(
            jwt_secret=given.get("JWT_SECRET") or (secrets.token_urlsafe(48) if demo else ""),
            frontend_url=origin(given.get("FRONTEND_URL")),
            database_url=database_url(given.get("DATABASE_URL")),
            redis_url=given.get("REDIS_URL"),
            mail_url=given.get("MAIL_URL"),
            mail_from=given.get("MAIL_FROM", "chat@localhost"),
            upload_dir=Path(given.get("UPLOAD_DIR", DATA / "uploads")),
            metrics_token=given.get("METRICS_TOKEN"),
            token_lifetime=timedelta(hours=int(hours)),
            demo=demo,
        )


def check_secret(secret: str) -> None:
    """Refuse a secret that could be guessed: with it, anybody could be anybody."""
    if len(secret.encode()) < LEAST_SECRET or len(set(secret)) < LEAST_VARIETY:
        raise ConfigurationError(
            f"must be a random text of at least {LEAST_SECRET} bytes, such as secrets.token_urlsafe(48) makes",
            setting="JWT_SECRET",
        )


def origin(url: str | None) -> str | None:
    """Return scheme, host and port of a page's address, as browsers say where a request comes from."""
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path.strip("/") or parts.query:
        raise ConfigurationError("must be an origin such as http://localhost:3000", setting="FRONTEND_URL")
    return f"{parts.scheme}://{parts.netloc}".lower()


def database_url(url: str | None) -> str:
    """Return the address with the driver that awaits."""
    if url is None:
        return f"sqlite+aiosqlite:///{DATA / 'chat.db'}"
    scheme, separator, rest = url.partition("://")
    if not separator or _DRIVERS.get(scheme, scheme) not in _DRIVERS.values():
        raise ConfigurationError("must start with postgresql:// or sqlite:///", setting="DATABASE_URL")
    return f"{_DRIVERS.get(scheme, scheme)}://{rest}"
