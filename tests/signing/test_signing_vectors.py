"""Signatures that other implementations publish or test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from broadcastkit.core.encryption import parse_master_key
from broadcastkit.errors import InvalidChannelError, InvalidInputError, SignatureError
from broadcastkit.signing import Signer, body_md5, query_text, string_to_sign
from tests.vectors import vectors

if TYPE_CHECKING:
    from tests.vectors import Vector


# -- requests --------------------------------------------------------------------------------------------------------


def signs_md5_of_nothing(vector: Vector) -> bool:
    return bool(vector.given.get("include_body_md5_of_empty_body"))


def signed(given: Any) -> dict[str, str]:
    """Sign the request of a vector."""
    return Signer(given["key"], given["secret"]).sign_request(
        given["method"],
        given["path"],
        given["params"],
        (given["body"] or "").encode(),
        timestamp=int(given["auth_timestamp"]),
    )


@vectors("request_signature", without=signs_md5_of_nothing)
def test_request_is_signed_as_others_do(given: Any, expected: Any) -> None:
    query = signed(given)

    unsigned = {key: value for key, value in query.items() if key != "auth_signature"}
    assert string_to_sign(given["method"], given["path"], unsigned) == expected["string_to_sign"]
    assert query["auth_signature"] == expected["auth_signature"]
    assert query.get("body_md5") == expected.get("body_md5")


@vectors("request_signature", only=lambda one: "wire_query" in one.expected)
def test_query_goes_out_as_others_send_it(given: Any, expected: Any) -> None:
    text = expected["wire_query"]
    theirs = urlsplit(text).query or text

    ours = query_text(signed(given))

    # the order on the wire is free, and libraries differ in it
    assert sorted(ours.split("&")) == sorted(theirs.split("&"))


@vectors("request_signature", without=signs_md5_of_nothing)
def test_request_signed_by_others_is_accepted(given: Any, expected: Any) -> None:
    body = (given["body"] or "").encode()
    params = dict(pair.split("=", 1) for pair in expected["string_to_sign"].splitlines()[2].split("&"))

    Signer(given["key"], given["secret"]).verify_request(
        given["method"],
        given["path"],
        {**params, "auth_signature": expected["auth_signature"]},
        body,
        now=float(given["auth_timestamp"]),
    )


# pusher-http-python signs the MD5 of the empty body on GET. Reverb and AnyCable leave it out and answer 401, so we do
# not send it; where it comes from others, the embedded server accepts it, for it is the digest of that body.
@vectors("request_signature", only=signs_md5_of_nothing)
def test_get_has_no_body_md5_though_python_sends_one(given: Any, expected: Any) -> None:
    query = signed(given)

    assert "body_md5" not in query
    assert query["auth_signature"] != expected["auth_signature"]


@vectors("request_signature", only=signs_md5_of_nothing)
def test_md5_of_the_empty_body_is_accepted_from_others(given: Any, expected: Any) -> None:
    params = dict(parse_qsl(expected["string_to_sign"].splitlines()[2]))

    Signer(given["key"], given["secret"]).verify_request(
        given["method"],
        given["path"],
        {**params, "auth_signature": expected["auth_signature"]},
        b"",
        now=float(given["auth_timestamp"]),
    )


@vectors("string_to_sign")
def test_string_to_sign(given: Any, expected: Any) -> None:
    assert string_to_sign(given["method"], given["path"], given["params"]) == expected


# The Java vector keeps an upper-case key, against the HTTP API reference. What we sign has lower-case keys.
@vectors("string_to_sign", only=lambda one: "K" in one.given["params"])
def test_keys_are_lowered_before_they_are_signed_though_java_keeps_them(given: Any, expected: Any) -> None:
    query = Signer("key", "secret").sign_request(given["method"], given["path"], given["params"], b"", timestamp=1)

    assert query["k"] == given["params"]["K"]
    assert "K" not in query


@vectors("reserved_query_param")
def test_reserved_parameters_are_refused(given: Any, expected: Any) -> None:
    assert expected == {"error": True}
    (name,) = given["params"]
    with pytest.raises(InvalidInputError, match=f"^query parameter {name} belongs to the signature itself$"):
        Signer("key", "secret").sign_request("GET", "/apps/1/channels", given["params"], b"", timestamp=1)


@vectors("body_md5")
def test_body_md5(given: Any, expected: Any) -> None:
    assert body_md5(given["body"].encode()) == expected


@vectors("hmac_sha256_hex")
def test_hmac(given: Any, expected: Any) -> None:
    assert Signer("key", given["secret"]).hex(given["message"].encode()) == expected


@vectors("timestamp_window")
def test_clocks_may_differ_by_so_much(given: Any, expected: Any) -> None:
    assert expected == {"valid": True}
    signer = Signer("key", "secret")
    params = signer.sign_request("GET", "/apps/1/channels", {}, b"", timestamp=10_000)

    for now in (10_000 - given["seconds"], 10_000 + given["seconds"]):
        signer.verify_request("GET", "/apps/1/channels", params, b"", now=now)
    for now in (10_000 - given["seconds"] - 1, 10_000 + given["seconds"] + 1):
        with pytest.raises(SignatureError, match="auth_timestamp is more than 600 s off: check both clocks"):
            signer.verify_request("GET", "/apps/1/channels", params, b"", now=now)


# -- subscriptions ---------------------------------------------------------------------------------------------------


def is_public(vector: Vector) -> bool:
    return not vector.given["channel"].startswith(("private-", "presence-"))


@vectors("channel_auth_private", "channel_auth_presence", without=is_public)
def test_subscription_is_signed_as_others_do(given: Any, expected: Any) -> None:
    signer = Signer(given["key"], given["secret"])
    socket_id, channel, data = given["socket_id"], given["channel"], given["channel_data_json"]

    assert signer.sign_subscription(socket_id, channel, data) == expected["auth"]
    assert signer.verify_subscription(expected["auth"], socket_id, channel, data)


# PHP, Ruby and node sign public names too. A signature for a name that needs none could only be misused: we refuse,
# as Java does, and check no more than that the arithmetic under it is theirs.
@vectors("channel_auth_private", "channel_auth_presence", only=is_public)
def test_public_name_is_not_signed_though_others_do(given: Any, expected: Any) -> None:
    signer = Signer(given["key"], given["secret"])
    socket_id, channel, data = given["socket_id"], given["channel"], given["channel_data_json"]

    with pytest.raises(InvalidChannelError, match=r"is not a private or presence channel: nothing to sign$"):
        signer.sign_subscription(socket_id, channel, data)
    assert signer.sign_checked(socket_id, channel, data) == expected["auth"]


@vectors("channel_auth_encrypted")
def test_encrypted_subscription_is_signed_as_others_do(given: Any, expected: Any) -> None:
    signer = Signer(given["key"], given["secret"])
    master_key = parse_master_key(given["encryption_master_key_base64"])

    auth = signer.sign_subscription(given["socket_id"], given["channel"], given["channel_data_json"])

    assert auth == expected["auth"]
    assert master_key.shared_secret_base64(given["channel"]) == expected["shared_secret"]


@vectors("channel_auth_verify")
def test_subscription_with_another_signature_is_refused(given: Any, expected: Any) -> None:
    signer = Signer(given["key"], given["secret"])

    valid = signer.verify_subscription(given["auth"], given["socket_id"], given["channel"], None)

    assert valid is expected["valid"]


@vectors("auth_prefix_check")
def test_kind_and_member_must_fit(given: Any, expected: Any) -> None:
    assert expected == {"valid": False}
    data = '{"user_id":"1"}' if given["op"] == "presence auth with user data" else None

    with pytest.raises(InvalidChannelError, match=f"^'{given['channel']}' is "):
        Signer("key", "secret").sign_subscription("1.1", given["channel"], data)


# -- sign-ins --------------------------------------------------------------------------------------------------------


@vectors("user_auth")
def test_sign_in_is_signed_as_others_do(given: Any, expected: Any) -> None:
    signer = Signer(given["key"], given["secret"])
    socket_id, user_data = given["socket_id"], given["user_data_json"]

    assert signer.sign_user(socket_id, user_data) == expected["auth"]
    assert signer.verify_user(expected["auth"], socket_id, user_data)
