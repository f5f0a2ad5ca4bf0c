"""Has python-socketio write what its servers read. The only module that imports it: servers and managers are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from broadcastkit.drivers.socketio.emission import Emission
from broadcastkit.errors import MissingDependencyError

try:
    from socketio import PubSubManager
except ImportError:
    raise MissingDependencyError("python-socketio", "socketio", "the socketio driver") from None

__all__ = ["texts"]


class _Writer(PubSubManager):  # type: ignore[misc]
    """A write-only manager that keeps its messages instead of publishing them.

    `_publish` is what python-socketio has managers of one's own implement. Those for Redis log what goes wrong there
    and say nothing.
    """

    def __init__(self) -> None:
        super().__init__(write_only=True)
        self.texts: list[str] = []

    def _publish(self, data: Any) -> None:
        self.texts.append(self.json.dumps(data, separators=(",", ":")))


def texts(emissions: Sequence[Emission], namespace: str) -> list[str]:
    """Return, for each emission, the text that python-socketio's managers publish for it."""
    writer = _Writer()
    for one in emissions:
        writer.emit(one.event, one.payload, namespace=namespace, room=one.room, skip_sid=one.skip_sid)
    return writer.texts
