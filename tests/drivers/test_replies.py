"""What services answer, as each of them writes it: sources are research/peers.md §2.2-2.5 and laravel.md §2-3."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from broadcastkit.drivers.base import CachedEvent, ChannelInfo, UserInfo
from broadcastkit.drivers.pusher import replies
from broadcastkit.drivers.pusher.requests import Entry, trigger_body
from broadcastkit.drivers.pusher.wire import HttpReply
from broadcastkit.errors import (
    BadCredentialsError,
    BadRequestError,
    ForbiddenError,
    RateLimitedError,
    RefusedError,
    ServiceFailedError,
    TooLargeForServiceError,
    UnknownAppError,
)
from tests.drivers.talk import NOW, reply

SIGNATURE = "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"


def read(answer: HttpReply, sent: bytes = b"") -> dict[str, Any]:
    return replies.read(answer, "event 'ping' was refused by http://service.test", sent=sent, now=NOW)


def refused(answer: HttpReply, sent: bytes = b"") -> RefusedError:
    with pytest.raises(RefusedError) as error:
        read(answer, sent)
    return error.value


YES: dict[str, tuple[HttpReply, dict[str, Any]]] = {
    "Pusher": (reply(200, {}), {}),
    "soketi": (reply(200, {"ok": True}), {"ok": True}),
    "Reverb, nothing occupied": (reply(200, {"channels": []}), {"channels": []}),
    "Reverb, a batch": (reply(200, {"batch": {}}), {"batch": {}}),
    "an old server": (reply(200, {"event_ids": {"news": "eudhq17zrhfbwc"}}), {"event_ids": {"news": "eudhq17zrhfbwc"}}),
    "an empty body": (reply(200), {}),
    "blanks": (reply(200, b" \r\n"), {}),
    "PHP's empty array": (reply(200, b"[]"), {}),
    "accepted": (reply(202, b"202 ACCEPTED\n"), {}),
    "created": (reply(201, {"ok": 1}), {"ok": 1}),
}


@pytest.mark.parametrize(("answer", "body"), YES.values(), ids=YES)
def test_yes_in_many_forms(answer: HttpReply, body: dict[str, Any]) -> None:
    assert read(answer) == body


NO: dict[str, tuple[HttpReply, type[RefusedError], int, str]] = {
    "Pusher's plain text": (
        reply(400, b"Cannot retrieve the user count unless the channel is a presence channel\n"),
        BadRequestError,
        400,
        "Cannot retrieve the user count unless the channel is a presence channel",
    ),
    "a wrong key": (reply(401, b"auth_key should be a valid app key"), BadCredentialsError, 401, "valid app key"),
    "over quota": (reply(403, b"Over quota"), ForbiddenError, 403, "Over quota"),
    "no such app": (reply(404, {"message": "No matching application"}), UnknownAppError, 404, "No matching"),
    "too large": (
        reply(413, b"The data content of this event exceeds the allowed maximum (10240 bytes)"),
        TooLargeForServiceError,
        413,
        "10240 bytes",
    ),
    "Reverb's validator": (
        reply(422, {"name": ["The name field is required."]}),
        BadRequestError,
        422,
        "The name field is required.",
    ),
    "a rate": (reply(429, {"error": "Too many requests", "code": 429}), RateLimitedError, 429, "Too many requests"),
    "broken": (reply(500, b"Internal Server Error"), ServiceFailedError, 500, "Internal Server Error"),
    "a proxy's page": (
        reply(502, b"<html>\n<h1>502 Bad Gateway</h1>\n</html>"),
        ServiceFailedError,
        502,
        "<h1>502 Bad Gateway</h1>",
    ),
    "soketi, a wrong secret": (
        reply(200, {"error": "The secret authentication failed", "code": 401}),
        BadCredentialsError,
        401,
        "The secret authentication failed",
    ),
    "soketi, an unknown app": (
        reply(200, {"error": "The app 9 could not be found.", "code": 404}),
        UnknownAppError,
        404,
        "could not be found",
    ),
    "an error of no code": (reply(200, {"error": "no"}), ServiceFailedError, 200, "no"),
    "an error of a strange code": (reply(200, {"error": "no", "code": "x"}), ServiceFailedError, 200, "no"),
    "a page": (reply(200, b"<!DOCTYPE html><title>Welcome</title>"), ServiceFailedError, 200, "<title>Welcome"),
    "half an answer": (reply(200, b'{"ok":'), ServiceFailedError, 200, '{"ok":'),
    "another API's answer": (reply(200, b'["ok"]'), ServiceFailedError, 200, '["ok"]'),
    "no text at all": (reply(200, b"\xff\xfe\x00"), ServiceFailedError, 200, ""),
    "very deep": (reply(200, b"[" * 100_000), ServiceFailedError, 200, "[["),
    "moved": (reply(301, b"Moved"), ServiceFailedError, 301, "Moved"),
}


@pytest.mark.parametrize(("answer", "error", "status", "said"), NO.values(), ids=NO)
def test_no_in_many_forms(answer: HttpReply, error: type[RefusedError], status: int, said: str) -> None:
    found = refused(answer)

    assert type(found) is error
    assert found.status == status
    assert said in found.response_text
    assert str(found).startswith(f"event 'ping' was refused by http://service.test: {status}")
    assert said in str(found)
    assert "\n" not in str(found)


def test_an_answer_that_is_none_says_what_to_check() -> None:
    assert "check host, port and path" in str(refused(reply(200, b"<html>")))
    assert "clock" in str(refused(reply(401)))
    assert "app_id" in str(refused(reply(404)))


def test_text_that_looks_like_a_signature_is_blanked() -> None:
    # the form of Pusher's own answer, which quotes both signatures and the string it signed
    said = (
        f'Invalid signature: you should have sent HmacSHA256Hex("POST\\n/apps/3/events\\nauth_key=k&auth_timestamp=1'
        f'&auth_version=1.0&body_md5={SIGNATURE[:32]}", your_secret_key), but you sent "{SIGNATURE}"'
    )

    error = refused(reply(401, said.encode()))

    assert SIGNATURE[:32] not in str(error) + error.response_text + repr(error) + str(pickle.dumps(error))
    assert 'but you sent "[blanked]"' in error.response_text


def test_a_long_answer_is_cut() -> None:
    error = refused(reply(500, b"x" * 100_000))

    assert len(error.response_text) == 500
    assert len(str(error)) < 400


def test_what_an_answer_quotes_of_the_payload_is_blanked_and_its_own_words_are_kept() -> None:
    entry = Entry(0, "order.paid", ("private-orders.7",), '{"note":"for the eyes of Zoë"}', None, ())
    sent = trigger_body(entry)

    error = refused(reply(422, b"private-orders.7: the payload " + sent + b" of order.paid is odd"), sent)

    for shown in (str(error), error.response_text, repr(error), str(pickle.dumps(error))):
        assert "Zoë" not in shown
        assert "eyes" not in shown
        assert "private-orders.7: the payload" in shown
        assert "of order.paid is odd" in shown
        assert "[blanked]" in shown


@pytest.mark.parametrize("header", ["3", "Tue, 14 Nov 2023 22:13:23 GMT"])
def test_retry_after(header: str) -> None:
    assert refused(reply(429, b"", retry_after=header)).retry_after == pytest.approx(3.0, abs=0.3)


# -- what services know ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "info"),
    [
        ({"occupied": True, "user_count": 42, "subscription_count": 43}, ChannelInfo(True, 42, 43)),
        ({"occupied": False}, ChannelInfo(False)),
        ({"user_count": 0}, ChannelInfo(user_count=0)),
        ({"user_count": "3", "occupied": 1, "subscription_count": True}, ChannelInfo()),
        ({"occupied": True, "cache": {"data": "{}", "ttl": 60}}, ChannelInfo(True, cache=CachedEvent("{}", 60))),
        ({"cache": {"event": "told", "data": "{}"}}, ChannelInfo(cache=CachedEvent("{}"))),
        ({"cache": None}, ChannelInfo()),
        ({"cache": {"data": {}, "ttl": "60"}}, ChannelInfo()),
        ({}, ChannelInfo()),
        ([], ChannelInfo()),
        (None, ChannelInfo()),
    ],
)
def test_a_channel(raw: Any, info: ChannelInfo) -> None:
    assert replies.channel_info(raw) == info


@pytest.mark.parametrize(
    ("body", "infos"),
    [
        (
            {"channels": {"presence-a": {"user_count": 3}, "b": {}}},
            {"presence-a": ChannelInfo(None, 3), "b": ChannelInfo()},
        ),
        ({"channels": []}, {}),
        ({"channels": None}, {}),
        ({}, {}),
    ],
)
def test_a_map_of_channels(body: dict[str, Any], infos: dict[str, ChannelInfo]) -> None:
    assert replies.channel_infos(body) == infos


@pytest.mark.parametrize(
    ("users", "found"),
    [
        ([{"id": "1"}, {"id": 2}], (UserInfo("1"), UserInfo("2"))),
        ([{"id": "1", "user_info": {"name": "Ada"}}], (UserInfo("1"),)),
        ([{"name": "no id"}, "1", None], ()),
        ([], ()),
        ({}, ()),
        (None, ()),
    ],
)
def test_users(users: Any, found: tuple[UserInfo, ...]) -> None:
    assert replies.user_infos(json.loads(json.dumps({"users": users}))) == found
