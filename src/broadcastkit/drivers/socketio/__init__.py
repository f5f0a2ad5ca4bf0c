"""Socket.IO rooms through python-socketio: emission and plan are pure; driver has the two shells, carriers the I/O.

`managers` is the only module that imports python-socketio.
"""

from __future__ import annotations

from broadcastkit.drivers.asked import ServerAuth
from broadcastkit.drivers.socketio.driver import AsyncSocketIODriver, SocketIODriver

__all__ = ["AsyncSocketIODriver", "ServerAuth", "SocketIODriver"]
