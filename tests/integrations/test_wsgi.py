"""Plain WSGI: the shared behaviour behind nothing at all, and what only WSGI has: lengths, and answers in pieces."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from wsgiref.util import FileWrapper, setup_testing_defaults, shift_path_info

import httpx
import pytest

from broadcastkit import AsyncBroadcaster, Broadcaster, ChannelRegistry, configure, default
from broadcastkit.drivers.memory import AsyncMemoryDriver, MemoryDriver
from broadcastkit.errors import ConfigurationError
from broadcastkit.integrations.answers import BODY_LIMIT
from broadcastkit.integrations.wsgi import BroadcastingApp, Environ, SocketIdMiddleware, read_body
from broadcastkit.socket_id import current_socket_id
from tests.integrations.application import ADA, BLOCKING_PLACES, Site, UnauthenticatedError, User, who
from tests.integrations.behaviour import (
    FORM,
    AuthorizeBehaviour,
    HostileBehaviour,
    LimitBehaviour,
    SignInBehaviour,
    SocketIdBehaviour,
    TenantBehaviour,
    asking,
)
from tests.integrations.wsgi_client import json_app, served

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication


def current_user(environ: Environ) -> User | None:
    return who(environ.get("HTTP_X_USER"))


class BareWsgi:
    """No framework: an application that looks at the path itself."""

    places = frozenset(BLOCKING_PLACES)

    def transport(self, site: Site) -> httpx.AsyncBaseTransport:
        return served(SocketIdMiddleware(self._application(site)))

    def _application(self, site: Site) -> WSGIApplication:
        source = site.blocking_source(lambda environ: environ.get("HTTP_X_TENANT"))
        broadcasting = BroadcastingApp(source, user=current_user, **site.blocking_options())

        def background(start_response: StartResponse) -> Iterator[bytes]:
            start_response("200 OK", [("Content-Type", "application/json")])
            yield b"{}"
            site.note()

        def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            first = shift_path_info(environ)
            place = environ["PATH_INFO"].removeprefix("/")
            if first == "broadcasting":
                try:
                    return broadcasting(environ, start_response)
                except UnauthenticatedError:
                    return json_app(start_response, b'{"error":"who are you?"}', "401 Unauthorized")
            if place == "background":
                return background(start_response)
            if place in BLOCKING_PLACES:
                found = BLOCKING_PLACES[place](site.meeting)
                return json_app(start_response, json.dumps({"socket_id": found}).encode())
            return json_app(start_response, b"{}", "404 Not Found")

        return application


class TestAuthorize(AuthorizeBehaviour):
    integration = BareWsgi()


class TestSignIn(SignInBehaviour):
    integration = BareWsgi()


class TestLimit(LimitBehaviour):
    integration = BareWsgi()


class TestTenant(TenantBehaviour):
    integration = BareWsgi()


class TestSocketId(SocketIdBehaviour):
    integration = BareWsgi()


class TestHostile(HostileBehaviour):
    integration = BareWsgi()


# -- the length of a body ----------------------------------------------------------------------------------------------


class Endless(io.RawIOBase):
    """A connection that stays open: who reads more than was sent waits for ever."""

    def __init__(self, sent: bytes, at_once: int = 1 << 20) -> None:
        self._sent = io.BytesIO(sent)
        self._at_once = at_once

    def read(self, size: int = -1) -> bytes:
        found = self._sent.read(min(size, self._at_once)) if size >= 0 else b""
        assert found, "nothing more comes: this would wait for ever"
        return found


def posted(body: io.IOBase | bytes, **environ: Any) -> Environ:
    given: Environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/auth",
        "CONTENT_TYPE": FORM,
        "wsgi.input": io.BytesIO(body) if isinstance(body, bytes) else body,
        **environ,
    }
    setup_testing_defaults(given)
    return given


def answer_to(environ: Environ) -> tuple[int, Any]:
    statuses: list[str] = []
    app = BroadcastingApp(Site().blocking_broadcaster(), user=current_user)

    def start_response(status: str, headers: object, exc_info: object = None) -> Callable[[bytes], object]:
        statuses.append(status)
        return nowhere.write

    nowhere = io.BytesIO()
    body = app(environ, start_response)
    return int(statuses[0][:3]), json.loads(b"".join(body))


LOBBY = urlencode(asking("private-lobby")).encode()


def test_no_more_is_read_than_the_request_has() -> None:
    assert answer_to(posted(Endless(LOBBY), CONTENT_LENGTH=str(len(LOBBY))))[0] == 200


def test_a_server_may_hand_out_a_body_in_pieces() -> None:
    assert answer_to(posted(Endless(LOBBY, at_once=3), CONTENT_LENGTH=str(len(LOBBY))))[0] == 200


@pytest.mark.parametrize("length", [None, ""])
def test_without_a_length_there_is_no_body(length: str | None) -> None:
    environ = posted(Endless(LOBBY), **({} if length is None else {"CONTENT_LENGTH": length}))

    assert answer_to(environ) == (400, {"error": "the field socket_id is missing"})


@pytest.mark.parametrize("length", ["-1", "+1", "1.5", "0x10", "ten", " 12", "1_0", "²", "١٢", "12, 12"])
def test_a_length_that_is_no_number(length: str) -> None:
    assert answer_to(posted(Endless(b""), CONTENT_LENGTH=length)) == (
        400,
        {"error": "the Content-Length is no number"},
    )


@pytest.mark.parametrize("length", [str(BODY_LIMIT + 1), "9" * 18, "9" * 19, "9" * 10_000])
def test_a_length_over_the_limit_is_refused_unread(length: str) -> None:
    assert answer_to(posted(Endless(b""), CONTENT_LENGTH=length)) == (413, {"error": "the request body is too long"})


def test_a_client_that_leaves_has_sent_nothing() -> None:
    # cut off, `private-user.12` reads `private-user.1`
    half = b"socket_id=1.2&channel_name=private-user.1"

    assert read_body(posted(half, CONTENT_LENGTH=str(len(half) + 1))) == b""


def test_chunks_are_read_where_the_server_says_that_they_end() -> None:
    environ = posted(LOBBY, HTTP_TRANSFER_ENCODING="chunked", **{"wsgi.input_terminated": True})

    assert answer_to(environ)[0] == 200


def test_chunks_are_not_read_where_nobody_knows_their_end() -> None:
    # the standard library's server hands the connection itself to the application
    environ = posted(Endless(LOBBY), HTTP_TRANSFER_ENCODING="chunked")

    assert answer_to(environ) == (411, {"error": "the request needs a Content-Length"})


# -- the socket id and the answer -----------------------------------------------------------------------------------


def through(application: WSGIApplication, **environ: Any) -> Iterable[bytes]:
    given: Environ = {"HTTP_X_SOCKET_ID": "1.2", **environ}
    setup_testing_defaults(given)
    return SocketIdMiddleware(application)(given, lambda status, headers, exc_info=None: lambda data: None)


class Produced:
    """An answer that looks at the socket id at each step."""

    def __init__(self, seen: list[tuple[str, str | None]]) -> None:
        self._seen = seen
        self._left = 2

    def note(self, step: str) -> None:
        self._seen.append((step, current_socket_id()))

    def __iter__(self) -> Iterator[bytes]:
        self.note("iter")
        return self

    def __next__(self) -> bytes:
        self.note("next")
        if not self._left:
            raise StopIteration
        self._left -= 1
        return b"x"

    def close(self) -> None:
        self.note("close")


def test_an_answer_in_pieces_has_the_socket_id_and_the_server_has_none() -> None:
    seen: list[tuple[str, str | None]] = []
    answer = through(lambda environ, start_response: Produced(seen))

    for piece in answer:
        assert (piece, current_socket_id()) == (b"x", None)
    answer.close()  # type: ignore[attr-defined]

    assert seen == [(step, "1.2") for step in ("iter", "next", "next", "next", "close")]
    assert current_socket_id() is None


def test_a_server_that_sends_by_turns_mixes_nothing_up() -> None:
    def application(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        for _ in range(3):
            yield str(current_socket_id()).encode()

    answers = [iter(through(application, HTTP_X_SOCKET_ID=f"{number}.1")) for number in range(3)]

    for _ in range(3):
        assert [next(answer) for answer in answers] == [b"0.1", b"1.1", b"2.1"]


@pytest.mark.parametrize("answer", [[b"x"], (b"x",)])
def test_a_finished_answer_is_handed_on(answer: Iterable[bytes]) -> None:
    # of one with a single piece, servers know the length
    assert through(lambda environ, start_response: answer) is answer


def test_a_file_is_handed_on_to_be_sent_by_the_kernel() -> None:
    answer = FileWrapper(io.BytesIO(b"x"))

    assert through(lambda environ, start_response: answer, **{"wsgi.file_wrapper": FileWrapper}) is answer


def test_an_error_takes_the_socket_id_with_it() -> None:
    def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        raise LookupError

    with pytest.raises(LookupError):
        through(application)

    assert current_socket_id() is None


# -- async -----------------------------------------------------------------------------------------------------------


async def later(user: object) -> bool:
    return True


async def awaited_user(environ: Environ) -> User:
    return ADA


class AwaitedUser:
    async def __call__(self, environ: Environ) -> User:
        return ADA


def app_with(channels: ChannelRegistry, **options: Any) -> BroadcastingApp:
    given: dict[str, Any] = {"user": current_user} | options
    return BroadcastingApp(Broadcaster(MemoryDriver(), channels=channels), **given)


def test_an_async_rule_is_refused_by_name() -> None:
    channels = ChannelRegistry()
    channels.authorize("private-a")(later)

    with pytest.raises(ConfigurationError, match=r"^WSGI is sync and cannot await later \(private-a\); use def$"):
        app_with(channels)


def test_an_async_rule_is_refused_later_as_well() -> None:
    channels = ChannelRegistry()
    app_with(channels)

    with pytest.raises(ConfigurationError, match=r"^WSGI is sync and cannot await later \(private-a\); use def$"):
        channels.authorize("private-a")(later)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"user": awaited_user}, "awaited_user"),
        ({"user": AwaitedUser()}, "AwaitedUser"),
        ({"user_data": later}, "later"),
    ],
)
def test_an_async_callable_is_refused_by_name(options: dict[str, Callable[..., Any]], name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^WSGI is sync and cannot await {name}; use def$"):
        app_with(ChannelRegistry(), **options)


def test_an_async_broadcaster_is_refused() -> None:
    wrong: Any = AsyncBroadcaster(AsyncMemoryDriver())

    with pytest.raises(ConfigurationError, match=r"^WSGI is sync and takes a Broadcaster, not an AsyncBroadcaster$"):
        BroadcastingApp(wrong, user=current_user)


def test_the_rules_of_the_configured_broadcaster_are_checked_when_it_is_first_used() -> None:
    channels = ChannelRegistry()
    channels.authorize("private-a")(later)
    default.reset()
    try:
        app = BroadcastingApp(user=current_user)
        configure("memory://", channels=channels)
        environ = posted(LOBBY, CONTENT_LENGTH=str(len(LOBBY)))

        with pytest.raises(ConfigurationError, match=re.escape("cannot await later (private-a)")):
            app(environ, lambda status, headers, exc_info=None: lambda data: None)
    finally:
        default.reset()
