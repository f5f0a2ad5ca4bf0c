"""Clients of pyreqwest that the caller made, and closes. It is not imported: its clients are known when they come.

Its exceptions hold the signed URL, and call a read timeout a ConnectTimeoutError where the answer has not begun: what
happened is in their causes. So they are read here, and not chained to ours.
"""

from __future__ import annotations

from typing import Any

from broadcastkit.drivers.pusher.http.base import HEADERS
from broadcastkit.drivers.pusher.http.failures import check_size
from broadcastkit.drivers.pusher.wire import HttpReply, HttpRequest
from broadcastkit.errors import ConnectError, ConnectionLostError, NoReplyError, UnreachableError

__all__ = ["ask", "ask_async", "is_client"]

_CONNECTING = "client error (Connect)"
_POOL = "PoolTimeoutError"
_URL = " for url ("


def is_client(client: Any) -> bool:
    """Whether a client is one of pyreqwest's."""
    return any(cls.__module__.partition(".")[0] == "pyreqwest" for cls in type(client).__mro__)


def ask(client: Any, url: str, request: HttpRequest) -> HttpReply:
    """Ask a SyncClient."""
    failed: UnreachableError
    try:
        with _request(client, url, request) as response:
            body = bytearray()
            while (chunk := response.body_reader.read_chunk()) is not None:
                body += chunk
                check_size(body)
            return HttpReply(response.status, bytes(body), response.get_header("retry-after"))
    except Exception as error:  # noqa: BLE001 - _unreachable raises what is none of pyreqwest's
        failed = _unreachable(error)
    raise failed


async def ask_async(client: Any, url: str, request: HttpRequest) -> HttpReply:
    """Ask a Client."""
    failed: UnreachableError
    try:
        async with _request(client, url, request) as response:
            body = bytearray()
            while (chunk := await response.body_reader.read_chunk()) is not None:
                body += chunk
                check_size(body)
            return HttpReply(response.status, bytes(body), response.get_header("retry-after"))
    except Exception as error:  # noqa: BLE001 - see ask
        failed = _unreachable(error)
    raise failed


def _request(client: Any, url: str, request: HttpRequest) -> Any:
    made = client.request(request.method, url).headers(dict(HEADERS))
    if request.body or request.method == "POST":
        made = made.body_bytes(request.body)
    return made.build_streamed()


def _unreachable(error: Exception) -> UnreachableError:
    """Return what an exception of pyreqwest's means; any other is raised as it is."""
    if isinstance(error, UnreachableError):
        return error
    names = {cls.__name__ for cls in type(error).__mro__}
    if "RequestError" not in names or "ClientClosedError" in names:
        raise error
    causes = [str(cause["message"]) for cause in getattr(error, "details", {}).get("causes") or ()]
    if _CONNECTING in causes or _POOL in names:
        cls: type[UnreachableError] = ConnectError
    else:
        cls = NoReplyError if "RequestTimeoutError" in names else ConnectionLostError
    said = [cause for cause in causes if _URL not in cause]
    return cls(f"{type(error).__name__}: {': '.join(said)}" if said else type(error).__name__)
