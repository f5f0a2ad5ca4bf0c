"""The app of the outbox's table."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["OutboxConfig"]


class OutboxConfig(AppConfig):
    """`broadcastkit.integrations.django.outbox` in INSTALLED_APPS."""

    name: str = "broadcastkit.integrations.django.outbox"
    # the last part of the name, which would be the label, is one that others may have
    label: str = "broadcastkit_outbox"
    verbose_name: str = "Broadcasting: outbox"
    default_auto_field: str = "django.db.models.BigAutoField"
