"""Socket.IO rooms through python-socketio: emission and plan are pure; driver has the two shells, carriers the I/O.

`managers` is the only module that imports python-socketio, `clients` the only one that imports redis-py.
"""

from __future__ import annotations

from broadcastkit.drivers.socketio.answers import RoomAuth
from broadcastkit.drivers.socketio.driver import AsyncSocketIODriver, SocketIODriver

__all__ = ["AsyncSocketIODriver", "RoomAuth", "SocketIODriver"]
