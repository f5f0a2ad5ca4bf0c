"""Connecting a protocol of asyncio, within a time limit for all of it: the name, each address, and TLS.

Not anyio's streams: they cost a checkpoint and two calls of the selector for each read, and TLS in Python.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from broadcastkit.drivers.sockets.failures import unconnected

if TYPE_CHECKING:
    import ssl

__all__ = ["connected", "connected_to_path"]

ProtocolT = TypeVar("ProtocolT", bound=asyncio.Protocol)


async def connected(
    make: Callable[[], ProtocolT], host: str, port: int, seconds: float | None, context: ssl.SSLContext | None
) -> ProtocolT:
    """Connect to the first address that answers, each with an equal share of the time that is left.

    Raises:
        ConnectError: none did, in time.
    """
    loop = asyncio.get_running_loop()
    name = host if context is not None else None
    failed: OSError = TimeoutError()
    try:
        async with asyncio.timeout(seconds) as whole:
            addresses = await _addresses(loop, host, port)
            for position, address in enumerate(addresses):
                deadline, now = whole.when(), loop.time()
                share = None if deadline is None else now + (deadline - now) / (len(addresses) - position)
                try:
                    async with asyncio.timeout_at(share):
                        _, made = await loop.create_connection(make, address, port, ssl=context, server_hostname=name)
                        return made
                except OSError as error:
                    failed = error
        raise failed
    except (OSError, UnicodeError) as error:  # a host's name may be none at all
        raise unconnected(error, seconds) from error


async def connected_to_path(make: Callable[[], ProtocolT], path: str, seconds: float | None) -> ProtocolT:
    """Connect to a Unix socket.

    Raises:
        ConnectError: there is none, or nobody answers in time.
    """
    try:
        async with asyncio.timeout(seconds):
            _, made = await asyncio.get_running_loop().create_unix_connection(make, path)
    except OSError as error:
        raise unconnected(error, seconds) from error
    return made


async def _addresses(loop: asyncio.AbstractEventLoop, host: str, port: int) -> list[str]:
    """Return the addresses of a host; one that is an address is asked of nobody, which would take a thread."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except RuntimeError:  # no thread can be started: in `atexit`, a loop gets none in any version of Python
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [str(entry[4][0]) for entry in found]
    return [host]
