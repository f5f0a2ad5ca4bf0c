"""A client of WSGI applications in this process, strict on both sides and able to send a body piece by piece."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast
from wsgiref.validate import validator

import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
import httpx

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

__all__ = ["Answered", "Environ", "WsgiTransport", "environ_of", "json_app", "served"]

Environ = dict[str, Any]
Answered = tuple[str, list[tuple[str, str]], bytes]


class WsgiTransport(httpx.AsyncBaseTransport):
    """Runs each request in a thread of its own, as a server with threads does.

    A body in chunks is asked for as the application reads it, and ends as with gunicorn (`wsgi.input_terminated`).
    """

    def __init__(self, answer: Callable[[Environ], Answered]) -> None:
        self._answer = answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        environ = environ_of(request, _Body(request))
        status, headers, body = await anyio.to_thread.run_sync(self._answer, environ)
        return httpx.Response(int(status[:3]), headers=headers, content=body)


def served(application: WSGIApplication, *, strict: bool = True) -> WsgiTransport:
    """Serve an application; with the standard library's own check that both sides keep to PEP 3333."""
    checked = validator(application) if strict else application

    def answer(environ: Environ) -> Answered:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], Any]:
            started.append((status, headers))
            return lambda _: None

        produced = checked(environ, start_response)
        try:
            body = b"".join(produced)
        finally:
            close = getattr(produced, "close", None)
            if close is not None:
                close()
        return *started[-1], body

    return WsgiTransport(answer)


def environ_of(request: httpx.Request, body: _Body) -> Environ:
    environ: Environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.url.path,
        "QUERY_STRING": request.url.query.decode(),
        "SERVER_NAME": request.url.host,
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": body,
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in request.headers.raw:
        name = raw_name.decode().upper().replace("-", "_")
        key = name if name in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{name}"
        environ[key] = raw_value.decode("latin-1")
    if "HTTP_TRANSFER_ENCODING" in environ:
        environ["wsgi.input_terminated"] = True
    return environ


class _Body:
    """`wsgi.input`: a read beyond the request's own length fails, where a server's would wait for ever."""

    def __init__(self, request: httpx.Request) -> None:
        self._chunks = aiter(cast("AsyncIterator[bytes]", request.stream))
        self._left = int(request.headers["content-length"]) if "content-length" in request.headers else None
        self._buffer = b""
        # an application may read in another thread than the server's
        self._token = anyio.lowlevel.current_token()

    async def _next(self) -> bytes | None:
        return await anext(self._chunks, None)

    def read(self, size: int = -1) -> bytes:
        assert self._left is None or 0 <= size <= self._left, f"{size} bytes read of {self._left}: this would block"
        while size < 0 or len(self._buffer) < size:
            chunk = anyio.from_thread.run(self._next, token=self._token)
            if chunk is None:
                break
            self._buffer += chunk
        cut = len(self._buffer) if size < 0 else size
        found, self._buffer = self._buffer[:cut], self._buffer[cut:]
        if self._left is not None:
            self._left -= len(found)
        return found

    def readline(self, size: int = -1) -> bytes:
        raise NotImplementedError("bodies are not lines")

    def readlines(self, hint: int = -1) -> list[bytes]:
        raise NotImplementedError("bodies are not lines")

    def __iter__(self) -> Iterator[bytes]:
        raise NotImplementedError("bodies are not lines")


def json_app(start_response: Callable[..., Any], body: bytes, status: str = "200 OK") -> Iterable[bytes]:
    """Answer with JSON."""
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
