"""Django in this process: set up once, and nothing of it left configured."""

from __future__ import annotations

import os
from unittest import mock

import django

from broadcastkit import default

__all__ = ["SETTINGS"]

SETTINGS = "tests.integrations.django_project.settings"

with mock.patch.dict(os.environ, DJANGO_SETTINGS_MODULE=SETTINGS):
    django.setup()
# the app has configured it for the whole process: each test asks for that itself
default.reset()
