"""Why a request of the HTTP API is not served."""

from __future__ import annotations

__all__ = ["RefusedRequestError"]


class RefusedRequestError(Exception):
    """An answer other than 200: its status, and a text for whoever wrote the request."""

    def __init__(self, status: int, text: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(status, text)
        self.status = status
        self.text = text
        self.headers = headers
