"""The table of the outbox: the same as `outbox_table()` makes, so that either relay reads it."""

from __future__ import annotations

from typing import Any

from django.db import models

__all__ = ["OutboxEvent"]


class OutboxEvent(models.Model):
    """An event that waits, was given up, or was delivered; times are seconds since 1970, by the database's clock."""

    id: Any = models.BigAutoField(primary_key=True)
    event_id: Any = models.CharField(max_length=36)
    connection: Any = models.CharField(max_length=255)
    channels: Any = models.TextField()
    envelope: Any = models.TextField()
    state: Any = models.CharField(
        max_length=10,
        default="waiting",
        choices=[("waiting", "waiting"), ("dead", "dead"), ("delivered", "delivered")],
    )
    created_at: Any = models.FloatField()
    attempts: Any = models.IntegerField(default=0)
    refusals: Any = models.IntegerField(default=0)
    next_try_at: Any = models.FloatField(default=0.0)
    claimed_by: Any = models.CharField(max_length=36, null=True)  # noqa: DJ001 - as the other table has it
    claimed_until: Any = models.FloatField(default=0.0)
    delivered_at: Any = models.FloatField(null=True)
    error: Any = models.CharField(max_length=100, null=True)  # noqa: DJ001 - the same

    class Meta:
        """Where it is, and how a relay looks for it."""

        db_table: str = "broadcastkit_outbox"
        indexes: Any = (models.Index(fields=["state", "id"], name="broadcastkit_outbox_state"),)
        verbose_name: str = "event"

    def __str__(self) -> str:
        """Leave the payload out."""
        return f"{self.event_id} on {self.channels}"
