"""The endpoints in a Django project: sessions, the ORM, CSRF, who the user is, and bodies that were read before."""

from __future__ import annotations

import asyncio
import io
import logging
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import connection, connections
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import reverse

from broadcastkit import Broadcaster, configure
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.integrations.answers import BODY_LIMIT
from broadcastkit.integrations.django.registry import DjangoChannelRegistry
from tests.integrations.application import KEY, SECRET, foreign
from tests.integrations.behaviour import AUTH, FORM, SOCKET, USER_AUTH, asking

HERE = __name__


def signed(channel: str, member: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what another maker's signer says."""
    told: dict[str, Any] = foreign().authenticate(channel, SOCKET, member)
    return told


@pytest.fixture
def as_ada(ada: Any) -> Client:
    """A client with Ada's session."""
    client = Client()
    client.force_login(ada)
    return client


@pytest.fixture
def async_as_ada(as_ada: Client) -> AsyncClient:
    client = AsyncClient()
    client.cookies = as_ada.cookies
    return client


def rules_of_a_test() -> DjangoChannelRegistry:
    """Have the endpoints ask rules of the test's own."""
    channels = DjangoChannelRegistry()
    configure(Broadcaster(PusherDriver(app_id="1", key=KEY, secret=SECRET), channels=channels))
    return channels


# -- sessions and the ORM ----------------------------------------------------------------------------------------------


def test_the_endpoints_have_names() -> None:
    assert (reverse("broadcasting:auth"), reverse("broadcasting:user-auth")) == (AUTH, USER_AUTH)


def cases(ada: Any, bob: Any, conversation: Any) -> list[tuple[str, dict[str, Any] | None]]:
    """Return what Ada may hear (with what is signed) and what she may not."""
    here, elsewhere = conversation.pk, conversation.pk + 1
    member = {"user_id": str(ada.pk), "user_info": {"name": "ada"}}
    return [
        (f"private-user.{ada.pk}", signed(f"private-user.{ada.pk}")),
        (f"private-user.{bob.pk}", None),
        (f"private-conversation.{here}", signed(f"private-conversation.{here}")),
        (f"private-conversation.{elsewhere}", None),
        (f"presence-conversation.{here}", signed(f"presence-conversation.{here}", member)),
        (f"presence-conversation.{elsewhere}", None),
    ]


def test_wsgi_asks_rules_that_query_the_database(as_ada: Client, ada: Any, bob: Any, conversation: Any) -> None:
    for channel, expected in cases(ada, bob, conversation):
        answer = as_ada.post(AUTH, asking(channel))

        assert answer.status_code == (403 if expected is None else 200), channel
        assert answer.json() == (expected or {"error": "forbidden"})


async def test_asgi_asks_rules_that_query_the_database(
    async_as_ada: AsyncClient, ada: Any, bob: Any, conversation: Any
) -> None:
    for channel, expected in cases(ada, bob, conversation):
        answer = await async_as_ada.post(AUTH, asking(channel))

        assert answer.status_code == (403 if expected is None else 200), channel
        assert answer.json() == (expected or {"error": "forbidden"})


@pytest.mark.usefixtures("_database")
def test_anonymous_is_a_guest(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "broadcastkit.authorization"):
        refused = Client().post(AUTH, asking("private-user.1"))
        admitted = Client().post(AUTH, asking("private-desk.3"))
        signing_in = Client().post(USER_AUTH, {"socket_id": SOCKET})

    assert (refused.status_code, signing_in.status_code) == (403, 403)
    assert (admitted.status_code, admitted.json()) == (200, signed("private-desk.3"))
    assert "no user, and own_channel does not admit guests" in caplog.text


def test_a_service_is_told_the_key_of_who_signs_in(as_ada: Client, ada: Any) -> None:
    answer = as_ada.post(USER_AUTH, {"socket_id": SOCKET})

    assert answer.json() == foreign().authenticate_user(SOCKET, {"id": str(ada.pk)})


# -- where rules run ---------------------------------------------------------------------------------------------------


async def test_under_asgi_a_def_rule_runs_in_the_thread_of_the_request_and_an_async_one_on_the_servers_loop() -> None:
    channels = rules_of_a_test()
    seen: dict[str, object] = {}

    def who_asks(request: Any) -> Any:
        seen["user"] = threading.get_ident()
        return SimpleNamespace(pk=1)

    @channels.authorize("private-blocking")
    def blocking(user: Any) -> bool:
        seen["rule"] = threading.get_ident()
        return True

    @channels.authorize("private-awaited")
    async def awaited(user: Any) -> bool:
        seen["loop"] = asyncio.get_running_loop()
        return True

    with override_settings(BROADCASTING_USER=who_asks):
        first = await AsyncClient().post(AUTH, asking("private-blocking"))
        threads = seen.pop("user"), seen.pop("rule")
        second = await AsyncClient().post(AUTH, asking("private-awaited"))

    assert (first.status_code, second.status_code) == (200, 200)
    assert threads[0] == threads[1] != threading.get_ident()
    assert seen["loop"] is asyncio.get_running_loop()


def test_under_wsgi_an_async_rule_has_a_loop_of_its_own() -> None:
    channels = rules_of_a_test()

    @channels.authorize("private-awaited", guest=True)
    async def awaited(user: Any) -> bool:
        await asyncio.sleep(0)
        return True

    assert [Client().post(AUTH, asking("private-awaited")).status_code for _ in range(2)] == [200, 200]


async def test_where_a_loop_runs_the_rule_is_left_to_who_can_await_it() -> None:
    channels = DjangoChannelRegistry()

    @channels.authorize("private-awaited")
    async def awaited(user: Any) -> bool:
        return True

    rule, _ = channels.ask(socket_id="1.2", channel_name="private-awaited", user=1)

    assert rule.is_async


@pytest.mark.usefixtures("_database")
@pytest.mark.parametrize("asynchronous", [False, True], ids=["wsgi", "asgi"])
async def test_atomic_requests(monkeypatch: pytest.MonkeyPatch, *, asynchronous: bool) -> None:
    # Django refuses those for views that are async
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    channels = rules_of_a_test()
    within: list[bool] = []

    @channels.authorize("private-atomic", guest=True)
    def atomic(user: Any) -> bool:
        within.append(connection.in_atomic_block)
        return True

    if asynchronous:
        answer = await AsyncClient().post(AUTH, asking("private-atomic"))
    else:
        answer = await asyncio.to_thread(Client().post, AUTH, asking("private-atomic"))

    assert (answer.status_code, within) == (200, [True])


# -- CSRF --------------------------------------------------------------------------------------------------------------


def with_token(client: Client) -> str:
    """Give the client the cookie that a page would have given it; return the token."""
    request = RequestFactory().get("/")
    token = get_token(request)
    client.cookies[settings.CSRF_COOKIE_NAME] = request.META["CSRF_COOKIE"]
    return str(token)


@pytest.mark.usefixtures("_database")
def test_no_token_is_asked_for() -> None:
    client = Client(enforce_csrf_checks=True, headers={"Origin": "https://elsewhere.test"})

    assert client.post(AUTH, asking("private-desk.3")).status_code == 200


@pytest.mark.usefixtures("_database")
@override_settings(BROADCASTING_CSRF=True)
def test_a_token_can_be_asked_for() -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post(AUTH, asking("private-desk.3")).status_code == 403
    assert client.post(USER_AUTH, {"socket_id": SOCKET}).status_code == 403

    token = with_token(client)
    in_header = {"headers": {"X-CSRFToken": token}}
    fields = asking("private-desk.3")
    answers = [
        client.post(AUTH, fields, **in_header),
        client.post(AUTH, fields, content_type="application/json", **in_header),
        client.post(AUTH, urlencode(fields), content_type=FORM, **in_header),
        client.post(AUTH, urlencode({**fields, "csrfmiddlewaretoken": token}), content_type=FORM),
        client.post(AUTH, {**fields, "csrfmiddlewaretoken": token}),
    ]

    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, signed("private-desk.3"))] * 5
    # Django's own refusals stay what they are
    assert client.post(AUTH, fields, headers={"X-CSRFToken": "x" * 64}).status_code == 403
    elsewhere = {"Origin": "https://elsewhere.test", "X-CSRFToken": token}
    assert client.post(AUTH, fields, headers=elsewhere).status_code == 403


