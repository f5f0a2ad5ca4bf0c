"""What is accepted, what is refused and for which reason, and what the errors do not say."""

from __future__ import annotations

import json
import traceback
from collections import UserDict
from datetime import UTC, datetime
from typing import Any

import pusher.crypto
import pytest
from starlette.datastructures import Headers as StarletteHeaders

from broadcastkit.errors import ConfigurationError, InvalidInputError, SignatureError
from broadcastkit.signing import KeyRing, Signer
from broadcastkit.webhooks import (
    ChannelOccupied,
    ClientEventReceived,
    MemberAdded,
    UnknownEvent,
    Webhook,
    WebhookError,
    WebhookRefusal,
    parse_webhook,
    verify_webhook,
)
from tests.webhooks.tools import (
    KEY,
    MASTER_KEY,
    NOW,
    OLD_MASTER_KEY,
    SECRET,
    body_of,
    headers_for,
    signature_of,
)

OCCUPIED = {"name": "channel_occupied", "channel": "orders"}
BODY = body_of(OCCUPIED)
HEADERS = headers_for(BODY)
KEYS = (KEY, SECRET)
VAULT = "private-encrypted-vault.3"


def refusal(headers: Any, body: bytes, **options: Any) -> WebhookError:
    with pytest.raises(WebhookError) as caught:
        parse_webhook(headers, body, **{"keys": KEYS, **options})
    error = caught.value
    said = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    for hidden in (SECRET, HEADERS["X-Pusher-Signature"], "hunter2"):
        assert hidden not in said
    assert error.__context__ is None  # the JSON reader's error would hold the body
    return error


# -- accepted --------------------------------------------------------------------------------------------------------


def test_several_events_in_one_delivery() -> None:
    body = body_of(OCCUPIED, {"name": "member_added", "channel": "presence-x", "user_id": "7"}, {"name": "brand_new"})

    webhook = parse_webhook(headers_for(body), body, keys=KEYS)

    assert webhook == Webhook(
        KEY,
        datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
        (
            ChannelOccupied(channel="orders"),
            MemberAdded(channel="presence-x", user_id="7"),
            UnknownEvent(name="brand_new", fields={"name": "brand_new"}),
        ),
    )


def environ() -> dict[str, Any]:
    kept = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in HEADERS.items() if name[0] == "X"}
    return {"REQUEST_METHOD": "POST", "wsgi.input": object(), "CONTENT_TYPE": "application/json", **kept}


@pytest.mark.parametrize(
    "headers",
    [
        HEADERS,
        {name.lower(): value for name, value in HEADERS.items()},
        {name.upper(): value for name, value in HEADERS.items()},
        UserDict(HEADERS),
        list(HEADERS.items()),
        iter(HEADERS.items()),
        [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()],
        StarletteHeaders(HEADERS),
        environ(),
        [*HEADERS.items(), ("X-Pusher-Signature", "the first one counts")],
    ],
    ids=["dict", "lower", "upper", "mapping", "pairs", "iterator", "bytes", "starlette", "environ", "twice"],
)
def test_headers_as_frameworks_have_them(headers: Any) -> None:
    assert parse_webhook(headers, BODY, keys=KEYS).key == KEY


@pytest.mark.parametrize(
    "media_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8", " application/json ", ""],
)
def test_the_media_type_is_compared_and_not_the_text(media_type: str) -> None:
    assert parse_webhook({**HEADERS, "Content-Type": media_type}, BODY, keys=KEYS).events


def test_no_media_type_is_none_that_is_wrong() -> None:
    headers = {name: value for name, value in HEADERS.items() if name != "Content-Type"}

    assert parse_webhook(headers, BODY, keys=KEYS).events


@pytest.mark.parametrize(
    "keys",
    [
        KEYS,
        Signer(*KEYS),
        KeyRing(("new", "s"), KEYS),
        [("new", "s"), KEYS],
        (("new", "s"), Signer(*KEYS)),
        iter([KEYS]),
        KeyRing((KEY, "new secret"), KEYS),
    ],
    ids=["pair", "signer", "ring", "list", "mixed", "iterator", "one key with two secrets"],
)
def test_one_of_several_keys(keys: Any) -> None:
    assert parse_webhook(HEADERS, BODY, keys=keys).key == KEY


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_the_body_is_any_bytes(kind: Any) -> None:
    assert verify_webhook(HEADERS, kind(BODY), keys=KEYS) == KEY
    assert parse_webhook(HEADERS, kind(BODY), keys=KEYS).events


