"""What is published, compared with its source."""

from __future__ import annotations

import json

import pytest
import socketio

from broadcastkit.drivers.socketio.emission import Emission
from broadcastkit.drivers.socketio.managers import texts

EMISSIONS = [
    Emission("message.sent", {"id": 5, "by": "Zoë ✓"}, ("private-user.7",), "h3nAdb134tbvqwrg"),
    Emission("both", [1, [2]], ("x", "y"), None),
    Emission("nothing", None, ("x",), None),
]


class Published(socketio.RedisManager):  # type: ignore[misc]
    """python-socketio's own manager, whose publishing is seen."""

    def __init__(self) -> None:
        super().__init__("redis://", write_only=True)
        self.published: list[dict[str, object]] = []

    def _publish(self, data: dict[str, object]) -> int:
        self.published.append(data)
        return 1


@pytest.mark.parametrize("namespace", ["/", "/staff"])
def test_the_text_is_what_python_socketios_own_manager_publishes(namespace: str) -> None:
    manager = Published()
    for one in EMISSIONS:
        manager.emit(one.event, one.payload, namespace=namespace, room=one.room, skip_sid=one.skip_sid)

    ours = [json.loads(text) for text in texts(EMISSIONS, namespace)]

    # the id of the host that it is from, for that host to leave it out
    assert len({one.pop("host_id") for one in ours}) == 1
    assert ours == [{key: part for key, part in one.items() if key != "host_id"} for one in manager.published]