@pytest.mark.usefixtures("_database")
@override_settings(BROADCASTING_CSRF=True)
async def test_a_token_can_be_asked_for_under_asgi() -> None:
    client = AsyncClient(enforce_csrf_checks=True)
    refused = await client.post(AUTH, asking("private-desk.3"))
    token = with_token(client)
    admitted = await client.post(AUTH, asking("private-desk.3"), headers={"X-CSRFToken": token})

    assert (refused.status_code, admitted.status_code) == (403, 200)


@override_settings(BROADCASTING_CSRF=True)
def test_a_body_that_is_too_long_is_not_searched_for_a_token() -> None:
    unread = Unreadable()
    assert ask_raw({"CONTENT_LENGTH": str(BODY_LIMIT + 1), "wsgi.input": unread}) == "413 Request Entity Too Large"
    assert ask_raw({"CONTENT_LENGTH": "9" * 5000, "wsgi.input": unread}) == "413 Request Entity Too Large"


# -- the user ----------------------------------------------------------------------------------------------------------


def user_of_token(request: Any) -> Any:
    token = request.headers.get("Authorization")
    if token is None:
        return HttpResponse("who are you?", status=401)
    if token == "Bearer locked":
        raise PermissionDenied
    return SimpleNamespace(pk=3) if token == "Bearer ann" else None


