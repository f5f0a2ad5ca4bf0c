"""What Signer refuses, what it says, and what it keeps to itself. That its signatures are right: the vectors."""

from __future__ import annotations

import hashlib
import hmac
import re

import pytest

from broadcastkit.errors import (
    ConfigurationError,
    InvalidChannelError,
    InvalidInputError,
    InvalidSocketIdError,
    SignatureError,
)
from broadcastkit.signing import CLOCK_TOLERANCE, Signer, body_md5, query_text, string_to_sign

SECRET = "7ad3773142a6692b25b8"
SIGNER = Signer("278d425bdf160c739803", SECRET)
PATH = "/apps/3/events"
BODY = b'{"name":"foo"}'
MEMBER = '{"user_id":"10"}'


# -- the signer itself -----------------------------------------------------------------------------------------------


def test_repr_shows_the_public_key_only() -> None:
    assert repr(SIGNER) == str(SIGNER) == "Signer('278d425bdf160c739803')"


@pytest.mark.parametrize("key", ["", "a b", "a:b", 'a"b', "a&b", "a=b", "a\\b", "ä", "a\n"])
def test_a_key_that_would_break_the_protocol_is_named(key: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^key must be printable ASCII without spaces, quotes") as caught:
        Signer(key, SECRET)

    assert caught.value.setting == "key"


def test_an_empty_secret_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"^secret must not be empty$") as caught:
        Signer("key", "")

    assert caught.value.setting == "secret"


def test_no_error_about_a_key_shows_the_secret() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Signer("not a key", SECRET)

    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)


@pytest.mark.parametrize("message", [b"", b"Hello!", "Grüße".encode(), bytes(range(256)) * 40])
def test_hex_is_what_the_standard_library_makes(message: bytes) -> None:
    expected = hmac.new(SECRET.encode(), message, hashlib.sha256).hexdigest()

    assert SIGNER.hex(message) == expected
    # each is a copy of the keyed one: the second is not a continuation of the first
    assert SIGNER.hex(message) == expected


def test_after_is_hex_of_the_whole() -> None:
    start = SIGNER.after(b"POST\n/apps/3/events\n")

    assert start(b"a=1") == SIGNER.hex(b"POST\n/apps/3/events\na=1")
    assert start(b"a=2") == SIGNER.hex(b"POST\n/apps/3/events\na=2")


# -- verify: anything malformed is no, never an exception ------------------------------------------------------------


def test_verify_takes_text_and_bytes() -> None:
    signature = SIGNER.hex(BODY)

    assert SIGNER.verify(BODY, signature)
    assert SIGNER.verify(BODY, signature.encode())


@pytest.mark.parametrize(
    "signature",
    ["", "ä" * 64, "\ud800", "\x00" * 64, SIGNER.hex(BODY).upper(), SIGNER.hex(BODY)[:-1], SIGNER.hex(BODY) + "\n"],
)
def test_verify_says_no_to_anything_else(signature: str) -> None:
    assert SIGNER.verify(BODY, signature) is False


@pytest.mark.parametrize("signature", [b"", b"\xff" * 64, SIGNER.hex(BODY).encode()[:-1]])
def test_verify_says_no_to_other_bytes(signature: bytes) -> None:
    assert SIGNER.verify(BODY, signature) is False


@pytest.mark.parametrize("auth", ["", ":", "ä:ö", "\ud800", SIGNER.key, f"{SIGNER.key}:", f"{SIGNER.key}:{'ä' * 64}"])
def test_a_malformed_auth_value_opens_nothing(auth: str) -> None:
    assert SIGNER.verify_subscription(auth, "1.1", "private-a", None) is False
    assert SIGNER.verify_user(auth, "1.1", '{"id":"1"}') is False


# -- subscriptions ---------------------------------------------------------------------------------------------------


def test_an_auth_value_of_another_key_opens_nothing() -> None:
    signature = SIGNER.sign_subscription("1.1", "private-a").partition(":")[2]

    assert SIGNER.verify_subscription(f"{SIGNER.key}:{signature}", "1.1", "private-a", None)
    assert not SIGNER.verify_subscription(f"other:{signature}", "1.1", "private-a", None)


def test_an_auth_value_of_another_secret_opens_nothing() -> None:
    auth = Signer(SIGNER.key, "other").sign_subscription("1.1", "private-a")

    assert not SIGNER.verify_subscription(auth, "1.1", "private-a", None)