def test_the_bytes_are_what_is_signed_and_not_their_meaning() -> None:
    rewritten = json.dumps(json.loads(BODY), indent=1).encode()

    assert refusal(HEADERS, rewritten).reason is WebhookRefusal.BAD_SIGNATURE
    assert parse_webhook(headers_for(rewritten), rewritten, keys=KEYS).events == (ChannelOccupied(channel="orders"),)


# -- refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "reason", "text"),
    [
        ({"X-Pusher-Key": None}, WebhookRefusal.MISSING_HEADER, "X-Pusher-Key is missing"),
        ({"X-Pusher-Key": " "}, WebhookRefusal.MISSING_HEADER, "X-Pusher-Key is missing"),
        ({"X-Pusher-Signature": None}, WebhookRefusal.MISSING_HEADER, "X-Pusher-Signature is missing"),
        ({"X-Pusher-Key": "hunter2"}, WebhookRefusal.UNKNOWN_KEY, "X-Pusher-Key is none of the configured keys"),
        ({"X-Pusher-Signature": "0" * 64}, WebhookRefusal.BAD_SIGNATURE, "X-Pusher-Signature does not fit the body"),
        ({"X-Pusher-Signature": "ä\ud800"}, WebhookRefusal.BAD_SIGNATURE, "X-Pusher-Signature does not fit the body"),
        (
            {"X-Pusher-Signature": signature_of(BODY, "other")},
            WebhookRefusal.BAD_SIGNATURE,
            "X-Pusher-Signature does not fit the body",
        ),
        ({"Content-Type": "text/plain"}, WebhookRefusal.WRONG_MEDIA_TYPE, "Content-Type is not application/json"),
        (
            {"Content-Type": "application/jsonp"},
            WebhookRefusal.WRONG_MEDIA_TYPE,
            "Content-Type is not application/json",
        ),
    ],
)
def test_headers_that_do_not_do(changed: dict[str, Any], reason: WebhookRefusal, text: str) -> None:
    error = refusal({**HEADERS, **changed}, BODY)

    assert error.reason is reason
    assert str(error).startswith(text)
    assert isinstance(error, SignatureError)


def test_the_secret_of_one_key_does_not_sign_for_another() -> None:
    headers = headers_for(BODY, "other", SECRET)

    assert refusal(headers, BODY, keys=[KEYS, ("other", "its own")]).reason is WebhookRefusal.BAD_SIGNATURE


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "the body is not a JSON object"),
        (b"hunter2", "the body is not a JSON object"),
        (b"\xff", "the body is not a JSON object"),
        (b"[" * 100_000, "the body is not a JSON object"),
        (b'{"time_ms":' + b"9" * 10_000 + b"}", "the body is not a JSON object"),
        (b"[]", "the body is not a JSON object"),
        (b"{}", "time_ms is not a number of milliseconds"),
        (body_of(time_ms="hunter2"), "time_ms is not a number of milliseconds"),
        (body_of(time_ms=True), "time_ms is not a number of milliseconds"),
        (body_of(time_ms=1.5), "time_ms is not a number of milliseconds"),
        (body_of(time_ms=-1), "time_ms is not a number of milliseconds"),
        (body_of(time_ms=253_402_300_800_000), "time_ms is not a number of milliseconds"),
        (b'{"time_ms":1}', "events is not a list"),
        (b'{"time_ms":1,"events":{}}', "events is not a list"),
        (b'{"time_ms":1,"events":["hunter2"]}', "an event is not an object with a name"),
        (body_of(OCCUPIED, {"channel": "hunter2"}), "an event is not an object with a name"),
    ],
)
def test_signed_bodies_that_cannot_be_read(body: bytes, text: str) -> None:
    error = refusal(headers_for(body), body)

    assert (error.reason, str(error)) == (WebhookRefusal.MALFORMED_BODY, text)


@pytest.mark.parametrize("body", [BODY.decode(), json.loads(BODY), None])
def test_a_body_that_a_framework_has_read_already(body: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"^raw_body must be the bytes as they came, not (str|dict|NoneType)$"):
        parse_webhook(HEADERS, body, keys=KEYS)


def test_any_client_may_send_a_lone_surrogate_and_the_other_events_arrive() -> None:
    body = body_of(OCCUPIED, {"name": "client_event", "channel": "private-x", "event": "client-x", "data": "\ud800"})

    first, second = parse_webhook(headers_for(body), body, keys=KEYS).events

    assert first == ChannelOccupied(channel="orders")
    assert isinstance(second, UnknownEvent)


