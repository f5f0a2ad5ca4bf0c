"""The transactional outbox for Django: `INSTALLED_APPS += ["broadcastkit.integrations.django.outbox"]`, and migrate.

Events are written into a table in the transaction that they tell of; `manage.py broadcast_relay` sends them.
"""

from __future__ import annotations

from importlib.util import find_spec

from broadcastkit.errors import MissingDependencyError

__all__: list[str] = []

if find_spec("django") is None:
    raise MissingDependencyError("django", "django", "broadcastkit.integrations.django.outbox")