@pytest.mark.parametrize(
    ("socket_id", "channel", "data"),
    [
        ("1.2", "private-a", None),
        ("1.1", "private-b", None),
        ("1.1", "private-a", ""),
        ("1.1", "private-a", MEMBER),
    ],
)
def test_an_auth_value_opens_only_what_it_was_made_for(socket_id: str, channel: str, data: str | None) -> None:
    auth = SIGNER.sign_subscription("1.1", "private-a")

    assert SIGNER.verify_subscription(auth, "1.1", "private-a", None)
    assert not SIGNER.verify_subscription(auth, socket_id, channel, data)


# `"?"` is what a lone surrogate becomes where encoding replaces it; a client may send one as "\ud800" in JSON.
def test_a_lone_surrogate_is_not_taken_for_a_question_mark() -> None:
    auth = SIGNER.sign_subscription("1.1", "presence-a", '{"user_id":"1","user_info":"?"}')
    sign_in = SIGNER.sign_user("1.1", '{"id":"?"}')

    assert SIGNER.verify_subscription(auth, "1.1", "presence-a", '{"user_id":"1","user_info":"?"}')
    assert SIGNER.verify_user(sign_in, "1.1", '{"id":"?"}')
    assert not SIGNER.verify_subscription(auth, "1.1", "presence-a", '{"user_id":"1","user_info":"\ud800"}')
    assert not SIGNER.verify_user(sign_in, "1.1", '{"id":"\ud800"}')


@pytest.mark.parametrize("name", ["news", "cache-news", "#server-to-user-1", "encrypted-a", "privatea"])
def test_a_public_name_is_not_signed(name: str) -> None:
    with pytest.raises(InvalidChannelError, match=f"^'{name}' is not a private or presence channel: nothing to sign$"):
        SIGNER.sign_subscription("1.1", name)


@pytest.mark.parametrize("name", ["presence-room", "presence-cache-room"])
def test_presence_needs_a_member(name: str) -> None:
    with pytest.raises(InvalidChannelError, match=f"^'{name}' is a presence channel: a member is needed$"):
        SIGNER.sign_subscription("1.1", name)


@pytest.mark.parametrize("name", ["private-a", "private-cache-a"])
def test_a_private_channel_takes_no_member(name: str) -> None:
    with pytest.raises(InvalidChannelError, match=f"^'{name}' is not a presence channel: it takes no member$"):
        SIGNER.sign_subscription("1.1", name, MEMBER)


# Sign-ins are signed as "socket::user::data", subscriptions as "socket:channel": colons would mix them up.
@pytest.mark.parametrize(
    "channel", ["private-a:b", 'private-:user::{"id":"1"}', "private-a\n", ":user::x", "", "private-"]
)
def test_a_malformed_name_is_never_signed(channel: str) -> None:
    with pytest.raises(InvalidChannelError):
        SIGNER.sign_subscription("1.1", channel)


@pytest.mark.parametrize(
    "socket_id", ["", "1", "1.", ".1", "1.1.1", '1.1::user::{"id":"1"}', "1.1\n", "\u0661.\u0661", " 1.1"]
)
def test_a_malformed_socket_id_is_never_signed(socket_id: str) -> None:
    with pytest.raises(InvalidSocketIdError, match=r"^socket_id must look like '123\.456', not "):
        SIGNER.sign_subscription(socket_id, "private-a")
    with pytest.raises(InvalidSocketIdError):
        SIGNER.sign_user(socket_id, '{"id":"1"}')


def test_text_beyond_ascii_is_signed_as_utf8() -> None:
    member = '{"user_id":"1","user_info":{"name":"Zoë"}}'
    message = f"1.1:presence-a:{member}".encode()
    expected = hmac.new(SECRET.encode(), message, hashlib.sha256).hexdigest()

    assert SIGNER.sign_subscription("1.1", "presence-a", member) == f"{SIGNER.key}:{expected}"


# -- requests --------------------------------------------------------------------------------------------------------


def test_the_signature_is_the_last_parameter_and_the_rest_is_sorted() -> None:
    query = SIGNER.sign_request("GET", "/apps/3/channels", {"info": "user_count", "Filter": "x"}, b"", timestamp=1)

    assert list(query) == ["auth_key", "auth_timestamp", "auth_version", "filter", "info", "auth_signature"]


