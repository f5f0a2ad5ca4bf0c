"""A door before a service: it lets connections through, shuts them in the caller's face, or holds them for ever."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Literal

from tests.interop.servers import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Gate", "gate"]

State = Literal["open", "shut", "stalled"]


class Gate:
    """The door; `port` is where callers knock. `turned_away` and `held` count them."""

    def __init__(self, listener: socket.socket, behind: int) -> None:
        self.port: int = listener.getsockname()[1]
        self.state: State = "open"
        self.turned_away = threading.Semaphore(0)
        self.held = threading.Semaphore(0)
        self._listener = listener
        self._behind = behind
        self._kept: list[socket.socket] = []

    def serve(self) -> None:
        """Let callers in until the listener is closed."""
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            if self.state == "shut":
                caller.close()
                self.turned_away.release()
            elif self.state == "stalled":
                self._kept.append(caller)
                self.held.release()
            else:
                service = socket.create_connection((LOOPBACK, self._behind))
                for pair in ((caller, service), (service, caller)):
                    threading.Thread(target=_carry, args=pair, daemon=True).start()

    def close(self) -> None:
        """Let go of what is held."""
        for caller in self._kept:
            caller.close()


def _carry(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


@contextlib.contextmanager
def gate(behind: int) -> Iterator[Gate]:
    """Serve a door before a port of this machine."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        door = Gate(listener, behind)
        thread = threading.Thread(target=door.serve, daemon=True)
        thread.start()
        try:
            yield door
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept()
            listener.close()
            thread.join(5)
            door.close()
