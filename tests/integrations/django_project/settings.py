"""The settings of a small project; a server of its own is told its database and its service by the environment."""

from __future__ import annotations

import os
from typing import Any

PROJECT = "tests.integrations.django_project"

SECRET_KEY = "nobody's"
ALLOWED_HOSTS = ["*"]
USE_TZ = True
AUTH_USER_MODEL = "chat.Person"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# quick ones: no test is about passwords
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "broadcastkit.integrations.django",
    "broadcastkit.integrations.django.outbox",
    f"{PROJECT}.chat",
    f"{PROJECT}.desks",
]
MIDDLEWARE = [
    f"{PROJECT}.cookies.cookie_from_header",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "broadcastkit.integrations.django.middleware.SocketIdMiddleware",
]
ROOT_URLCONF = f"{PROJECT}.urls"
WSGI_APPLICATION = f"{PROJECT}.wsgi.application"
ASGI_APPLICATION = f"{PROJECT}.asgi.application"

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        # in memory, and one for all threads: each has a connection of its own, which Django closes after a request
        "NAME": os.environ.get("CHAT_DATABASE", "file:/chat?vfs=memdb"),
        "ATOMIC_REQUESTS": False,
    }
}

BROADCASTING: str | dict[str, Any] = os.environ.get("CHAT_BROADCASTING") or {
    "default": "main",
    "connections": {
        "main": {
            "driver": "pusher",
            "app_id": "1",
            "key": "278d425bdf160c739803",
            "secret": "7ad3773142a6692b25b8",
            "encryption_master_key": "zyrm8pvV2C9fJcBfhyXzvxbJVN/H7QLmbe0xJi1GhPU=",
        },
        "spare": {"driver": "memory"},
    },
}