# -- age -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("off", [-600, 0, 600])
def test_within_the_window(off: int) -> None:
    assert parse_webhook(HEADERS, BODY, keys=KEYS, max_age=600, now=NOW + off).events


@pytest.mark.parametrize("off", [-600.1, 600.1, 1e9, -1e9, float("nan"), float("inf")])
def test_outside_the_window(off: float) -> None:
    error = refusal(HEADERS, BODY, max_age=600, now=NOW + off)

    assert error.reason is WebhookRefusal.STALE
    assert str(error) == "time_ms is more than 600 s off: an old delivery, or check the clock"


def test_without_a_window_no_age_is_too_great() -> None:
    body = body_of(OCCUPIED, time_ms=0)

    assert parse_webhook(headers_for(body), body, keys=KEYS, now=NOW).time == datetime(1970, 1, 1, tzinfo=UTC)


# -- encrypted channels ----------------------------------------------------------------------------------------------


def sealed_by(master_key: str, text: str, channel: str = VAULT) -> Any:
    """Encrypt as another maker does."""
    key = pusher.crypto.parse_master_key(None, master_key)
    return pusher.crypto.encrypt(channel, text, key)


def client_event(data: object, channel: str = VAULT) -> bytes:
    return body_of({"name": "client_event", "channel": channel, "event": "client-x", "data": data, "socket_id": "1.2"})


def received(body: bytes, master_key: Any = None) -> ClientEventReceived:
    (event,) = parse_webhook(headers_for(body), body, keys=KEYS, master_key=master_key).events
    assert isinstance(event, ClientEventReceived)
    return event


@pytest.mark.parametrize("by", [MASTER_KEY, OLD_MASTER_KEY], ids=["current", "previous"])
@pytest.mark.parametrize("as_text", [True, False], ids=["text", "object"])
def test_what_a_client_has_encrypted_is_opened(by: str, *, as_text: bool) -> None:
    data = sealed_by(by, '{"code":7}')
    text = data if isinstance(data, str) else json.dumps(data)

    event = received(client_event(text if as_text else json.loads(text)), [MASTER_KEY, OLD_MASTER_KEY])

    assert (event.data, event.payload, event.sealed) == ('{"code":7}', {"code": 7}, False)


@pytest.mark.parametrize(
    ("data", "master_key"),
    [
        (sealed_by(OLD_MASTER_KEY, "{}"), None),
        (sealed_by(OLD_MASTER_KEY, "{}"), MASTER_KEY),
        (sealed_by(MASTER_KEY, "{}", "private-encrypted-other"), MASTER_KEY),
        ("hunter2", [MASTER_KEY]),
        ({"nonce": 1}, MASTER_KEY),
    ],
    ids=["no key", "another key", "another channel", "garbage", "no ciphertext"],
)
def test_what_no_key_opens_stays_sealed(data: object, master_key: Any) -> None:
    event = received(client_event(data), master_key)

    assert event.sealed
    assert json.loads(json.dumps(event.data)) == (
        data if isinstance(data, str) else json.dumps(data, separators=(",", ":"))
    )


def test_what_was_not_encrypted_is_not_opened() -> None:
    assert received(client_event('{"nonce":"","ciphertext":""}', "private-x"), MASTER_KEY).payload == {
        "nonce": "",
        "ciphertext": "",
    }


def test_an_encrypted_event_without_data() -> None:
    assert received(client_event(None), MASTER_KEY).payload is None


# -- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [[], "key", [KEY, SECRET], (KEY,), [(KEY, SECRET, "")], None, [None], 7])
def test_keys_that_are_none(keys: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^keys must be a \(key, secret\) pair, a Signer, or several"):
        parse_webhook(HEADERS, BODY, keys=keys)


@pytest.mark.parametrize("max_age", [0, -1, float("nan")])
def test_an_age_that_is_none(max_age: float) -> None:
    with pytest.raises(ConfigurationError, match=r"^max_age must be more than 0 seconds"):
        parse_webhook(HEADERS, BODY, keys=KEYS, max_age=max_age, now=NOW)


def test_an_age_needs_a_clock() -> None:
    with pytest.raises(ConfigurationError, match=r"^max_age needs now=time\.time\(\)"):
        parse_webhook(HEADERS, BODY, keys=KEYS, max_age=60)


def test_a_master_key_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match="encryption_master_key") as caught:
        parse_webhook(HEADERS, BODY, keys=KEYS, master_key=[MASTER_KEY, "hunter2"])

    assert "hunter2" not in str(caught.value)