@pytest.mark.parametrize("named", [True, False])
def test_the_user_may_come_from_elsewhere(*, named: bool) -> None:
    with override_settings(BROADCASTING_USER=f"{HERE}.user_of_token" if named else user_of_token):
        by_token = {
            token: Client().post(AUTH, asking("private-user.3"), headers={"Authorization": f"Bearer {token}"})
            for token in ("ann", "nobody", "locked")
        }
        without = Client().post(AUTH, asking("private-user.3"))

    assert {token: answer.status_code for token, answer in by_token.items()} == {
        "ann": 200,
        "nobody": 403,
        "locked": 403,
    }
    assert by_token["nobody"].json() == {"error": "forbidden"}
    assert (without.status_code, without.content) == (401, b"who are you?")


def told_of(user: Any) -> object:
    return {"id": f"user-{user.pk}", "user_info": {"name": "Ann"}}


@pytest.mark.parametrize("named", [True, False])
@override_settings(BROADCASTING_USER=lambda request: SimpleNamespace(pk="u-3"))
def test_what_a_sign_in_tells_is_the_projects_to_say(*, named: bool) -> None:
    by_default = Client().post(USER_AUTH, {"socket_id": SOCKET})
    with override_settings(BROADCASTING_USER_DATA=f"{HERE}.told_of" if named else told_of):
        chosen = Client().post(USER_AUTH, {"socket_id": SOCKET})

    assert by_default.json() == foreign().authenticate_user(SOCKET, {"id": "u-3"})
    assert chosen.json() == foreign().authenticate_user(SOCKET, {"id": "user-u-3", "user_info": {"name": "Ann"}})


def test_without_authentication_everybody_is_a_guest() -> None:
    with override_settings(MIDDLEWARE=[]):
        assert Client().post(AUTH, asking("private-user.1")).status_code == 403
        assert Client().post(AUTH, asking("private-desk.1")).status_code == 200


@pytest.mark.usefixtures("_database")
@pytest.mark.parametrize("asynchronous", [False, True], ids=["wsgi", "asgi"])
async def test_where_everybody_must_log_in_a_guest_is_answered_and_not_redirected(*, asynchronous: bool) -> None:
    # what the middleware of Django 5.1 would answer is a page to log in, as 302: clients take that for a yes
    demanding = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    asked = [(AUTH, asking("private-user.1")), (USER_AUTH, {"socket_id": SOCKET}), (AUTH, asking("private-desk.3"))]
    with override_settings(MIDDLEWARE=demanding):
        if asynchronous:
            client = AsyncClient()
            answers = [await client.post(path, fields) for path, fields in asked]
        else:
            blocking = Client()
            answers = [await asyncio.to_thread(blocking.post, path, fields) for path, fields in asked]

    assert [answer.status_code for answer in answers] == [403, 403, 200]
    assert answers[0].json() == {"error": "forbidden"}


