"""Connecting a blocking socket, within a time limit for all of it: the name, each address, and TLS."""

from __future__ import annotations

import socket
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any

from broadcastkit.drivers.sockets.failures import unconnected
from broadcastkit.threads import started

if TYPE_CHECKING:
    import ssl

__all__ = ["connected", "connected_to_path", "left"]


def connected(host: str, port: int, seconds: float | None, context: ssl.SSLContext | None) -> socket.socket:
    """Connect to the first address that answers, each with an equal share of the time that is left.

    Raises:
        ConnectError: none did, in time.
    """
    deadline = None if seconds is None else monotonic() + seconds
    try:
        made = _first(host, port, deadline)
        try:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                made.settimeout(left(deadline))
                made = context.wrap_socket(made, server_hostname=host)
        except BaseException:
            made.close()
            raise
    except (OSError, UnicodeError) as error:  # a host's name may be none at all
        raise unconnected(error, seconds) from error
    return made


def connected_to_path(path: str, seconds: float | None) -> socket.socket:
    """Connect to a Unix socket.

    Raises:
        ConnectError: there is none, or nobody answers in time.
    """
    made = socket.socket(socket.AF_UNIX)
    try:
        made.settimeout(seconds)
        made.connect(path)
    except OSError as error:
        made.close()
        raise unconnected(error, seconds) from error
    return made


def left(deadline: float | None, shares: int = 1) -> float | None:
    """Return the seconds that are left until then, or one of several shares of them; None is for ever."""
    return None if deadline is None else max((deadline - monotonic()) / shares, 0.001)


def _first(host: str, port: int, deadline: float | None) -> socket.socket:
    addresses = _addresses(host, port, left(deadline))
    failed: OSError = TimeoutError()
    for position, (family, kind, protocol, _, address) in enumerate(addresses):
        made = socket.socket(family, kind, protocol)
        try:
            made.settimeout(left(deadline, len(addresses) - position))
            made.connect(address)
        except OSError as error:
            made.close()
            failed = error
        except BaseException:
            made.close()
            raise
        else:
            return made
    raise failed


def _addresses(host: str, port: int, seconds: float | None) -> list[Any]:
    """Return the addresses of a host.

    The system's resolver has no time limit that could be set. It is asked by a thread, which is left behind when it
    takes too long; but not for what is an address already, and what nobody limits. Where no thread can be started, a
    name without a limit is better than none.
    """
    if seconds is None or _is_address(host):
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    answers: SimpleQueue[list[Any] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001 - raised where it was asked
            answers.put(error)

    if started(ask, "broadcastkit-resolver") is None:
        ask()
    try:
        answer = answers.get(timeout=seconds)
    except Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _is_address(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except (OSError, UnicodeError):
            continue
        return True
    return False
