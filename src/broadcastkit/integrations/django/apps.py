"""The app: configures broadcasting, finds the rules of every app, and registers the system checks."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.core.checks import register
from django.core.signals import setting_changed
from django.utils.module_loading import autodiscover_modules

__all__ = ["BroadcastingConfig"]


class BroadcastingConfig(AppConfig):
    """`broadcastkit.integrations.django` in INSTALLED_APPS."""

    name: str = "broadcastkit.integrations.django"
    # the last part of the name, which would be the label, says nothing
    label: str = "broadcastkit"
    verbose_name: str = "Broadcasting"

    def ready(self) -> None:
        """Configure, and import `broadcasting.py` of every app that has one."""
        from broadcastkit.integrations.django import checks, conf

        conf.apply()
        autodiscover_modules("broadcasting")
        for check in checks.CHECKS:
            register(check)
        setting_changed.connect(_setting_changed)


def _setting_changed(*, setting: str, **_: Any) -> None:
    """Configure anew in a test that overrides settings."""
    from broadcastkit.integrations.django import conf

    if setting in {conf.BROADCASTING, conf.ON_ERROR, conf.OUTBOX, conf.OUTBOX_NOTIFY, conf.WHEN_OFFLINE}:
        conf.apply()
