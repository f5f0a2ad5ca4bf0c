"""The transactional outbox: events are written with the data they tell of, and a relay sends what was committed.

`outbox_table()` is in `broadcastkit.delivery.outbox.sqlalchemy`, the Django app in
`broadcastkit.integrations.django.outbox`.
"""

from __future__ import annotations

from broadcastkit.delivery.outbox.base import Dead
from broadcastkit.delivery.outbox.delivery import Outbox
from broadcastkit.delivery.outbox.metrics import RelayStatistics
from broadcastkit.delivery.outbox.relay import Relay

__all__ = ["Dead", "Outbox", "Relay", "RelayStatistics"]