@pytest.mark.parametrize(
    "name", ["auth_key", "AUTH_KEY", "auth_timestamp", "auth_version", "body_md5", "auth_signature"]
)
def test_parameters_of_the_signature_are_refused_in_any_case(name: str) -> None:
    with pytest.raises(InvalidInputError, match=f"^query parameter {name.lower()} belongs to the signature itself$"):
        SIGNER.sign_request("GET", PATH, {name: "x"}, b"", timestamp=1)


def test_the_query_is_encoded_and_signed_unencoded() -> None:
    assert query_text({"info": "a,b", "name": "ä b&c=d/e"}) == "info=a%2Cb&name=%C3%A4%20b%26c%3Dd%2Fe"
    assert string_to_sign("get", "/x", {"b": "a,b", "a": "ä"}) == "GET\n/x\na=ä&b=a,b"


def signed_post() -> dict[str, str]:
    return SIGNER.sign_request("POST", PATH, {}, BODY, timestamp=1000)


def test_what_was_signed_is_accepted() -> None:
    SIGNER.verify_request("POST", PATH, signed_post(), BODY, now=1000.9)


@pytest.mark.parametrize("name", ["auth_key", "auth_timestamp", "body_md5", "auth_signature", "auth_version"])
@pytest.mark.parametrize("value", ["", "other", "ä", "\ud800", "\x00", "9" * 5000])
def test_each_parameter_of_a_signature_is_needed_as_it_was(name: str, value: str) -> None:
    changed = {**signed_post(), name: value}
    missing = {key: value for key, value in signed_post().items() if key != name}

    for params in (changed, missing):
        with pytest.raises(SignatureError):
            SIGNER.verify_request("POST", PATH, params, BODY, now=1000)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"auth_key": "other"}, "auth_key is not the key of this app"),
        ({"auth_timestamp": "soon"}, "auth_timestamp is not a number of seconds"),
        ({"auth_timestamp": "-1000"}, "auth_timestamp is not a number of seconds"),
        ({"auth_timestamp": "\u0661\u0660\u0660\u0660"}, "auth_timestamp is not a number of seconds"),
        ({"auth_timestamp": "1601"}, "auth_timestamp is more than 600 s off: check both clocks"),
        ({"body_md5": "0" * 32}, "body_md5 does not fit the body"),
        ({"auth_signature": "0" * 64}, "auth_signature does not fit the request"),
        ({"extra": "1"}, "auth_signature does not fit the request"),
    ],
)
def test_a_refusal_says_which_part_did_not_fit(change: dict[str, str], message: str) -> None:
    with pytest.raises(SignatureError, match=f"^{re.escape(message)}$"):
        SIGNER.verify_request("POST", PATH, {**signed_post(), **change}, BODY, now=1000)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("PUT", PATH, BODY), ("POST", "/apps/4/events", BODY), ("POST", PATH, BODY + b" "), ("POST", PATH, b"")],
)
def test_method_path_and_body_are_part_of_the_signature(method: str, path: str, body: bytes) -> None:
    with pytest.raises(SignatureError):
        SIGNER.verify_request(method, path, signed_post(), body, now=1000)


def test_a_body_needs_its_digest() -> None:
    params = SIGNER.sign_request("POST", PATH, {}, b"", timestamp=1000)

    with pytest.raises(SignatureError, match=r"^body_md5 does not fit the body$"):
        SIGNER.verify_request("POST", PATH, params, BODY, now=1000)


def test_the_error_shows_no_part_of_the_right_signature() -> None:
    right = signed_post()
    with pytest.raises(SignatureError) as caught:
        SIGNER.verify_request("POST", PATH, {**right, "auth_signature": "0" * 64}, BODY, now=1000)

    for hidden in (right["auth_signature"], right["body_md5"], SECRET, SIGNER.key):
        assert hidden not in repr(caught.value)


def test_the_tolerance_is_ten_minutes() -> None:
    assert CLOCK_TOLERANCE == 600


def test_body_md5_is_taken_of_bytes() -> None:
    # RFC 1321, A.5
    assert body_md5(b"message digest") == "f96b697d7cb7938d525a2f31aaf161d0"
