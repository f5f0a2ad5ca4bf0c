"""Whatever was signed is accepted, and nothing else is."""

from __future__ import annotations

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from broadcastkit.errors import SignatureError
from broadcastkit.signing import Signer

SIGNER = Signer("key", "secret")

digits = st.text("0123456789", min_size=1, max_size=12)
socket_ids = st.builds("{}.{}".format, digits, digits)
bare_names = st.text(string.ascii_letters + string.digits + "-_=@,.;", min_size=1, max_size=40)
private_names = bare_names.map("private-x{}".format)
presence_names = bare_names.map("presence-x{}".format)
texts = st.text(st.characters(codec="utf-8"), max_size=40)
# Values are signed as they are: "&" and "=" in one would be read as the next parameter. No call of the API has them.
parameters = st.dictionaries(
    st.text(string.ascii_lowercase, max_size=8).map("x_{}".format),
    st.text(string.ascii_letters + string.digits + ",-", max_size=8),
    max_size=3,
)
bodies = st.binary(max_size=60)


def changed(text: str, data: st.DataObject) -> str:
    """Change, add or drop one character."""
    position = data.draw(st.integers(0, len(text)))
    replacement = data.draw(st.text(max_size=1))
    other = text[:position] + replacement + text[position + data.draw(st.integers(0, 1)) :]
    assume(other != text)
    return other


@given(socket_ids, private_names)
def test_a_signed_subscription_is_accepted(socket_id: str, name: str) -> None:
    assert SIGNER.verify_subscription(SIGNER.sign_subscription(socket_id, name), socket_id, name, None)


@given(socket_ids, presence_names, texts)
def test_a_signed_presence_subscription_is_accepted(socket_id: str, name: str, member: str) -> None:
    auth = SIGNER.sign_subscription(socket_id, name, member)

    assert SIGNER.verify_subscription(auth, socket_id, name, member)
    assert not SIGNER.verify_subscription(auth, socket_id, name, None)


@given(socket_ids, presence_names, texts, st.data())
def test_any_change_closes_a_subscription(socket_id: str, name: str, member: str, data: st.DataObject) -> None:
    parts = {
        "auth": SIGNER.sign_subscription(socket_id, name, member),
        "socket": socket_id,
        "name": name,
        "data": member,
    }
    which = data.draw(st.sampled_from(sorted(parts)))
    parts[which] = changed(parts[which], data)
    # the colons in what is signed stand between parts whose alphabets have none, but the last
    assume(":" not in parts["socket"] and ":" not in parts["name"])

    assert SIGNER.verify_subscription(parts["auth"], parts["socket"], parts["name"], parts["data"]) is False


@given(socket_ids, texts, st.data())
def test_any_change_spoils_a_sign_in(socket_id: str, user: str, data: st.DataObject) -> None:
    auth = SIGNER.sign_user(socket_id, user)

    assert SIGNER.verify_user(auth, socket_id, user)
    assert SIGNER.verify_user(changed(auth, data), socket_id, user) is False
    assert SIGNER.verify_user(auth, socket_id, changed(user, data)) is False


@given(socket_ids, private_names)
def test_a_subscription_is_no_sign_in(socket_id: str, name: str) -> None:
    assert SIGNER.verify_user(SIGNER.sign_subscription(socket_id, name), socket_id, name) is False


@given(st.text(), st.text(), st.text(), st.none() | st.text())
def test_verifying_never_raises(auth: str, socket_id: str, name: str, member: str | None) -> None:
    assert SIGNER.verify_subscription(auth, socket_id, name, member) is False
    assert SIGNER.verify_user(auth, socket_id, name) is False


@given(st.sampled_from(["GET", "POST"]), parameters, bodies, st.integers(0, 10**12), st.floats(-600, 600))
def test_a_signed_request_is_accepted(
    method: str, params: dict[str, str], body: bytes, timestamp: int, skew: float
) -> None:
    query = SIGNER.sign_request(method, "/apps/1/x", params, body, timestamp=timestamp)

    SIGNER.verify_request(method, "/apps/1/x", query, body, now=timestamp + int(skew))


@given(parameters, bodies, st.data())
def test_any_change_spoils_a_request(params: dict[str, str], body: bytes, data: st.DataObject) -> None:
    query = SIGNER.sign_request("POST", "/apps/1/x", params, body, timestamp=1000)
    name = data.draw(st.sampled_from(sorted(query)))
    value = changed(query[name], data)
    # a zero before the number, or an empty value instead of none at all, are other texts all the same
    with pytest.raises(SignatureError):
        SIGNER.verify_request("POST", "/apps/1/x", {**query, name: value}, body, now=1000)


@given(bodies, bodies)
def test_another_body_spoils_a_request(body: bytes, other: bytes) -> None:
    assume(body != other)
    query = SIGNER.sign_request("POST", "/apps/1/x", {}, body, timestamp=1000)

    with pytest.raises(SignatureError):
        SIGNER.verify_request("POST", "/apps/1/x", query, other, now=1000)


@given(st.dictionaries(st.text(), st.text()), st.binary(max_size=9), st.text(), st.text())
def test_a_request_of_a_stranger_is_refused_and_nothing_worse(
    params: dict[str, str], body: bytes, method: str, path: str
) -> None:
    for given_params in (params, {**params, "auth_key": "key", "auth_timestamp": "1000"}):
        with pytest.raises(SignatureError):
            SIGNER.verify_request(method, path, given_params, body, now=1000)
