"""What clients may send at all.

python-socketio takes an event for whatever it is called: one that a client calls `disconnect` runs the handler of that
name, and its connection would go on unseen. It waits for as many attachments as a packet announces, and a packet that
is none ends in its log with a traceback. None of that is a message of ours: each becomes an event that says so.
"""

from __future__ import annotations

from typing import Any

from socketio.packet import ACK, CONNECT, DISCONNECT, EVENT, Packet

__all__ = ["INVALID", "ClientPacket"]

INVALID = "invalid_packet"
# those that Socket.IO's own server keeps for itself
RESERVED = {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}


class ClientPacket(Packet):  # type: ignore[misc]
    def __init__(self, *args: Any, encoded_packet: str | bytes | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        if encoded_packet is not None:  # an empty one, too, is what a client sent
            self.decode(encoded_packet)

    def decode(self, encoded_packet: str | bytes) -> int:
        try:
            attachments = super().decode(encoded_packet)
        except (ValueError, RecursionError):
            attachments = None
        if attachments != 0 or not self._is_expected():
            self.packet_type, self.data, self.namespace, self.id = EVENT, [INVALID], None, None
        return 0

    def _is_expected(self) -> bool:
        if self.packet_type == EVENT:
            return is_event(self.data)
        if self.packet_type == ACK:
            return isinstance(self.data, list)
        return self.packet_type in {CONNECT, DISCONNECT}


def is_event(data: Any) -> bool:
    return isinstance(data, list) and bool(data) and isinstance(data[0], str) and data[0] not in RESERVED