# -- bodies ------------------------------------------------------------------------------------------------------------


class Unreadable(io.RawIOBase):
    """The body of a client that has gone, or one that nobody may read."""

    def read(self, size: int = -1) -> bytes:
        raise OSError("read")


def ask_raw(given: dict[str, Any]) -> str:
    """Ask Django's own handler; return the status line."""
    statuses: list[str] = []
    environ = RequestFactory().post(AUTH, content_type=FORM).environ
    response = WSGIHandler()({**environ, **given}, lambda status, headers, exc_info=None: statuses.append(status))
    response.close()
    return statuses[0]


BODY = urlencode(asking("private-desk.3")).encode()


@override_settings(MIDDLEWARE=[])
@pytest.mark.parametrize(
    ("given", "status"),
    [
        pytest.param({"CONTENT_LENGTH": str(len(BODY)), "wsgi.input": io.BytesIO(BODY)}, "200 OK", id="whole"),
        pytest.param({"CONTENT_LENGTH": "9999", "wsgi.input": io.BytesIO(BODY)}, "400 Bad Request", id="cut off"),
        pytest.param({"CONTENT_LENGTH": "9", "wsgi.input": Unreadable()}, "400 Bad Request", id="the client has gone"),
        pytest.param({"CONTENT_LENGTH": "x", "wsgi.input": io.BytesIO(BODY)}, "400 Bad Request", id="no number"),
        pytest.param(
            {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": io.BytesIO(BODY)},
            "411 Length Required",
            id="in chunks, whose end the server does not tell",
        ),
    ],
)
def test_what_a_server_hands_over(given: dict[str, Any], status: str) -> None:
    assert ask_raw(given) == status


def reading(read: Callable[[Any], object]) -> Callable[[Any], Any]:
    """Make a middleware that looks at the request before we do."""

    def middleware(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def serve(request: Any) -> Any:
            read(request)
            return get_response(request)

        return serve

    return middleware


reads_body = reading(lambda request: request.body)
reads_post = reading(lambda request: request.POST.get("token"))


@pytest.mark.parametrize("middleware", ["reads_body", "reads_post"])
@pytest.mark.parametrize("content_type", [FORM, "multipart", "application/json"])
async def test_a_middleware_may_read_the_body_before_us(middleware: str, content_type: str) -> None:
    fields: Any = asking("private-desk.3") | {"token": "ada"}
    if content_type == FORM:
        fields = urlencode(fields)
    options = {} if content_type == "multipart" else {"content_type": content_type}

    with override_settings(MIDDLEWARE=[f"{HERE}.{middleware}"]):
        answers = [
            await asyncio.to_thread(Client().post, AUTH, fields, **options),
            await AsyncClient().post(AUTH, fields, **options),
        ]

    assert [answer.status_code for answer in answers] == [200, 200]


@override_settings(MIDDLEWARE=[])
def test_a_multipart_body_that_cannot_be_read() -> None:
    body = b"--x--"
    for content_type in ("multipart/form-data", "multipart/form-data; boundary=\xe4"):
        answer = Client().generic("POST", AUTH, body, content_type=content_type)
        assert (answer.status_code, answer.json()) == (400, {"error": "the field socket_id is missing"})


@override_settings(MIDDLEWARE=[f"{HERE}.reads_post"])
def test_a_form_that_a_middleware_has_read_is_no_longer_than_others() -> None:
    answer = Client().post(AUTH, asking("private-desk.3") | {"note": "ü" * (BODY_LIMIT // 4)})

    assert (answer.status_code, answer.json()) == (413, {"error": "the request body is too long"})


def test_a_request_reads_no_further_than_the_limit() -> None:
    source = io.BytesIO(b"x" * 10 * BODY_LIMIT)
    environ = RequestFactory().post(AUTH, content_type=FORM).environ
    request = WSGIRequest({**environ, "CONTENT_LENGTH": str(BODY_LIMIT), "wsgi.input": source})
    from broadcastkit.integrations.django import views

    assert views.auth(request).status_code == 400
    assert source.tell() == BODY_LIMIT
