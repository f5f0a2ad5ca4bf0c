"""A WSGI application for gunicorn, made before it forks (`--preload`): each request broadcasts one event.

The parent has broadcast before: with Background, that waits in its queue while it forks, and no child may send it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from broadcastkit import Broadcaster
from broadcastkit.delivery import Background, Delivery, Inline
from broadcastkit.drivers.pusher import PusherDriver
from tests.faults.deliveries import event

__all__ = ["app"]

PARENTS = 5

_deliveries: dict[str, Callable[[], Delivery]] = {"Inline": Inline, "Background": Background}
_channels = os.environ["CHANNELS"].split()
_driver = PusherDriver.from_url(os.environ["SERVICE_URL"])
_broadcaster = Broadcaster(_driver, delivery=_deliveries[os.environ["DELIVERY"]]())
for _number in range(PARENTS):
    _broadcaster.broadcast(event(_number, _channels)).to_everyone()


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    number = parse_qs(environ["QUERY_STRING"]).get("n")
    if number is not None:
        _broadcaster.broadcast(event(int(number[0]), _channels)).to_everyone()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
