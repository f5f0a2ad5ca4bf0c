"""Django: `INSTALLED_APPS += ["broadcastkit.integrations.django"]`.

Rules go into `channels`, from a module `broadcasting.py` in each app, which is found by itself as `admin.py` is.
"""

from __future__ import annotations

from importlib.util import find_spec

from broadcastkit.errors import MissingDependencyError
from broadcastkit.integrations.django.registry import DjangoChannelRegistry

__all__ = ["channels"]

if find_spec("django") is None:
    raise MissingDependencyError("django", "django", "broadcastkit.integrations.django")

channels: DjangoChannelRegistry = DjangoChannelRegistry()
"""The rules of the whole project."""
