"""What goes wrong, in one form: `{"success": false, "message": …}` with a status; on the socket, `error`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from traceback import format_tb
from typing import Any

from pydantic import ValidationError
from starlette.exceptions import HTTPException

__all__ = ["Problem", "as_problem", "invalid", "not_found", "too_many"]

log = logging.getLogger("patient_chat.errors")


class Problem(Exception):  # noqa: N818 - some are nobody's error
    """Something that whoever asked is told, in words for people."""

    def __init__(
        self, status: int, message: str, *, errors: Sequence[dict[str, str]] = (), retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = list(errors)
        self.retry_after = retry_after

    def as_dict(self) -> dict[str, Any]:
        return {"success": False, "message": self.message, **({"errors": self.errors} if self.errors else {})}


def not_found(what: str) -> Problem:
    """Of what is not there, and of what is somebody else's: nobody learns which."""
    return Problem(404, f"{what} not found")


def too_many(wait: float) -> Problem:
    return Problem(429, f"Too many requests: try again in {max(1, round(wait))} s", retry_after=wait)


def invalid(error: ValidationError) -> Problem:
    """Name each field and what is wrong with it; what was sent is not repeated."""
    errors = [
        {"field": ".".join(map(str, one["loc"])) or "body", "message": one["msg"].removeprefix("Value error, ")}
        for one in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    first = errors[0]
    return Problem(400, f"Validation failed: {first['field']}: {first['message']}", errors=errors)


def as_problem(what: str, error: Exception) -> Problem:
    """Return what whoever asked is told of an error, and log one of ours: where it was, and no text that quotes."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, ValidationError):
        return invalid(error)
    if isinstance(error, HTTPException):  # Starlette's own: no such path, or not with this method
        return Problem(error.status_code, error.detail)
    log.error("%s failed: %s\n%s", what, type(error).__name__, "".join(format_tb(error.__traceback__)))
    return Problem(500, "Something went wrong here: try again later")
