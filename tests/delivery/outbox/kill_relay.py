"""A relay process, to be killed: `kill_relay.py DATABASE SERVICE LEASE`."""

from __future__ import annotations

import sys

from sqlalchemy import create_engine

from broadcastkit import Broadcaster
from broadcastkit.delivery.outbox import Relay
from broadcastkit.drivers.pusher import PusherDriver


def main(database: str, service: str, lease: float) -> None:
    broadcaster = Broadcaster(PusherDriver.from_url(service))
    Relay(create_engine(database), broadcaster, lease=lease, batch=20, poll=0.02, backoff=0.01).run()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
