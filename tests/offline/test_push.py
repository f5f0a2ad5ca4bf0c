"""`Fcm`: what it sends, as FCM's reference has it, and what its answers mean. A server on loopback answers for it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from broadcastkit.errors import (
    BadCredentialsError,
    BadRequestError,
    ConfigurationError,
    ConnectError,
    ConnectionLostError,
    DeliveryError,
    DeviceGoneError,
    ForbiddenError,
    InvalidInputError,
    NoReplyError,
    RateLimitedError,
    ServiceFailedError,
    UnknownAppError,
)
from broadcastkit.offline.push import Fcm, PushSender
from tests.interop.servers import LOOPBACK, free_port
from tests.offline.sinks import PushServer, push_server
from tests.offline.test_email import Script

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "ya29.t0psecret"


@pytest.fixture
def service() -> Iterator[PushServer]:
    with push_server() as server:
        yield server


@pytest.fixture
def fcm(service: PushServer) -> Iterator[Fcm]:
    fcm = Fcm("shop-1f3", lambda: TOKEN, endpoint=service.url)
    yield fcm
    fcm.close()


def push(sender: PushSender, **changed: Any) -> None:
    sender.send(**{"to": "device-token", "title": "Ada", "text": "Hello!", **changed})


# -- what is sent ------------------------------------------------------------------------------------------------------


def test_a_message_is_as_the_reference_has_it(service: PushServer, fcm: Fcm) -> None:
    """REST v1, "projects.messages.send" and "Message"."""
    push(fcm, text="Grüße ✓", data={"conversation": "7"})

    assert service.requests == [
        {
            "method": "POST",
            "path": "/v1/projects/shop-1f3/messages:send",
            "authorization": f"Bearer {TOKEN}",
            "type": "application/json; charset=UTF-8",
            "body": {
                "message": {
                    "token": "device-token",
                    "notification": {"title": "Ada", "body": "Grüße ✓"},
                    "data": {"conversation": "7"},
                }
            },
        }
    ]


def test_with_an_id_a_second_one_replaces_the_first(service: PushServer, fcm: Fcm) -> None:
    """`AndroidNotification.tag`, the header apns-collapse-id of APNs, and `tag` of the web's Notification."""
    push(fcm, id="0a1b")

    assert service.requests[0]["body"]["message"] == {
        "token": "device-token",
        "notification": {"title": "Ada", "body": "Hello!"},
        "android": {"notification": {"tag": "0a1b"}},
        "apns": {"headers": {"apns-collapse-id": "0a1b"}},
        "webpush": {"notification": {"tag": "0a1b"}},
    }


async def test_async_code_sends_in_a_thread(service: PushServer, fcm: Fcm) -> None:
    await fcm.asend(to="device-token", title="Ada", text="Hello!", data={"a": "b"}, id="1")

    assert service.requests[0]["body"]["message"]["data"] == {"a": "b"}
    assert service.requests[0]["body"]["message"]["android"] == {"notification": {"tag": "1"}}


def test_the_access_token_is_asked_for_each_time(service: PushServer) -> None:
    tokens = iter(["one", "two"])
    fcm = Fcm("shop", lambda: next(tokens), endpoint=f"{service.url}/")
    for _ in range(2):
        push(fcm)
    fcm.close()

    assert [request["authorization"] for request in service.requests] == ["Bearer one", "Bearer two"]


def test_a_client_of_ones_own_is_used_and_left_open(service: PushServer) -> None:
    with httpx.Client() as client:
        fcm = Fcm("shop", lambda: TOKEN, endpoint=service.url, client=client)
        push(fcm)
        fcm.close()
        push(fcm)

        assert not client.is_closed
    assert len(service.requests) == 2


def test_it_may_be_used_again_after_closing_and_after_a_fork(service: PushServer, fcm: Fcm) -> None:
    push(fcm)
    fcm.close()
    fcm.close()
    push(fcm)
    child = os.fork()
    if child == 0:  # pragma: no cover - ends without a word
        try:
            push(fcm)
        except BaseException:  # noqa: BLE001 - its parent sees that
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0

    assert len(service.requests) == 3


# -- what is answered --------------------------------------------------------------------------------------------------


def fcm_error(status: str, code: str | None) -> object:
    """As FCM writes it: "Error codes", and https://bloomberg.github.io/pushiko/fcm_responses."""
    details = [{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}] if code else []
    return {"error": {"code": 0, "message": "t0psecret device-token", "status": status, "details": details}}


