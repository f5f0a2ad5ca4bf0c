"""What a Redis client's exceptions mean: errors of ours, without what Redis quotes of a command.

By class name, since the client may be redis-py's or valkey's.
"""

from __future__ import annotations

from broadcastkit.errors import (
    BadCredentialsError,
    BadRequestError,
    ConnectError,
    ConnectionLostError,
    DeliveryError,
    ForbiddenError,
    NoReplyError,
    ServiceFailedError,
)

__all__ = ["error_from"]

_BY_NAME: dict[str, type[DeliveryError]] = {
    "AuthenticationError": BadCredentialsError,
    "AuthenticationWrongNumberOfArgsError": BadCredentialsError,
    "AuthorizationError": ForbiddenError,
    "NoPermissionError": ForbiddenError,
    # for a while: the data is being read in, or a new master chosen
    "BusyLoadingError": ServiceFailedError,
    "MasterDownError": ServiceFailedError,
    "OutOfMemoryError": ServiceFailedError,
    "MasterNotFoundError": ConnectError,
    "MaxConnectionsError": ConnectError,
    "ResponseError": BadRequestError,
    "TimeoutError": NoReplyError,
    "ConnectionError": ConnectionLostError,
    "RedisError": ServiceFailedError,
    "ValkeyError": ServiceFailedError,
    # from under the client
    "IncompleteReadError": ConnectionLostError,
    "OSError": ConnectionLostError,
}


def error_from(error: Exception) -> DeliveryError:
    """Return the DeliveryError for an exception of a client's; one that is no client's is raised as it is."""
    for cls in type(error).__mro__:
        if cls.__name__ in _BY_NAME:
            break
    else:
        raise error
    kind, text = _BY_NAME[cls.__name__], str(error)
    if kind in {ConnectionLostError, NoReplyError} and "connecting to" in text:
        kind = ConnectError
    # an answer may quote the command, and with it the payload or a password
    made = kind(f"{type(error).__name__} {text}" if kind is ConnectError else type(error).__name__)
    made.__cause__ = error if kind in {ConnectError, ConnectionLostError, NoReplyError} else None
    return made
