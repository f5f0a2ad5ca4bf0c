"""What a function of the application raises, as errors that say whether another try may help."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any

from broadcastkit.errors import BadRequestError, BroadcastError, FallbackError, ServiceFailedError, UnreachableError

__all__ = ["failure"]

_PERMANENT = 500  # of SMTP's codes
# What httpx and its kind call what kept an answer from coming; other libraries' errors are OSErrors.
_UNREACHED = "TransportError"


def failure(error: Exception, name: str, call: Callable[..., Any] | None = None) -> BroadcastError:
    """Return the error for what a function has raised; the text of what is none of ours may quote a payload.

    An error of broadcastkit stays as it is. What a network or a mail server was not ready for may be tried again, what
    a mail server refuses for good may not, and anything else is a bug.
    """
    if isinstance(error, BroadcastError):
        return error
    kind = type(error).__name__
    codes = _smtp_codes(error)
    if codes:
        text = f"the fallback {name!r}: the mail server answered {', '.join(map(str, codes))} ({kind})"
        return BadRequestError(text) if all(code >= _PERMANENT for code in codes) else ServiceFailedError(text)
    if _is_passing(error):
        return UnreachableError(f"the fallback {name!r} raised {kind}")
    return FallbackError(f"the fallback {name!r} raised {kind} at {_place(error, call)}")


def _smtp_codes(error: Exception) -> list[int]:
    """Return the codes in an error of smtplib's."""
    code = getattr(error, "smtp_code", None)
    if isinstance(code, int):
        return [code]
    recipients = getattr(error, "recipients", None)
    return sorted({code for code, _ in recipients.values()}) if isinstance(recipients, Mapping) else []


def _is_passing(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.filename is None  # else it is about a file
    return any(cls.__name__ == _UNREACHED for cls in type(error).__mro__)


def _place(error: Exception, call: Callable[..., Any] | None) -> str:
    """Return where it was raised: the last line of the function's own file that had a part in it."""
    frames = traceback.extract_tb(error.__traceback__)
    own = getattr(getattr(call, "__code__", None), "co_filename", None)
    at = next((frame for frame in reversed(frames) if frame.filename == own), frames[-1] if frames else None)
    return "an unknown place" if at is None else f"{at.filename}:{at.lineno}"
