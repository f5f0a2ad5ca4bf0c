"""The table as it was made first."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

__all__ = ["Migration"]

_STATES = [("waiting", "waiting"), ("dead", "dead"), ("delivered", "delivered")]


def _take_all_of_unicode(_: Any, schema_editor: Any) -> None:
    """Have the table take every payload where the database's own default would not; MariaDB and MySQL only."""
    if schema_editor.connection.vendor == "mysql":
        schema_editor.execute("ALTER TABLE broadcastkit_outbox CONVERT TO CHARACTER SET utf8mb4")


class Migration(migrations.Migration):
    """Make the table."""

    initial: bool | None = True
    dependencies: Any = ()
    operations: Any = (
        migrations.CreateModel(
            name="OutboxEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("event_id", models.CharField(max_length=36)),
                ("connection", models.CharField(max_length=255)),
                ("channels", models.TextField()),
                ("envelope", models.TextField()),
                ("state", models.CharField(choices=_STATES, default="waiting", max_length=10)),
                ("created_at", models.FloatField()),
                ("attempts", models.IntegerField(default=0)),
                ("refusals", models.IntegerField(default=0)),
                ("next_try_at", models.FloatField(default=0.0)),
                ("claimed_by", models.CharField(max_length=36, null=True)),
                ("claimed_until", models.FloatField(default=0.0)),
                ("delivered_at", models.FloatField(null=True)),
                ("error", models.CharField(max_length=100, null=True)),
            ],
            options={
                "verbose_name": "event",
                "db_table": "broadcastkit_outbox",
                "indexes": [models.Index(fields=["state", "id"], name="broadcastkit_outbox_state")],
            },
        ),
        migrations.RunPython(_take_all_of_unicode, migrations.RunPython.noop, atomic=False),
    )
