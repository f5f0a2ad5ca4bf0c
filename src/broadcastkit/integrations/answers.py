"""What the endpoints answer: a status, a body, and what is not the client's to know goes into the log."""

from __future__ import annotations

import json
import logging
from typing import NamedTuple

from broadcastkit.errors import DeniedError, InvalidInputError, InvalidUserError

__all__ = [
    "AUTH",
    "BODY_LIMIT",
    "FORBIDDEN",
    "JSON_HEADERS",
    "NOT_FOUND",
    "POST_ONLY",
    "REFUSED",
    "TOO_LONG",
    "USER_AUTH",
    "Answer",
    "bad_request",
    "check_request",
    "refuse",
    "response_headers",
]

_log = logging.getLogger("broadcastkit.authorization")

AUTH, USER_AUTH = "/auth", "/user-auth"
BODY_LIMIT = 16 * 1024
"""Bytes of a request body; a subscription takes a few hundred."""
JSON_HEADERS = {"Cache-Control": "no-store", "Content-Type": "application/json"}

REFUSED = (DeniedError, InvalidInputError)
"""What a broadcaster raises for the client to be told; anything else is the application's own error."""


class Answer(NamedTuple):
    """A status and a JSON body, and headers beside those of every answer."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


FORBIDDEN = Answer(403, b'{"error":"forbidden"}')
NOT_FOUND = Answer(404, b'{"error":"not found"}')
POST_ONLY = Answer(405, b'{"error":"POST only"}', (("Allow", "POST"),))
TOO_LONG = Answer(413, b'{"error":"the request body is too long"}')


def refuse(error: DeniedError | InvalidInputError) -> Answer:
    """Turn what a broadcaster raised into the answer for the client, and what is not the client's into the log."""
    match error:
        case DeniedError():
            _log.info("denied: %s", error.reason, extra={"broadcast_reason": error.reason})
            return FORBIDDEN
        case InvalidUserError():
            # the application's user or member cannot be sent: its fault and not the client's, but no yes either
            _log.error("denied: %s", error, extra={"broadcast_error": type(error).__name__})
            return FORBIDDEN
        case _:
            return bad_request(str(error))


def bad_request(text: str) -> Answer:
    """Answer a request that is malformed, and say how."""
    return Answer(400, json.dumps({"error": text}).encode())


def check_request(method: str, path: str) -> Answer | None:
    """Return the answer to a request for which there is no endpoint, or None: `path` is that below the prefix."""
    if path not in {AUTH, USER_AUTH}:
        return NOT_FOUND
    return None if method == "POST" else POST_ONLY


def response_headers(answer: Answer) -> list[tuple[str, str]]:
    """Return an answer's headers, for those whose framework writes none by itself."""
    return [*JSON_HEADERS.items(), ("Content-Length", str(len(answer.body))), *answer.headers]
