"""What goes wrong while connecting, as an error of ours."""

from __future__ import annotations

from broadcastkit.errors import ConnectError

__all__ = ["unconnected"]


def unconnected(error: OSError | UnicodeError, seconds: float | None) -> ConnectError:
    """Return the error for who could not connect, within so many seconds."""
    if isinstance(error, TimeoutError) and seconds is not None:
        return ConnectError(f"no connection within {seconds:g} s")
    return ConnectError(f"{type(error).__name__} {error}")
