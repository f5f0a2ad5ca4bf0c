"""The middleware by itself: both kinds of chains, errors, and answers that are produced while they are sent."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.test import AsyncRequestFactory, RequestFactory

from broadcastkit.integrations.django.middleware import SocketIdMiddleware
from broadcastkit.socket_id import current_socket_id

SOCKET = {"HTTP_X_SOCKET_ID": "12.34"}


def request(**headers: str) -> Any:
    return RequestFactory().get("/", **headers)


def test_it_is_what_the_chain_is() -> None:
    async def get_async(request: Any) -> HttpResponse:
        return HttpResponse(current_socket_id())

    def get(request: Any) -> HttpResponse:
        return HttpResponse(current_socket_id())

    capable: Any = SocketIdMiddleware
    assert (capable.sync_capable, capable.async_capable) == (True, True)
    assert iscoroutinefunction(SocketIdMiddleware(get_async))
    assert not iscoroutinefunction(SocketIdMiddleware(get))
    assert SocketIdMiddleware(get)(request(**SOCKET)).content == b"12.34"
    assert asyncio.run(SocketIdMiddleware(get_async)(request(**SOCKET))).content == b"12.34"
    assert current_socket_id() is None


async def test_an_error_takes_the_socket_id_with_it() -> None:
    def get(request: Any) -> HttpResponse:
        raise LookupError(current_socket_id())

    async def get_async(request: Any) -> HttpResponse:
        raise LookupError(current_socket_id())

    with pytest.raises(LookupError, match=r"12\.34"):
        SocketIdMiddleware(get)(request(**SOCKET))
    with pytest.raises(LookupError, match=r"12\.34"):
        await SocketIdMiddleware(get_async)(AsyncRequestFactory().get("/", **{"X-Socket-ID": "12.34"}))

    assert current_socket_id() is None


def test_an_answer_in_pieces_knows_it_and_nothing_between_them_does() -> None:
    closed: list[bool] = []

    def pieces() -> Iterator[str]:
        try:
            yield f"{current_socket_id()} "
            yield f"{current_socket_id()}"
        finally:
            closed.append(True)

    response = SocketIdMiddleware(lambda _: StreamingHttpResponse(pieces()))(request(**SOCKET))
    found = []
    for piece in response:
        found.append(piece)
        assert current_socket_id() is None
    response.close()

    assert (b"".join(found), closed) == (b"12.34 12.34", [True])


async def test_an_async_answer_in_pieces_knows_it_too() -> None:
    async def pieces() -> AsyncIterator[str]:
        yield f"{current_socket_id()} "
        await asyncio.sleep(0)
        yield f"{current_socket_id()}"

    async def get(request: Any) -> HttpResponse:
        return StreamingHttpResponse(pieces())

    response = await SocketIdMiddleware(get)(request(**SOCKET))
    found = []
    async for piece in response:
        found.append(piece)
        assert current_socket_id() is None

    assert b"".join(found) == b"12.34 12.34"


def test_a_file_is_left_to_the_server() -> None:
    file = io.BytesIO(b"content")
    response = SocketIdMiddleware(lambda _: FileResponse(file))(request(**SOCKET))

    assert response.file_to_stream is file
    response.close()


@pytest.mark.parametrize("headers", [{}, {"HTTP_X_SOCKET_ID": "undefined"}, {"HTTP_X_SOCKET_ID": ""}])
def test_without_a_usable_one_nothing_is_wrapped(headers: dict[str, str]) -> None:
    pieces = iter([b"x"])

    def get(request: Any) -> HttpResponse:
        assert current_socket_id() is None
        return StreamingHttpResponse(pieces)

    assert b"".join(SocketIdMiddleware(get)(request(**headers))) == b"x"
