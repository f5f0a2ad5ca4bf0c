"""Reads the environment, for settings.py. An empty variable is an absent one."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

__all__ = ["GUIDE", "database", "listed", "read", "secret_key"]

# as in the guide's .env
GUIDE = {
    "PUSHER_APP_ID": "mysharpjob",
    "PUSHER_APP_KEY": "mysharpjob-key",
    "PUSHER_APP_SECRET": "mysharpjob-secret",
    "PUSHER_HOST": "127.0.0.1",
    "PUSHER_PORT": "6001",
    "PUSHER_SCHEME": "http",
    "PUSHER_APP_CLUSTER": "mt1",
}


def read(name: str, default: str = "") -> str:
    return os.environ.get(name) or default


def listed(name: str) -> list[str]:
    return [part.strip() for part in read(name).split(",") if part.strip()]


def secret_key(folder: Path) -> str:
    """Return SECRET_KEY, or one that is made once and kept."""
    if given := read("SECRET_KEY"):
        return given
    kept = folder / "secret-key"
    if not kept.exists():
        made = folder / f"secret-key-{os.getpid()}"
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(50))
        with contextlib.suppress(FileExistsError):  # of another process that begins just now
            kept.hardlink_to(made)
        made.unlink()
    return kept.read_text()


def database(url: str, folder: Path) -> dict[str, Any]:
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": folder / "jobs.sqlite3",
            # writers wait for each other instead of failing, and readers do not wait at all
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL"},
        }
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.hostname or not parts.path.strip("/"):
        raise ImproperlyConfigured("DATABASE_URL must be like postgres://user:password@host:5432/name")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname,
        "PORT": parts.port or "",
    }
