"""The signed HTTP API of one app: requests in, answers out. No I/O and no clock.

Source: Pusher Channels, "HTTP API reference". Errors are plain text, as there; whatever a stranger sends is
answered with a status below 500.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from broadcastkit.core.message import Message
from broadcastkit.errors import SignatureError
from broadcastkit.server import frames
from broadcastkit.server.hub import Hub
from broadcastkit.server.questions import Questions
from broadcastkit.server.rate import RateLimit
from broadcastkit.server.refusal import RefusedRequestError
from broadcastkit.server.settings import App, Limits
from broadcastkit.server.trigger import ATTRIBUTES, read_batch, read_event, read_info

__all__ = ["Answer", "HttpApi", "Request", "Response", "json_response", "text_response"]

_MAX_PARAMETERS = 32
_EMPTY = b"{}"


class Request(NamedTuple):
    """A request to an app; `path` starts with `/apps/…`.

    `signed_paths` are what a client may have signed for it: behind a prefix some sign the prefix, others do not.
    """

    method: str
    path: str
    query: str
    body: bytes
    signed_paths: Sequence[str]


class Response(NamedTuple):
    """What goes back."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class Answer(NamedTuple):
    """A response, and what the shell does before it sends it: publish messages, end a user's connections."""

    response: Response
    messages: tuple[Message, ...] = ()
    terminate_user: str | None = None


def json_response(value: object, status: int = 200) -> Response:
    """Return a response with a JSON body."""
    return Response(status, frames.json_text(value).encode())


def text_response(status: int, text: str, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """Return a response for a human reader."""
    return Response(status, text.encode("utf-8", "replace"), "text/plain; charset=utf-8", headers)


class HttpApi:
    """The requests that one app serves. The hub is only asked here, never changed."""

    def __init__(self, app: App, limits: Limits, hub: Hub[Any], *, now: float) -> None:
        self._app = app
        self._limits = limits
        self._questions = Questions(hub)
        rate = limits.requests_per_second
        self._rate = None if rate is None else RateLimit(rate, max(1.0, rate), now)

    def handle(self, request: Request, *, now: float) -> Answer:
        """Answer a request; `now` is the time of day, which the signature's timestamp is held against."""
        try:
            return self._handle(request, now)
        except RefusedRequestError as refused:
            return Answer(text_response(refused.status, refused.text, refused.headers))

    def _handle(self, request: Request, now: float) -> Answer:
        if not self._app.enabled:
            raise RefusedRequestError(403, "the app is disabled")
        route = request.path.split("/")[3:]
        method = _method_of(route)
        if request.method != method:
            raise RefusedRequestError(405, f"use {method}", (("allow", method),))
        params = _parameters(request.query)
        self._authenticate(request, params, now)
        if self._rate is not None and not self._rate.allows(now):
            raise RefusedRequestError(429, "too many requests to this app", (("retry-after", "1"),))
        return self._serve(route, params, request.body, now)

    def _authenticate(self, request: Request, params: Mapping[str, str], now: float) -> None:
        failure = "the request has no path"
        for path in request.signed_paths:
            try:
                self._app.keys.verify_request(request.method, path, params, request.body, now=now)
            except SignatureError as error:
                failure = str(error)
            else:
                return
        raise RefusedRequestError(401, failure)

    def _serve(self, route: list[str], params: Mapping[str, str], body: bytes, now: float) -> Answer:
        match route:
            case ["events"]:
                return self._events(_json_object(body))
            case ["batch_events"]:
                return self._batch_events(_json_object(body))
            case ["users", user_id, "terminate_connections"]:
                return Answer(Response(200, _EMPTY), terminate_user=user_id)
            case ["channels"]:
                info = read_info(params.get("info"), ATTRIBUTES)
                channels = self._questions.channels(params.get("filter_by_prefix", ""), info)
                return Answer(json_response({"channels": channels}))
            case ["channels", channel]:
                info = read_info(params.get("info"), ATTRIBUTES | {"cache"})
                return Answer(json_response(self._questions.channel(channel, info, now)))
            case ["channels", channel, _]:
                users = [{"id": user_id} for user_id in self._questions.users(channel)]
                return Answer(json_response({"users": users}))
            case _:  # pragma: no cover - _method_of() has answered 404
                raise RefusedRequestError(404, "no such path")

    def _events(self, body: Mapping[str, Any]) -> Answer:
        message = read_event(body, self._limits)
        if not message.info:
            return Answer(Response(200, _EMPTY), (message,))
        info = {channel: self._questions.attributes(channel, message.info) for channel in message.channels}
        return Answer(json_response({"channels": info}), (message,))

    def _batch_events(self, body: Mapping[str, Any]) -> Answer:
        messages = tuple(read_batch(body, self._limits))
        if not any(message.info for message in messages):
            return Answer(Response(200, _EMPTY), messages)
        info = [self._questions.attributes(message.channels[0], message.info) for message in messages]
        return Answer(json_response({"batch": info}), messages)


def _method_of(route: list[str]) -> str:
    match route:
        case ["events"] | ["batch_events"] | ["users", _, "terminate_connections"]:
            return "POST"
        case ["channels"] | ["channels", _] | ["channels", _, "users"]:
            return "GET"
        case _:
            raise RefusedRequestError(404, "no such path")


def _parameters(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        raise RefusedRequestError(400, "the query cannot be read") from None
    params = dict(pairs)
    if len(params) != len(pairs):  # which of two values was signed?
        raise RefusedRequestError(400, "a parameter is given twice")
    return params


def _json_object(body: bytes) -> dict[str, Any]:
    value = frames.read_object(body)
    if value is None:
        raise RefusedRequestError(400, "the body must be a JSON object")
    return value
