"""The values that pass between the pure half and the shells: requests, replies and effects."""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple, TypeAlias, TypeVar

from broadcastkit.errors import UnreachableError

__all__ = ["Exchange", "HttpReply", "HttpRequest", "Send", "Sleep"]


class HttpRequest(NamedTuple):
    """A signed request: `target` is path and query."""

    method: str
    target: str
    body: bytes = b""

    def __repr__(self) -> str:
        """Leave signature and payload out."""
        return f"<{self.method} {self.target.partition('?')[0]}, {len(self.body)} bytes>"


class HttpReply(NamedTuple):
    """What came back; `retry_after` is the header as it stands."""

    status: int
    body: bytes = b""
    retry_after: str | None = None


class Send(NamedTuple):
    """Perform a request; answered with its reply, or with the UnreachableError that kept one from coming."""

    request: HttpRequest


class Sleep(NamedTuple):
    """Wait; answered with None."""

    seconds: float


T = TypeVar("T")
Exchange: TypeAlias = Generator["Send | Sleep", "HttpReply | UnreachableError | None", T]
"""A conversation with the service: yields what is to be done, is sent what came of it, returns its result."""
