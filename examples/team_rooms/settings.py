"""What can be set, by the variables of `.env.example`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from broadcastkit.errors import ConfigurationError

__all__ = ["HERE", "Rates", "Settings"]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
_YES = {"1", "true", "yes", "on"}


@dataclass(frozen=True)
class Rates:
    """How often one may do what, as the package `limits` writes it."""

    sign_in: str = "10/minute"
    """For one account, and for one address."""
    messages: str = "60/minute"
    uploads: str = "20/hour"
    typing: str = "60/minute"
    reading: str = "120/minute"
    """Saying how far one has read."""
    rooms: str = "20/hour"
    """Making rooms, and joining them."""
    members: str = "30/hour"
    """Who is in a room, with which role: bringing in, sending away, leaving."""
    asking: str = "300/minute"
    """Everything that only reads, and the question whether one may subscribe."""


@dataclass(frozen=True)
class Settings:
    """Where things are and what is allowed; `Settings.from_env()` reads the environment."""

    secret_key: str = field(repr=False)
    database_url: str = field(repr=False)
    uploads: Path
    bundle: Path = HERE / "dist"
    """The page, as Vite has built it."""
    rooms_private: bool = False
    """Whether open rooms, too, are heard on `private-room-{id}` instead of the public `room-{id}`."""
    show_accounts: bool = False
    """Whether the sign-in page tells of the accounts of seed.py and their password: for the demo only."""
    secure_cookies: bool = False
    """Whether cookies go over HTTPS only."""
    trusted_proxies: int = 0
    """How many proxies stand before this application, whose X-Forwarded-* headers are believed."""
    password_method: str = "scrypt"
    rates: Rates = Rates()
    rates_storage: str = "memory://"
    """Where rates are counted; processes that share a Redis (`redis://…`) count together."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        data = Path(environ.get("DATA_FOLDER") or ROOT / "build" / "team_rooms")
        return cls(
            secret_key=_secret_key(environ, data),
            database_url=_database_url(environ.get("DATABASE_URL") or f"sqlite:///{data.absolute() / 'rooms.sqlite3'}"),
            uploads=data.absolute() / "uploads",
            rooms_private=environ.get("ROOMS_PRIVATE", "").lower() in _YES,
            show_accounts=environ.get("SHOW_ACCOUNTS", "").lower() in _YES,
            secure_cookies=environ.get("SECURE_COOKIES", "").lower() in _YES,
            trusted_proxies=_number(environ, "TRUSTED_PROXIES"),
            rates_storage=environ.get("RATES_STORAGE") or "memory://",
        )


def _secret_key(environ: Mapping[str, str], data: Path) -> str:
    """Return the key that signs cookies: the one given, or one that is made once and kept beside the database."""
    given = environ.get("SECRET_KEY")
    if given:
        return given
    kept = data / "secret_key"
    if not kept.exists():
        data.mkdir(parents=True, exist_ok=True)
        made = data / f"secret_key.{os.getpid()}"
        made.touch(mode=0o600)
        made.write_text(os.urandom(32).hex())
        with contextlib.suppress(FileExistsError):
            kept.hardlink_to(made)  # whole at once: of several processes that start, one is the first
        made.unlink()
    return kept.read_text()


def _number(environ: Mapping[str, str], variable: str) -> int:
    text = environ.get(variable) or "0"
    if not text.isdecimal():
        raise ConfigurationError(f"must be a number, not {text!r}", setting=variable)
    return int(text)


def _database_url(url: str) -> str:
    """Have PostgreSQL, which hosts call by shorter names, spoken to by psycopg."""
    scheme, separator, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}" if separator and scheme in {"postgres", "postgresql"} else url
