"""What a server's refusals and a client's exceptions mean: errors of ours, without the arguments that Redis quotes.

Exceptions by class name, since the client may be redis-py's or valkey's.
"""

from __future__ import annotations

from typing import Any

from broadcastkit.drivers.redis_io.wire import Reply
from broadcastkit.errors import (
    BadCredentialsError,
    BadRequestError,
    ConnectError,
    ConnectionLostError,
    DeliveryError,
    ForbiddenError,
    NoReplyError,
    ServiceFailedError,
    UnreachableError,
)

__all__ = ["error_from", "refused", "reply_from"]

# What a script is told in the place of NOPERM.
_SCRIPT_DENIED = "The user executing the script can't"
_BY_NAME: dict[str, type[DeliveryError]] = {
    "AuthenticationError": BadCredentialsError,
    "AuthenticationWrongNumberOfArgsError": BadCredentialsError,
    "NoPermissionError": ForbiddenError,
    "AuthorizationError": ForbiddenError,
    # for a while: the data is being read in, or a new master chosen
    "BusyLoadingError": ServiceFailedError,
    "ClusterDownError": ServiceFailedError,
    "MasterDownError": ServiceFailedError,
    "OutOfMemoryError": ServiceFailedError,
    "TryAgainError": ServiceFailedError,
    "InvalidResponse": ServiceFailedError,
    "MasterNotFoundError": ConnectError,
    "MaxConnectionsError": ConnectError,
    "RedisClusterException": ConnectError,
    "ValkeyClusterException": ConnectError,
    "ResponseError": BadRequestError,
    "TimeoutError": NoReplyError,
    "ConnectionError": ConnectionLostError,
    "RedisError": ServiceFailedError,
    "ValkeyError": ServiceFailedError,
    # from under the client
    "IncompleteReadError": ConnectionLostError,
    "OSError": ConnectionLostError,
}
# What a refusal begins with, and else what is in it.
_BY_CODE: dict[str, type[DeliveryError]] = {
    "CLUSTERDOWN": ServiceFailedError,
    "LOADING": ServiceFailedError,
    "MASTERDOWN": ServiceFailedError,
    "NOAUTH": BadCredentialsError,
    "NOPERM": ForbiddenError,
    "OOM": ServiceFailedError,
    "TRYAGAIN": ServiceFailedError,
    "WRONGPASS": BadCredentialsError,
}
_BY_WORDS: dict[str, type[DeliveryError]] = {
    "max number of clients reached": ConnectionLostError,
    "invalid password": BadCredentialsError,
    "AUTH <password> called without": BadCredentialsError,
    "sent AUTH, but no password": BadCredentialsError,
    "wrong number of arguments for 'auth'": BadCredentialsError,
    _SCRIPT_DENIED: ForbiddenError,
}
# Which earlier releases of the clients have no classes for.
_FOR_A_WHILE = ("MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN")
# What uvloop says, in a RuntimeError, where asyncio says nothing: the other side has closed a connection that was kept.
_CLOSED = "the handler is closed"
# Redis shows what it could not read: the payload, or a password.
_QUOTED = (", with args beginning with", "unknown command")


def error_from(error: Exception) -> DeliveryError:
    """Return the DeliveryError for an exception of a client's; one that is no client's is raised as it is."""
    for cls in type(error).__mro__:
        if cls.__name__ in _BY_NAME:
            break
    else:
        if _CLOSED in str(error) and isinstance(error, RuntimeError):
            return ConnectionLostError("the connection was closed")
        raise error
    kind, text = _BY_NAME[cls.__name__], _plain(str(error))
    if kind in {ConnectionLostError, NoReplyError} and "connecting to" in text:
        kind = ConnectError
    if _SCRIPT_DENIED in text:
        kind = ForbiddenError
    if kind is BadRequestError and text.startswith(_FOR_A_WHILE):
        kind = ServiceFailedError
    made = kind(f"{type(error).__name__} {text}".strip())
    if isinstance(made, UnreachableError):  # a refusal may quote what it refuses
        made.__cause__ = error
    return made


def refused(line: str) -> DeliveryError:
    """Return the error for what a server says no with, such as `NOAUTH Authentication required.`."""
    kind = _BY_CODE.get(line.partition(" ")[0])
    if kind is None:
        kind = next((kind for words, kind in _BY_WORDS.items() if words in line), BadRequestError)
    return kind(_plain(line))


def _plain(text: str) -> str:
    before, quotes, _ = text.partition(_QUOTED[0])
    if not quotes and _QUOTED[1] in text:  # another wording of another server
        return _QUOTED[1]
    return before


def reply_from(result: Any) -> Reply:
    """Return what came of a command, of what its client returned."""
    if isinstance(result, Exception):
        return error_from(result)
    if isinstance(result, list):
        return [error_from(one) if isinstance(one, Exception) else int(one) for one in result]
    return int(result)