@pytest.mark.parametrize(
    ("answered", "answer", "means"),
    [
        ("404 Not Found", fcm_error("NOT_FOUND", "UNREGISTERED"), (DeviceGoneError, "404 UNREGISTERED")),
        ("404 Not Found", fcm_error("NOT_FOUND", None), (UnknownAppError, "404 NOT_FOUND")),
        ("404 Not Found", b"<html>", (UnknownAppError, "404:")),
        ("400 Bad Request", fcm_error("INVALID_ARGUMENT", "INVALID_ARGUMENT"), (BadRequestError, "400 INV")),
        ("401 Unauthorized", fcm_error("UNAUTHENTICATED", None), (BadCredentialsError, "401 UNAUTHENTICATED")),
        ("401 Unauthorized", fcm_error("X", "THIRD_PARTY_AUTH_ERROR"), (BadCredentialsError, "401 THIRD_PARTY")),
        ("403 Forbidden", fcm_error("PERMISSION_DENIED", None), (ForbiddenError, "403 PERMISSION_DENIED")),
        ("403 Forbidden", fcm_error("X", "SENDER_ID_MISMATCH"), (BadRequestError, "403 SENDER_ID_MISMATCH")),
        ("429 Too Many", fcm_error("X", "QUOTA_EXCEEDED"), (RateLimitedError, "429 QUOTA_EXCEEDED")),
        ("500 Internal", fcm_error("INTERNAL", "INTERNAL"), (ServiceFailedError, "500 INTERNAL")),
        ("503 Unavailable", fcm_error("X", "UNAVAILABLE"), (ServiceFailedError, "503 UNAVAILABLE")),
        ("502 Bad Gateway", b"<html>t0psecret", (ServiceFailedError, "502")),
        ("413 Too Large", b"[]", (BadRequestError, "413")),
        ("302 Found", b'{"error": "t0psecret"}', (ServiceFailedError, "302")),
        ("400 Bad Request", {"error": {"status": "not a code: t0psecret"}}, (BadRequestError, "400:")),
    ],
    ids=lambda given: given if isinstance(given, str) else given[1] if isinstance(given, tuple) else "",
)
def test_what_the_answers_mean(
    service: PushServer, fcm: Fcm, answered: str, answer: object, means: tuple[type[DeliveryError], str]
) -> None:
    error, said = means
    service.replies = [(answered, {}, answer)]
    with pytest.raises(DeliveryError) as raised:
        push(fcm)

    assert type(raised.value) is error
    assert f"FCM answered {said}" in str(raised.value)
    shown = str(raised.value) + repr(raised.value.__dict__)
    assert "t0psecret" not in shown
    assert "device-token" not in shown


@pytest.mark.parametrize(
    ("answered", "header", "seconds"),
    [
        ("429 Too Many", {"Retry-After": "17"}, 17.0),
        ("429 Too Many", {}, 60.0),
        ("429 Too Many", {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, 86_400.0),
        ("429 Too Many", {"Retry-After": "inf"}, 60.0),
        ("503 Unavailable", {"Retry-After": "120"}, 120.0),
        ("503 Unavailable", {}, None),
    ],
    ids=["429", "429 alone", "a date, and a day at most", "no time", "503", "503 alone"],
)
def test_what_it_asks_to_wait_is_told(
    service: PushServer, fcm: Fcm, answered: str, header: dict[str, str], seconds: float | None
) -> None:
    """ "Error codes": of 429, a minute where nothing is said."""
    service.replies = [(answered, header, fcm_error("X", "QUOTA_EXCEEDED"))]
    with pytest.raises(DeliveryError) as raised:
        push(fcm)
    assert raised.value.retry_after == seconds


def test_a_queue_tries_a_500_again() -> None:
    """After a status of 500 nobody does, since a Pusher service may have acted: so the error has none."""
    with push_server() as service:
        service.replies = [("500 Internal", {}, fcm_error("INTERNAL", "INTERNAL"))]
        fcm = Fcm("shop", lambda: TOKEN, endpoint=service.url)
        with pytest.raises(ServiceFailedError) as raised:
            push(fcm)
        fcm.close()
    assert raised.value.status is None


def test_an_answer_without_end_is_read_as_far_as_it_makes_sense(service: PushServer, fcm: Fcm) -> None:
    service.replies = [("503 Unavailable", {}, json.dumps({"error": "x" * 1_000_000}).encode())]
    with pytest.raises(ServiceFailedError):
        push(fcm)
    push(fcm)
    assert len(service.requests) == 2


def test_nobody_is_there() -> None:
    fcm = Fcm("shop", lambda: TOKEN, endpoint=f"http://{LOOPBACK}:{free_port()}")
    with pytest.raises(ConnectError, match="FCM was not reached: ConnectError"):
        push(fcm)
    fcm.close()


@pytest.mark.parametrize(("hangs", "error"), [(True, NoReplyError), (False, ConnectionLostError)])
def test_no_answer_comes(error: type[DeliveryError], *, hangs: bool) -> None:
    server = Script(hangs=hangs)
    fcm = Fcm("shop", lambda: TOKEN, endpoint=f"http://{LOOPBACK}:{server.port}", timeout=0.3)
    try:
        with pytest.raises(error):
            push(fcm)
    finally:
        server.close()
        fcm.close()


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"to": None}, "to must be a str, not NoneType"),
        ({"title": 7}, "title must be a str, not int"),
        ({"text": b"x"}, "text must be a str, not bytes"),
        ({"data": {"id": 7}}, r"data must map texts to texts; 'id' is a int: use str\(\)"),
        ({"data": {7: "id"}}, "data must map texts to texts"),
    ],
    ids=str,
)
def test_what_is_no_text_is_refused(service: PushServer, fcm: Fcm, changed: Any, error: str) -> None:
    with pytest.raises(InvalidInputError, match=error):
        push(fcm, **changed)
    assert service.requests == []


@pytest.mark.parametrize("token", ["", None, b"x", "t0p\nsecret", "t0psécret"])
def test_what_is_no_access_token_is_refused_and_not_shown(service: PushServer, token: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^token must return an access token, a text$"):
        push(Fcm("shop", lambda: token, endpoint=service.url))
    assert service.requests == []


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"project": ""}, "project must be the id of a Firebase project"),
        ({"project": "../x"}, "project must be the id of a Firebase project, not '../x'"),
        ({"project": None}, "project must be a str, not NoneType"),
        ({"token": TOKEN}, "token must be a callable that returns an access token$"),
        ({"endpoint": "fcm.example.com"}, "endpoint must begin with https:// and name a host"),
        ({"timeout": -1}, "timeout must be"),
    ],
    ids=str,
)
def test_settings_that_are_wrong(settings: Any, error: str) -> None:
    with pytest.raises(ConfigurationError, match=error) as raised:
        Fcm(**{"project": "shop", "token": lambda: TOKEN, **settings})
    assert TOKEN not in str(raised.value)


def test_its_repr_has_no_secret(fcm: Fcm) -> None:
    assert repr(fcm) == "Fcm('shop-1f3')"
