"""The outbox in Django's admin: what waits and what is dead, to be tried again or deleted. No payload is shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from django.contrib import admin
from django.http import HttpRequest

from broadcastkit.delivery.outbox.django import ModelStore
from broadcastkit.integrations.django.outbox.models import OutboxEvent

__all__ = ["OutboxEventAdmin"]


if TYPE_CHECKING:
    _ModelAdmin: TypeAlias = admin.ModelAdmin[OutboxEvent]
else:
    _ModelAdmin = admin.ModelAdmin  # generic in its stubs only


@admin.register(OutboxEvent)
class OutboxEventAdmin(_ModelAdmin):
    """Looks, requeues and deletes; changes nothing else."""

    list_display: Any = ("id", "event_id", "state", "connection", "channels", "attempts", "error", "created")
    list_filter: Any = ("state", "connection", "error")
    ordering: Any = ("-id",)
    exclude: Any = ("envelope",)
    actions: Any = ("requeue",)

    @admin.display(ordering="created_at")
    def created(self, row: Any) -> datetime:
        """Say when it was written."""
        return datetime.fromtimestamp(row.created_at, UTC)

    @admin.action(description="Try dead events again", permissions=["delete"])
    def requeue(self, request: HttpRequest, queryset: Any) -> None:
        """Have the dead among them tried again."""
        number = ModelStore(queryset.db).requeue(list(queryset.values_list("id", flat=True)))
        self.message_user(request, f"{number} will be tried again.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Events are written by broadcasts."""
        del request
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was rendered stays as it is."""
        del request, obj
        return False
