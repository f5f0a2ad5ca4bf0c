"""The middleware that knows the current socket id."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.utils.decorators import sync_and_async_middleware

from broadcastkit.socket_id import HEADER, socket_id_scope

__all__ = ["SocketIdMiddleware"]


@sync_and_async_middleware
class SocketIdMiddleware:
    """Makes the client's `X-Socket-ID` the current socket id, which `to_others()` leaves out.

    A malformed one counts as absent. It is known to what stands below in MIDDLEWARE, to the view, and while a streaming
    response is produced.
    """

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self._get_response = get_response
        self._awaits = bool(iscoroutinefunction(get_response))
        if self._awaits:
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        """Serve one request; the answer is to be awaited where Django awaits."""
        if self._awaits:
            return self._serve(request)
        with socket_id_scope(request.headers.get(HEADER)) as socket_id:
            response = self._get_response(request)
        return _known_to(response, socket_id)

    async def _serve(self, request: Any) -> Any:
        with socket_id_scope(request.headers.get(HEADER)) as socket_id:
            response = await self._get_response(request)
        return _known_to(response, socket_id)


def _known_to(response: Any, socket_id: str | None) -> Any:
    """Return the response; one that is produced while it is sent will know the socket id."""
    # a file is the server's own to send, and asks nobody
    if socket_id is not None and response.streaming and getattr(response, "file_to_stream", None) is None:
        produce = _produce_async if response.is_async else _produce
        response.streaming_content = produce(response.streaming_content, socket_id)
    return response


def _produce(chunks: Iterable[bytes], socket_id: str) -> Iterator[bytes]:
    iterator = iter(chunks)
    while True:
        # between two steps other work of this thread may run
        with socket_id_scope(socket_id):
            chunk = next(iterator, None)
        if chunk is None:
            return
        yield chunk


async def _produce_async(chunks: AsyncIterable[bytes], socket_id: str) -> AsyncIterator[bytes]:
    iterator = aiter(chunks)
    while True:
        with socket_id_scope(socket_id):
            chunk = await anext(iterator, None)
        if chunk is None:
            return
        yield chunk
