"""What goes wrong in an HTTP library, as errors of ours."""

from __future__ import annotations

import re
from collections.abc import Sized

from broadcastkit.drivers.pusher.http.base import BODY_LIMIT
from broadcastkit.errors import ConnectError, ConnectionLostError, NoReplyError, UnreachableError

__all__ = ["check_size", "unquoted", "unreachable"]

# By class name: httpx, httpx2 and pyreqwest have the same ones, and none of them need be installed.
_BY_NAME: dict[str, type[UnreachableError]] = {
    "ConnectTimeout": ConnectError,
    "ConnectTimeoutError": ConnectError,
    "PoolTimeout": ConnectError,
    "PoolTimeoutError": ConnectError,
    "ConnectError": ConnectError,
    "ProxyError": ConnectError,
    "TimeoutException": NoReplyError,
    "RequestTimeoutError": NoReplyError,
    "RequestError": ConnectionLostError,  # TransportError, and an answer that cannot be decoded
}
# What h11 shows of what it could not read: that may be our own request, which something sent back.
_QUOTE = re.compile(r":? *(bytearray\()?b['\"].*", re.DOTALL)


def unreachable(error: Exception) -> UnreachableError:
    """Return the UnreachableError for a library's exception; one that is no library's is raised as it is.

    It is not to be chained to the exception: httpx's have the request, with signature and payload.
    """
    if isinstance(error, UnreachableError):
        return error
    for cls in type(error).__mro__:
        if cls.__name__ in _BY_NAME:
            return _BY_NAME[cls.__name__](f"{type(error).__name__} {unquoted(str(error))}".strip())
    raise error


def unquoted(text: str) -> str:
    """Return what was said of bytes that cannot be read, without the bytes."""
    return _QUOTE.sub("", text)


def check_size(body: Sized) -> None:
    """Refuse to collect an answer that is longer than any of this API."""
    if len(body) > BODY_LIMIT:
        raise ConnectionLostError(f"the answer has more than {BODY_LIMIT:,} bytes: it is none of this API")
