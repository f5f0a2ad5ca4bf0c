"""What every integration does, as classes of tests: a test module subclasses them and names its `integration`.

class TestAuthorize(AuthorizeBehaviour):
    integration = MyFramework()
"""

from __future__ import annotations

import hmac
import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar
from urllib.parse import unquote_plus, urlencode

import anyio
import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from broadcastkit import default
from broadcastkit.core.names import ChannelKind, check_channel_name, parse_channel_name
from broadcastkit.integrations.answers import BODY_LIMIT
from tests.integrations.application import ADA, BOB, KEY, SECRET, USERS, Integration, Meeting, Site, client_of, foreign

__all__ = [
    "AuthorizeBehaviour",
    "HostileBehaviour",
    "LimitBehaviour",
    "SignInBehaviour",
    "SocketIdBehaviour",
    "TenantBehaviour",
]

AUTH, USER_AUTH = "/broadcasting/auth", "/broadcasting/user-auth"
SOCKET = "1234.1234"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
ORDER = "private-order.01234567-89ab-cdef-0123-456789abcdef"

FORBIDDEN = {"error": "forbidden"}


def asking(channel_name: str, socket_id: str = SOCKET) -> dict[str, str]:
    return {"socket_id": socket_id, "channel_name": channel_name}


def as_user(name: str | None) -> dict[str, str]:
    return {} if name is None else {"X-User": name}


class _Behaviour:
    integration: ClassVar[Integration]

    @pytest.fixture
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        async with client_of(self.integration, Site()) as client:
            yield client

    @pytest.fixture
    def _nothing_configured(self) -> Iterator[None]:
        default.reset()
        yield
        default.reset()


class AuthorizeBehaviour(_Behaviour):
    """`POST /broadcasting/auth`."""

    # -- yes -----------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("channel", "user", "member"),
        [
            pytest.param("private-user.1", "ada", None, id="sync rule"),
            pytest.param("private-user.2", "bob", None, id="somebody else's own"),
            pytest.param(ORDER, "ada", None, id="async rule"),
            pytest.param("private-file.a-b_c=d@e,f;g.pdf", "ada", None, id="every character a value may have"),
            pytest.param("private-cache-news", "ada", None, id="cache channel"),
            pytest.param("private-encrypted-vault.3", "ada", None, id="encrypted"),
            pytest.param("private-lobby", None, None, id="guest"),
            pytest.param("private-lobby", "ada", None, id="no guest where guests may be"),
            pytest.param("presence-room.7", "ada", {"user_id": "1", "user_info": {"name": "Ada"}}, id="member"),
            pytest.param(
                "presence-room.7", "bob", {"user_id": "2", "user_info": {"name": BOB.name}}, id="not only ASCII"
            ),
            pytest.param(
                "presence-desk.4",
                "ada",
                {"user_id": "desk-4", "user_info": {"id": "desk-4", "name": "Ada"}},
                id="a mapping as member",
            ),
            pytest.param("presence-lobby", None, {"user_id": "guest", "user_info": {}}, id="guest as member"),
        ],
    )
    @pytest.mark.parametrize("media_type", [FORM, JSON])
    async def test_a_clear_yes_is_signed_as_the_foreign_signer_would(
        self, client: httpx.AsyncClient, channel: str, user: str | None, member: dict[str, Any] | None, media_type: str
    ) -> None:
        body: dict[str, Any] = {"json" if media_type == JSON else "data": asking(channel)}

        answer = await client.post(AUTH, headers=as_user(user), **body)

        expected = foreign().authenticate(channel, SOCKET, member)
        if "shared_secret" in expected:
            expected["shared_secret"] = expected["shared_secret"].decode()
        assert (answer.status_code, answer.json()) == (200, expected)

    async def test_private_is_signed_as_in_the_documentation(self) -> None:
        # in auth-signatures.md, line 119; the rule is for the same channel, so the whole way to the signature is in it
        await self._signs(
            "private-foobar", "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4", member=None
        )

    async def test_presence_is_signed_as_in_the_go_sdk(self) -> None:
        # in channel_authentication_test.go, line 36
        await self._signs(
            "presence-foobar",
            "48dac51d2d7569e1e9c0f48c227d4b26f238fa68e5c0bb04222c966909c4f7c4",
            member='{"user_id":"10","user_info":{"name":"Mr. Pusher"}}',
        )

    async def _signs(self, channel: str, signature: str, *, member: str | None) -> None:
        async with client_of(self.integration, Site()) as client:
            answer = await client.post(AUTH, data=asking(channel), headers=as_user("ada"))

        told = {} if member is None else {"channel_data": member}
        assert answer.json() == {"auth": f"{KEY}:{signature}", **told}

    @pytest.mark.parametrize(
        "content_type",
        [FORM, f"{FORM}; charset=UTF-8", f"{FORM};charset=utf-8", "application/x-www-form-URLencoded", "", None],
    )
    async def test_a_form_by_any_name(self, client: httpx.AsyncClient, content_type: str | None) -> None:
        headers = as_user("ada") | ({} if content_type is None else {"Content-Type": content_type})

        answer = await client.post(AUTH, content=urlencode(asking("private-user.1")).encode(), headers=headers)

        assert answer.status_code == 200

    @pytest.mark.parametrize(
        "content_type", [JSON, f"{JSON}; charset=utf-8", f"{JSON};charset=UTF-8", "Application/JSON", f" {JSON} "]
    )
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
    async def test_json_by_any_name(self, client: httpx.AsyncClient, content_type: str, encoding: str) -> None:
        headers = as_user("ada") | {"Content-Type": content_type}

        answer = await client.post(AUTH, content=json.dumps(asking("private-user.1")).encode(encoding), headers=headers)

        assert answer.status_code == 200

    async def test_other_fields_are_none_of_our_business(self, client: httpx.AsyncClient) -> None:
        # pusher-js sends whatever an application puts into `channelAuthorization.params`
        fields = [*asking("private-user.1").items(), ("tag[]", "a"), ("tag[]", "b"), ("note", "ü"), ("empty", "")]

        form = await client.post(
            AUTH, content=urlencode(fields).encode(), headers=as_user("ada") | {"Content-Type": FORM}
        )
        sent = await client.post(
            AUTH, json=asking("private-user.1") | {"deep": {"er": [1, None]}}, headers=as_user("ada")
        )

        assert (form.status_code, sent.status_code) == (200, 200)

    @pytest.mark.usefixtures("_nothing_configured")
    async def test_without_a_broadcaster_the_configured_one_answers(self) -> None:
        async with client_of(self.integration, Site(configured=True)) as client:
            answer = await client.post(AUTH, data=asking("private-user.1"), headers=as_user("ada"))

        assert (answer.status_code, answer.json()) == (200, foreign().authenticate("private-user.1", SOCKET))

    # -- no ------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("channel", "user", "reason"),
        [
            pytest.param("private-user.2", "ada", "own_channel said no", id="the rule says no"),
            pytest.param("private-user.1", None, "no user", id="guest"),
            pytest.param("presence-room.7", None, "no user", id="guest on presence"),
            pytest.param("private-user.1", "stranger", "no user", id="nobody we know"),
            pytest.param("private-other.1", "ada", "no rule", id="no rule"),
            pytest.param("private-user.1.2", "ada", "no rule", id="longer than the pattern"),
            pytest.param("private-user.01", "ada", "own_channel said no", id="not the way an id is written"),
            pytest.param("private-order.1", "ada", "no rule", id="a value of another type"),
            pytest.param("private-file.a.exe", "ada", "no rule", id="a value that is none of the choices"),
            pytest.param("presence-user.1", "ada", "no rule", id="another kind: presence"),
            pytest.param("private-encrypted-user.1", "ada", "no rule", id="another kind: encrypted"),
            pytest.param("private-cache-user.1", "ada", "no rule", id="another kind: cache"),
            pytest.param("private-private-user.1", "ada", "no rule", id="a prefix twice"),
            pytest.param("private-room.7", "ada", "no rule", id="a presence rule for a private name"),
            pytest.param("user.1", "ada", "public", id="public"),
            pytest.param("cache-news", "ada", "public", id="public cache"),
            pytest.param("#server-to-user-1", "ada", "public", id="somebody's own"),
            pytest.param("private-truthy", "ada", "said no", id="true, but not True"),
            pytest.param("private-undecided", "ada", "said no", id="None"),
            pytest.param("presence-memberless", "ada", "said no", id="True without a member"),
            pytest.param("presence-nobody", "ada", "cannot be sent", id="a member without a usable id"),
            pytest.param("presence-crowd", "ada", "1024", id="a member larger than the service takes"),
            pytest.param("presence-room.closed", "ada", "said no", id="None on presence"),
        ],
    )
    async def test_anything_but_a_clear_yes_is_one_and_the_same_no(
        self, caplog: pytest.LogCaptureFixture, channel: str, user: str | None, reason: str
    ) -> None:
        site = Site()
        with caplog.at_level(logging.INFO, "broadcastkit.authorization"):
            async with client_of(self.integration, site) as client:
                answer = await client.post(AUTH, data=asking(channel), headers=as_user(user))

        assert (answer.status_code, answer.json()) == (403, FORBIDDEN)
        assert site.opened == []
        assert reason in caplog.text

    async def test_what_the_users_authentication_answers_is_the_answer(self, client: httpx.AsyncClient) -> None:
        answer = await client.post(AUTH, data=asking("private-lobby"), headers=as_user("expired"))

        assert answer.status_code == 401
        assert KEY not in answer.text

    async def test_an_error_in_a_rule_is_the_applications(self, client: httpx.AsyncClient) -> None:
        with pytest.raises(LookupError, match="the application's own error"):
            await client.post(AUTH, data=asking("private-broken"), headers=as_user("ada"))

    # -- malformed -----------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("field", ["socket_id", "channel_name"])
    @pytest.mark.parametrize("as_json", [False, True], ids=["form", "json"])
    async def test_a_missing_or_empty_field_is_named(
        self, client: httpx.AsyncClient, field: str, *, as_json: bool
    ) -> None:
        fields = asking("private-lobby")
        without = {name: value for name, value in fields.items() if name != field}
        bodies: list[dict[str, Any]] = [without, fields | {field: ""}]
        if as_json:
            bodies.append(fields | {field: None})

        for body in bodies:
            answer = await client.post(AUTH, json=body) if as_json else await client.post(AUTH, data=body)
            assert (answer.status_code, answer.json()) == (400, {"error": f"the field {field} is missing"})

    @pytest.mark.parametrize("field", ["socket_id", "channel_name"])
    @pytest.mark.parametrize("value", [1, 1.5, True, False, 0, [], {}, {"a": 1}, {"0": "private-lobby"}], ids=repr)
    async def test_a_field_of_another_type_is_named(self, client: httpx.AsyncClient, field: str, value: object) -> None:
        answer = await client.post(AUTH, json=asking("private-lobby") | {field: value})

        assert (answer.status_code, answer.json()) == (400, {"error": f"{field} is not one string"})

    @pytest.mark.parametrize("field", ["socket_id", "channel_name"])
    async def test_a_field_given_twice_is_named(self, client: httpx.AsyncClient, field: str) -> None:
        # also the same value: which of the two did the firewall before us look at?
        pairs = [*asking("private-lobby").items(), (field, asking("private-lobby")[field])]
        members = ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in pairs)

        form = await client.post(AUTH, content=urlencode(pairs).encode(), headers={"Content-Type": FORM})
        sent = await client.post(AUTH, content=f"{{{members}}}".encode(), headers={"Content-Type": JSON})

        if field == "socket_id":  # of names, a form may have several: each is asked for by itself
            assert (form.status_code, form.json()) == (400, {"error": "socket_id is not one string"})
        assert (sent.status_code, sent.json()) == (400, {"error": f"{field} is not one string"})

    @pytest.mark.parametrize(
        "socket_id",
        [
            "1",
            "1.",
            ".1",
            "1.2.3",
            "1,2",
            "a.b",
            "-1.2",
            " 1.2",
            "1.2 ",
            "1.2\n",
            "1.2\x00",
            "١.٢",  # noqa: RUF001 - digits, but not ASCII ones
            "1.2:private-user.1",
            '1.1::user::{"id":"1"}',
            "undefined",
            "fake-socket-id",
            "h3nAdb134tbvqwrg",
            f"{'1' * 33}.1",
        ],
        ids=ascii,
    )
    async def test_a_malformed_socket_id(self, client: httpx.AsyncClient, socket_id: str) -> None:
        form = await client.post(AUTH, data=asking("private-lobby", socket_id))
        sent = await client.post(AUTH, json=asking("private-lobby", socket_id))
        signing_in = await client.post(USER_AUTH, data={"socket_id": socket_id}, headers=as_user("ada"))

        for answer in (form, sent, signing_in):
            assert answer.status_code == 400
            assert answer.json()["error"].startswith("socket_id must look like '123.456', not ")

    @pytest.mark.parametrize(
        "channel",
        [
            "private-lobby\n",
            "private-lobby ",
            " private-lobby",
            "private-lobby\x00",
            "private-lobby:1",
            "private-user.ä",
            "private-user.1#",
            "private-user.1/2",
            "private-user.%31",
            "private-",
            "presence-",
            "private-encrypted-",
            "#private-user.1",
            "private-" + "x" * 157,
            "\ud800",
        ],
        ids=lambda channel: ascii(channel[:20]),
    )
    async def test_a_malformed_channel_name(self, client: httpx.AsyncClient, channel: str) -> None:
        body = json.dumps(asking(channel)).encode()

        answer = await client.post(AUTH, content=body, headers=as_user("ada") | {"Content-Type": JSON})

        assert answer.status_code == 400
        assert "channel" in answer.json()["error"]

    @pytest.mark.parametrize(
        ("content_type", "body", "error"),
        [
            pytest.param(JSON, b"", "not a JSON object", id="JSON, empty"),
            pytest.param(JSON, b"null", "not a JSON object", id="null"),
            pytest.param(JSON, b"[]", "not a JSON object", id="a list"),
            pytest.param(JSON, b'"text"', "not a JSON object", id="a string"),
            pytest.param(JSON, b"{", "not a JSON object", id="half an object"),
            pytest.param(JSON, b"[" * 10_000, "not a JSON object", id="too deep"),
            pytest.param(JSON, b'{"a":' + b"9" * 5000 + b"}", "not a JSON object", id="too large a number"),
            pytest.param(JSON, b'{"a":"\xff"}', "not a JSON object", id="JSON, not UTF-8"),
            pytest.param(JSON, b"\xff\xfe", "not a JSON object", id="a mark and nothing after it"),
            pytest.param(FORM, b"\xff=1", "not a form", id="form, not ASCII"),
            pytest.param(FORM, "channel_name=private-ü".encode(), "not a form", id="form, not percent-encoded"),
            pytest.param(FORM, b"a=1&" * 101, "not a form", id="too many fields"),
            pytest.param(FORM, b"", "socket_id is missing", id="form, empty"),
            pytest.param(FORM, b"&&&===", "socket_id is missing", id="nothing but signs"),
            pytest.param("multipart/form-data; boundary=x", b"--x--", "socket_id is missing", id="multipart"),
            pytest.param("text/plain", b'{"socket_id":"1.2"}', "socket_id is missing", id="JSON in disguise"),
        ],
    )
    async def test_a_body_that_is_neither_form_nor_json(
        self, client: httpx.AsyncClient, content_type: str, body: bytes, error: str
    ) -> None:
        answer = await client.post(AUTH, content=body, headers=as_user("ada") | {"Content-Type": content_type})

        assert answer.status_code == 400
        assert error in answer.json()["error"]

    # -- several channels -----------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        "names",
        [
            pytest.param(["channel_name[0]", "channel_name[1]", "channel_name[2]"], id="pusher-js-auth"),
            pytest.param(["channel_name[]"] * 3, id="PHP, jQuery and axios"),
            pytest.param(["channel_name"] * 3, id="the same name again"),
            pytest.param(None, id="JSON"),
        ],
    )
    async def test_several_channels_have_the_answers_that_each_would_have_alone(
        self, client: httpx.AsyncClient, names: list[str] | None
    ) -> None:
        channels = ["private-user.1", "private-user.2", "presence-room.7"]
        answer = await self._ask_for(client, channels, names)

        member = {"user_id": "1", "user_info": {"name": "Ada"}}
        assert (answer.status_code, answer.json()) == (
            200,
            {
                "private-user.1": {"status": 200, "data": foreign().authenticate("private-user.1", SOCKET)},
                "private-user.2": {"status": 403, "data": FORBIDDEN},
                "presence-room.7": {"status": 200, "data": foreign().authenticate("presence-room.7", SOCKET, member)},
            },
        )

    async def _ask_for(
        self, client: httpx.AsyncClient, channels: list[str], names: list[str] | None = None, user: str | None = "ada"
    ) -> httpx.Response:
        if names is None:
            body = json.dumps({"socket_id": SOCKET, "channel_name": channels}).encode()
            return await client.post(AUTH, content=body, headers=as_user(user) | {"Content-Type": JSON})
        pairs = [("socket_id", SOCKET), *zip(names, channels, strict=True)]
        headers = as_user(user) | {"Content-Type": FORM}
        return await client.post(AUTH, content=urlencode(pairs).encode(), headers=headers)

    async def test_a_list_of_one_is_answered_as_a_list(self, client: httpx.AsyncClient) -> None:
        signed = foreign().authenticate("private-user.1", SOCKET)

        for names in (None, ["channel_name[]"], ["channel_name[0]"]):
            answer = await self._ask_for(client, ["private-user.1"], names)
            assert (answer.status_code, answer.json()) == (
                200,
                {"private-user.1": {"status": 200, "data": signed}},
            )

    async def test_one_name_beside_a_list_is_one_name(self, client: httpx.AsyncClient) -> None:
        answer = await self._ask_for(client, ["private-user.1", "private-lobby"], ["channel_name", "channel_name[]"])

        assert (answer.status_code, answer.json()) == (200, foreign().authenticate("private-user.1", SOCKET))

    async def test_what_is_wrong_with_one_name_is_no_harm_to_the_others(self, client: httpx.AsyncClient) -> None:
        wrong = {"": 400, "private-": 400, "private-ü": 400, "private-lobby\n": 400, "\ud800": 400}
        denied = {"user.1": 403, "private-other": 403, "presence-memberless": 403, "presence-nobody": 403}

        answer = await self._ask_for(client, [*wrong, *denied, "private-encrypted-vault.3"])

        told = answer.json()
        assert answer.status_code == 200
        assert {name: one["status"] for name, one in told.items()} == {
            **wrong,
            **denied,
            "private-encrypted-vault.3": 200,
        }
        assert {name for name, one in told.items() if one["data"] == FORBIDDEN} == set(denied)
        assert all("channel" in told[name]["data"]["error"] for name in wrong)
        assert set(told["private-encrypted-vault.3"]["data"]) == {"auth", "shared_secret"}

    async def test_each_is_asked_for_by_itself_and_once(self, caplog: pytest.LogCaptureFixture) -> None:
        site = Site()
        channels = ["private-lobby", ORDER, "private-lobby", "private-user.2"]
        with caplog.at_level(logging.INFO, "broadcastkit.authorization"):
            async with client_of(self.integration, site) as client:
                answer = await self._ask_for(client, channels)

        assert [*answer.json()] == ["private-lobby", ORDER, "private-user.2"]
        assert site.opened == ["private-lobby", ORDER]
        assert "own_channel said no" in caplog.text

    async def test_a_guest_is_let_in_where_guests_are(self, client: httpx.AsyncClient) -> None:
        answer = await self._ask_for(client, ["private-lobby", "private-user.1"], user=None)

        assert {name: one["status"] for name, one in answer.json().items()} == {
            "private-lobby": 200,
            "private-user.1": 403,
        }

    @pytest.mark.parametrize(
        ("fields", "error"),
        [
            ({"channel_name": ["private-lobby"]}, "the field socket_id is missing"),
            ({"channel_name": ["private-lobby"], "socket_id": ["1.2"]}, "socket_id is not one string"),
            ({"channel_name": ["private-lobby"], "socket_id": "1"}, "socket_id must look like '123.456', not '1'"),
            ({"channel_name": ["private-lobby", 1], "socket_id": SOCKET}, "channel_name is not a list of strings"),
            ({"channel_name": [["private-lobby"]], "socket_id": SOCKET}, "channel_name is not a list of strings"),
            ({"channel_name": ["a"] * 51, "socket_id": SOCKET}, "a request may ask for 50 channels, not for 51"),
        ],
    )
    async def test_what_is_wrong_with_the_request_is_said_once(
        self, client: httpx.AsyncClient, fields: dict[str, Any], error: str
    ) -> None:
        answer = await client.post(AUTH, json=fields)

        assert answer.status_code == 400
        assert answer.json()["error"].startswith(error)

    async def test_fifty_are_answered(self, client: httpx.AsyncClient) -> None:
        channels = [f"private-user.{number}" for number in range(50)]
        for names in (None, [f"channel_name[{number}]" for number in range(50)]):
            answer = await self._ask_for(client, channels, names)
            assert [name for name, one in answer.json().items() if one["status"] == 200] == ["private-user.1"]
            assert [*answer.json()] == channels

    # -- size, paths, headers --------------------------------------------------------------------------------------

    @staticmethod
    def _body_of(size: int) -> bytes:
        text = urlencode(asking("private-lobby")) + "&padding="
        return text.encode().ljust(size, b"x")

    async def test_a_body_may_be_so_long_and_no_longer(self, client: httpx.AsyncClient) -> None:
        longest = await client.post(AUTH, content=self._body_of(BODY_LIMIT), headers={"Content-Type": FORM})
        longer = await client.post(AUTH, content=self._body_of(BODY_LIMIT + 1), headers={"Content-Type": FORM})
        signing_in = await client.post(USER_AUTH, content=self._body_of(BODY_LIMIT + 1), headers={"Content-Type": FORM})

        assert longest.status_code == 200
        for answer in (longer, signing_in):
            assert (answer.status_code, answer.json()) == (413, {"error": "the request body is too long"})

    async def test_a_body_in_chunks_is_read_no_further_than_the_limit(self, client: httpx.AsyncClient) -> None:
        sent = 0

        async def without_end() -> AsyncIterator[bytes]:
            nonlocal sent
            yield self._body_of(1024)
            while sent < 100 * BODY_LIMIT:
                sent += 1024
                yield b"x" * 1024

        answer = await client.post(AUTH, content=without_end(), headers={"Content-Type": FORM})

        assert answer.status_code == 413
        assert sent <= BODY_LIMIT + 1024

    async def test_a_body_in_chunks_is_one_body(self, client: httpx.AsyncClient) -> None:
        async def drops() -> AsyncIterator[bytes]:
            for byte in urlencode(asking("private-lobby")).encode():
                yield bytes([byte])
                yield b""

        answer = await client.post(AUTH, content=drops(), headers={"Content-Type": FORM})

        assert answer.status_code == 200

    async def test_every_answer_is_json_and_is_not_kept(self, client: httpx.AsyncClient) -> None:
        answers = [
            await client.post(AUTH, data=asking("private-lobby")),
            await client.post(AUTH, data={}),
            await client.post(AUTH, data=asking("private-user.1")),
            await client.post(AUTH, content=self._body_of(BODY_LIMIT + 1)),
            await client.post(USER_AUTH, data={"socket_id": SOCKET}, headers=as_user("ada")),
        ]

        assert [answer.status_code for answer in answers] == [200, 400, 403, 413, 200]
        for answer in answers:
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["content-length"] == str(len(answer.content))

    @pytest.mark.parametrize("path", [AUTH, USER_AUTH])
    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
    async def test_other_methods(self, client: httpx.AsyncClient, method: str, path: str) -> None:
        answer = await client.request(method, path, params=asking("private-lobby"))

        assert answer.status_code == 405
        # Flask and Litestar answer OPTIONS by themselves, for CORS
        assert set(answer.headers["allow"].split(", ")) - {"OPTIONS"} == {"POST"}

    @pytest.mark.parametrize("path", ["/broadcasting/other", "/broadcasting/auth/x", "/broadcasting/AUTH", "/auth"])
    async def test_other_paths(self, client: httpx.AsyncClient, path: str) -> None:
        assert (await client.post(path, data=asking("private-lobby"))).status_code == 404


class SignInBehaviour(_Behaviour):
    """`POST /broadcasting/user-auth`."""

    @pytest.mark.parametrize("as_json", [False, True], ids=["form", "json"])
    async def test_by_default_the_service_is_told_the_id_only(
        self, client: httpx.AsyncClient, *, as_json: bool
    ) -> None:
        body: dict[str, Any] = {"json" if as_json else "data": {"socket_id": SOCKET}}

        answer = await client.post(USER_AUTH, headers=as_user("ada"), **body)

        assert (answer.status_code, answer.json()) == (200, foreign().authenticate_user(SOCKET, {"id": "1"}))

    async def test_user_data_may_say_more(self) -> None:
        more = {"id": "1", "user_info": {"name": "Ada ✓"}, "watchlist": ["2", "3"]}
        site = Site(user_data=lambda user: {**more, "id": user.id, "watchlist": [2, "3"], "password": user.password})
        async with client_of(self.integration, site) as client:
            answer = await client.post(USER_AUTH, data={"socket_id": SOCKET}, headers=as_user("ada"))

        assert (answer.status_code, answer.json()) == (200, foreign().authenticate_user(SOCKET, more))

    @pytest.mark.usefixtures("_nothing_configured")
    async def test_without_a_broadcaster_the_configured_one_answers(self) -> None:
        async with client_of(self.integration, Site(configured=True)) as client:
            answer = await client.post(USER_AUTH, data={"socket_id": SOCKET}, headers=as_user("bob"))

        assert answer.json() == foreign().authenticate_user(SOCKET, {"id": "2"})

    async def test_it_is_signed_as_in_the_documentation(self) -> None:
        # in auth-signatures.md, line 79
        async with client_of(self.integration, Site(user_data=lambda _: {"id": "12345"})) as client:
            answer = await client.post(USER_AUTH, data={"socket_id": SOCKET}, headers=as_user("ada"))

        assert answer.json() == {
            "auth": f"{KEY}:4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba",
            "user_data": '{"id":"12345"}',
        }

    async def test_nobody_is_not_signed_in(self, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.INFO, "broadcastkit.authorization"):
            answer = await client.post(USER_AUTH, data={"socket_id": SOCKET})

        assert (answer.status_code, answer.json()) == (403, FORBIDDEN)
        assert "no user" in caplog.text

    async def test_user_data_is_not_asked_about_nobody(self) -> None:
        def fail(user: object) -> object:
            raise AssertionError(user)

        async with client_of(self.integration, Site(user_data=fail)) as client:
            answer = await client.post(USER_AUTH, data={"socket_id": SOCKET})

        assert answer.status_code == 403

    @pytest.mark.parametrize(
        "known",
        [
            None,
            {},
            {"id": None},
            {"id": ""},
            {"id": "not an id!"},
            {"id": True},
            {"id": "1", "watchlist": [str(n) for n in range(101)]},
            {"id": "1", "watchlist": ["not an id!"]},
            object(),
        ],
        ids=lambda known: type(known).__name__ if type(known) is object else str(known)[:30],
    )
    async def test_a_user_that_cannot_be_sent_is_no_yes(self, known: object, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.INFO, "broadcastkit.authorization"):
            async with client_of(self.integration, Site(user_data=lambda _: known)) as client:
                answer = await client.post(USER_AUTH, data={"socket_id": SOCKET}, headers=as_user("ada"))

        assert (answer.status_code, answer.json()) == (403, FORBIDDEN)
        assert "denied: " in caplog.text

    async def test_what_the_users_authentication_answers_is_the_answer(self, client: httpx.AsyncClient) -> None:
        answer = await client.post(USER_AUTH, data={"socket_id": SOCKET}, headers=as_user("expired"))

        assert answer.status_code == 401
        assert KEY not in answer.text

    @pytest.mark.parametrize("body", [{}, {"socket_id": ""}, {"channel_name": "private-lobby"}])
    async def test_a_missing_socket_id_is_named(self, client: httpx.AsyncClient, body: dict[str, str]) -> None:
        answer = await client.post(USER_AUTH, data=body, headers=as_user("ada"))

        assert (answer.status_code, answer.json()) == (400, {"error": "the field socket_id is missing"})


class LimitBehaviour(_Behaviour):
    """How many channels at once, and how often."""

    @staticmethod
    async def _statuses(client: httpx.AsyncClient, user: str | None, times: int, **body: Any) -> list[int]:
        body = body or {"data": asking("private-lobby")}
        return [(await client.post(AUTH, headers=as_user(user), **body)).status_code for _ in range(times)]

    async def test_how_many_channels_at_once_can_be_set(self) -> None:
        names = ["private-lobby", "presence-lobby", "private-user.1"]
        several: dict[str, Any] = {"json": {"socket_id": SOCKET, "channel_name": names}}
        async with client_of(self.integration, Site(max_channels=2)) as client:
            refused = await client.post(AUTH, **several)
        async with client_of(self.integration, Site(max_channels=3)) as client:
            answered = await client.post(AUTH, **several)

        assert (refused.status_code, refused.json()) == (
            400,
            {"error": "a request may ask for 2 channels, not for 3"},
        )
        assert [one["status"] for one in answered.json().values()] == [200, 200, 403]

    async def test_without_a_limit_there_is_none(self, client: httpx.AsyncClient) -> None:
        assert await self._statuses(client, "ada", 40) == [200] * 40

    async def test_so_often_and_no_more_often(self) -> None:
        async with client_of(self.integration, Site(rate="3/hour")) as client:
            assert await self._statuses(client, "ada", 3) == [200] * 3
            refused = await client.post(AUTH, data=asking("private-lobby"), headers=as_user("ada"))
            signing_in = await client.post(USER_AUTH, data={"socket_id": SOCKET}, headers=as_user("ada"))
            others = [*await self._statuses(client, "bob", 1), *await self._statuses(client, None, 1)]

        for answer in (refused, signing_in):
            assert (answer.status_code, answer.json()) == (429, {"error": "too many requests"})
            assert answer.headers["retry-after"].isdigit()
            assert 0 < int(answer.headers["retry-after"]) <= 3600
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["cache-control"] == "no-store"
        assert others == [200, 200]

    async def test_guests_are_counted_by_address_and_a_no_counts_as_well(self) -> None:
        async with client_of(self.integration, Site(rate="3/hour")) as client:
            denied = await self._statuses(client, None, 2, data=asking("private-user.1"))

            assert denied + await self._statuses(client, None, 2) == [403, 403, 200, 429]

    async def test_signing_in_counts_as_well(self) -> None:
        async with client_of(self.integration, Site(rate="2/hour")) as client:
            for status in (200, 200, 429):
                answer = await client.post(USER_AUTH, data={"socket_id": SOCKET}, headers=as_user("ada"))
                assert answer.status_code == status
            assert await self._statuses(client, "ada", 1) == [429]

    async def test_each_of_several_channels_counts(self) -> None:
        three = {"json": {"socket_id": SOCKET, "channel_name": ["private-lobby", "private-user.1", "private-user.2"]}}
        async with client_of(self.integration, Site(rate="5/hour")) as client:
            assert await self._statuses(client, "ada", 2, **three) == [200, 429]

    async def test_what_cannot_be_read_does_not_count(self) -> None:
        async with client_of(self.integration, Site(rate="1/hour")) as client:
            assert await self._statuses(client, "ada", 3, data={"socket_id": SOCKET}) == [400] * 3
            assert await self._statuses(client, "ada", 2) == [200, 429]

    async def test_the_application_may_say_who_counts(self) -> None:
        keys: list[Any] = []

        def plan(*given: Any) -> str:
            keys.append(given[-1])
            return "all of them"

        async with client_of(self.integration, Site(rate="2/hour", rate_key=plan)) as client:
            found = [*await self._statuses(client, "ada", 2), *await self._statuses(client, None, 1)]

        assert found == [200, 200, 429]
        assert keys == [ADA, ADA, None]

    async def test_many_at_once_are_counted_one_by_one(self) -> None:
        statuses: list[int] = []

        async with client_of(self.integration, Site(rate="5/hour")) as client, anyio.create_task_group() as requests:

            async def ask() -> None:
                statuses.extend(await self._statuses(client, "ada", 1))

            for _ in range(12):
                requests.start_soon(ask)

        assert sorted(statuses) == [200] * 5 + [429] * 7


NORTH, SOUTH = ("north-key", "north-secret"), ("south-key", "south-secret")


class TenantBehaviour(_Behaviour):
    """A function chooses the broadcaster of each request, here by a header."""

    @staticmethod
    async def _told(client: httpx.AsyncClient, tenant: str, path: str = AUTH) -> dict[str, Any]:
        fields = asking("private-user.1") if path == AUTH else {"socket_id": SOCKET}
        answer = await client.post(path, data=fields, headers={**as_user("ada"), "X-Tenant": tenant})
        assert answer.status_code == 200
        told: dict[str, Any] = answer.json()
        return told

    async def test_each_is_answered_with_its_own_key(self) -> None:
        async with client_of(self.integration, Site(tenants={"north": NORTH, "south": SOUTH})) as client:
            for tenant, app in [("north", NORTH), ("south", SOUTH), ("north", NORTH)]:
                assert await self._told(client, tenant) == foreign(*app).authenticate("private-user.1", SOCKET)
                signed_in = foreign(*app).authenticate_user(SOCKET, {"id": "1"})
                assert await self._told(client, tenant, USER_AUTH) == signed_in

    async def test_nothing_is_kept_from_one_request_to_the_next(self) -> None:
        tenants = {"north": NORTH}
        async with client_of(self.integration, Site(tenants=tenants)) as client:
            assert await self._told(client, "north") == foreign(*NORTH).authenticate("private-user.1", SOCKET)
            tenants["north"] = SOUTH
            assert await self._told(client, "north") == foreign(*SOUTH).authenticate("private-user.1", SOCKET)

    async def test_where_none_is_chosen_the_answer_is_no(self, caplog: pytest.LogCaptureFixture) -> None:
        site = Site(tenants={"north": NORTH})
        with caplog.at_level(logging.INFO, "broadcastkit.authorization"):
            async with client_of(self.integration, site) as client:
                for fields in (asking("private-lobby"), {"socket_id": SOCKET, "channel_name[]": "private-lobby"}):
                    answer = await client.post(AUTH, data=fields, headers={**as_user("ada"), "X-Tenant": "west"})
                    assert (answer.status_code, answer.json()) == (403, FORBIDDEN)
                signing_in = await client.post(USER_AUTH, data={"socket_id": SOCKET}, headers=as_user("ada"))

        assert (signing_in.status_code, signing_in.json()) == (403, FORBIDDEN)
        assert site.opened == []
        assert caplog.text.count("no broadcaster was chosen for the request") == 3

    async def test_several_channels_are_signed_with_its_key(self) -> None:
        async with client_of(self.integration, Site(tenants={"south": SOUTH})) as client:
            body = {"socket_id": SOCKET, "channel_name": ["private-user.1", "private-lobby"]}
            answer = await client.post(AUTH, json=body, headers={**as_user("ada"), "X-Tenant": "south"})

        signer = foreign(*SOUTH)
        assert answer.json() == {
            name: {"status": 200, "data": signer.authenticate(name, SOCKET)} for name in body["channel_name"]
        }


MALFORMED_HEADERS = [
    b"",
    b" ",
    b"undefined",
    b"null",
    b"None",
    b"fake-socket-id",
    b"1.2, 3.4",
    b"1.2:3",
    b"1 2",
    b'"1.2"',
    b"\xd9\xa1.\xd9\xa2",
    b"\xff",
    b"1.2\t",
    b"x" * 129,
]


class SocketIdBehaviour(_Behaviour):
    """The current socket id, from the `X-Socket-ID` header."""

    @staticmethod
    async def _asked(client: httpx.AsyncClient, place: str, value: str | bytes | None) -> str | None:
        headers = {} if value is None else {b"X-Socket-ID": value.encode() if isinstance(value, str) else value}
        answer = await client.get(f"/socket-id/{place}", headers=headers)
        assert answer.status_code == 200
        socket_id: str | None = answer.json()["socket_id"]
        return socket_id

    async def test_it_is_known_everywhere_in_the_request(self, client: httpx.AsyncClient) -> None:
        found = {place: await self._asked(client, place, "1.2") for place in self.integration.places}
        absent = {place: await self._asked(client, place, None) for place in self.integration.places}

        assert found == dict.fromkeys(self.integration.places, "1.2")
        assert absent == dict.fromkeys(self.integration.places, None)

    async def test_other_protocols_have_other_ids(self, client: httpx.AsyncClient) -> None:
        assert await self._asked(client, "endpoint", "h3nAdb134tbvqwrg_AAAB") == "h3nAdb134tbvqwrg_AAAB"

    async def test_each_of_many_requests_under_way_has_its_own(self) -> None:
        asked: list[str | None] = [f"{number}.{number}" if number % 4 else None for number in range(20)]
        # a request is answered only once all of them are under way
        meeting = Meeting(len(asked))

        async with client_of(self.integration, Site(meeting=meeting)) as client:
            found = {place: await self._together(client, place, asked) for place in self.integration.places}

        assert found == dict.fromkeys(self.integration.places, asked)

    async def _together(self, client: httpx.AsyncClient, place: str, asked: list[str | None]) -> list[str | None]:
        found: list[str | None] = ["not answered"] * len(asked)

        async def ask(index: int) -> None:
            found[index] = await self._asked(client, place, asked[index])

        async with anyio.create_task_group() as requests:
            for index in range(len(asked)):
                requests.start_soon(ask, index)
        return found

    async def test_background_work_of_the_request_knows_it(self) -> None:
        site = Site()
        async with client_of(self.integration, site) as client:
            await client.get("/socket-id/background", headers={"X-Socket-ID": "1.2"})
            await client.get("/socket-id/background")

        assert site.noted == ["1.2", None]

    @pytest.mark.parametrize("value", MALFORMED_HEADERS, ids=ascii)
    async def test_a_malformed_one_is_none(self, client: httpx.AsyncClient, value: bytes) -> None:
        assert await self._asked(client, "endpoint", value) is None


# -- hostile input -------------------------------------------------------------------------------------------------

# Pieces of what the endpoints look at, so that random input comes near to what they would take.
PIECES = [
    "1.2",
    SOCKET,
    ".",
    ":",
    "::user::",
    '{"id":"1"}',
    "private-",
    "presence-",
    "private-encrypted-",
    "cache-",
    "#server-to-user-",
    "user.",
    "order.01234567-89ab-cdef-0123-456789abcdef",
    "file.a.pdf",
    "vault.3",
    "lobby",
    "room.",
    "desk.4",
    "1",
    "2",
    "\n",
    "\x00",
    "%0a",
    "١",  # noqa: RUF001 - a digit, but not an ASCII one
    "é",
    "\ud800",
]
CHANNELS = [
    "private-user.1",
    "private-user.2",
    ORDER,
    "private-file.a.pdf",
    "private-cache-news",
    "private-encrypted-vault.3",
    "private-lobby",
    "presence-room.7",
    "presence-desk.4",
    "presence-lobby",
]

hostile_text = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=5).map("".join)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | hostile_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hostile_text, inner, max_size=3),
    max_leaves=5,
)


def _spoilt(right: str, piece: str, place: int) -> str:
    place %= len(right) + 1
    return right[:place] + piece + right[place:]


def mostly(right: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Draw what is right, or what nearly is, or anything: most requests must get as far as the signature."""
    nearly = st.builds(_spoilt, right, st.sampled_from(PIECES), st.integers(0, 200))
    return st.sampled_from([right, right, right, right, nearly, hostile_text]).flatmap(lambda chosen: chosen)


more_fields = st.tuples(st.sampled_from(["callback", "channel_name[]", "note", "socket_id"]), hostile_text)
pairs = st.builds(
    lambda socket_id, channel_name, more: [("socket_id", socket_id), ("channel_name", channel_name), *more],
    mostly(st.from_regex(r"[0-9]{1,8}\.[0-9]{1,8}", fullmatch=True)),
    mostly(st.sampled_from(CHANNELS)),
    st.lists(more_fields, max_size=1),
)
several = st.builds(
    lambda socket_id, names, field: [("socket_id", socket_id), *((field, name) for name in names)],
    mostly(st.from_regex(r"[0-9]{1,8}\.[0-9]{1,8}", fullmatch=True)),
    st.lists(mostly(st.sampled_from(CHANNELS)), min_size=1, max_size=4),
    st.sampled_from(["channel_name", "channel_name[]", "channel_name[0]", "channel_name[7]"]),
)


def _form(fields: list[tuple[str, str]]) -> tuple[str, bytes]:
    return FORM, urlencode(fields, errors="replace").encode()


def _json(fields: list[tuple[str, str]]) -> tuple[str, bytes]:
    return JSON, ("{" + ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in fields) + "}").encode()


def _json_list(fields: list[tuple[str, str]]) -> tuple[str, bytes]:
    names = [name for _, name in fields[1:]]
    return JSON, json.dumps({"socket_id": fields[0][1], "channel_name": names}).encode()


header_bytes = st.binary(max_size=40).map(lambda value: re.sub(rb"[\r\n\x00]", b"", value))
bodies = st.one_of(
    pairs.map(_form),
    pairs.map(_form),
    pairs.map(_json),
    several.map(_form),
    several.map(_json_list),
    st.builds(
        lambda value: (JSON, json.dumps(value).encode()),
        st.dictionaries(st.sampled_from(["socket_id", "channel_name"]) | hostile_text, json_values, max_size=4),
    ),
    st.tuples(
        st.sampled_from([FORM, JSON, f"{JSON}; charset=utf-7", "multipart/form-data; boundary=x", "", ";"]),
        st.binary(max_size=200) | hostile_text.map(lambda text: text.encode("utf-8", "surrogatepass")),
    ),
)


def signs(auth: str, text: str) -> bool:
    """Whether `auth` is the app's signature of this text."""
    return auth == f"{KEY}:{hmac.digest(SECRET.encode(), text.encode(), 'sha256').hex()}"


def socket_ids_in(body: bytes) -> set[str]:
    """Return all that is a socket id somewhere in a body, however it is written there."""
    text = body.decode("latin-1")
    return set(re.findall(r"[0-9]+\.[0-9]+", f"{text} {unquote_plus(text)}"))


class HostileBehaviour(_Behaviour):
    """Whatever a stranger sends: never a 500, and never a signature for a name that no rule opened."""

    @given(
        body=bodies,
        path=st.sampled_from([AUTH, AUTH, USER_AUTH]),
        user=st.sampled_from([None, "ada", "ada", "bob"]),
        socket_header=header_bytes,
    )
    @example(
        body=_form([("socket_id", "1.2"), ("channel_name", "private-user.1")]), path=AUTH, user="ada", socket_header=b""
    )
    @example(body=_form([("socket_id", "1.2")]), path=USER_AUTH, user="ada", socket_header=b"\xff")
    @settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
    async def test_nothing_is_signed_that_no_rule_opened(
        self, body: tuple[str, bytes], path: str, user: str | None, socket_header: bytes
    ) -> None:
        site = Site()
        headers = {b"Content-Type": body[0].encode(), b"X-Socket-ID": socket_header}
        if user is not None:
            headers[b"X-User"] = user.encode()
        async with client_of(self.integration, site) as client:
            answer = await client.post(path, content=body[1], headers=headers)

        if answer.status_code != 200:
            assert answer.status_code in {400, 403, 413}
            assert set(answer.json()) == {"error"}
            assert KEY not in answer.text
            return
        told = answer.json()
        if path == USER_AUTH:
            assert user is not None
            assert told["user_data"] == f'{{"id":"{USERS[user].id}"}}'
            texts = [f"{socket_id}::user::{told['user_data']}" for socket_id in socket_ids_in(body[1])]
            assert [text for text in texts if signs(told["auth"], text)] != []
        elif "auth" in told:
            [name] = site.opened
            self._check_subscription(name, told, body[1])
        else:
            self._check_several(told, site, body[1])

    def _check_several(self, told: dict[str, Any], site: Site, body: bytes) -> None:
        signed = {name: one["data"] for name, one in told.items() if one["status"] == 200}
        assert sorted(signed) == sorted(site.opened)
        for name, one in signed.items():
            self._check_subscription(name, one, body)
        for one in told.values():
            assert one["status"] in {200, 400, 403}
            assert one["status"] == 200 or set(one["data"]) == {"error"}

    def _check_subscription(self, name: str, told: dict[str, Any], body: bytes) -> None:
        self._check_names(name, told)
        rest = f":{told['channel_data']}" if "channel_data" in told else ""
        texts = [f"{socket_id}:{name}{rest}" for socket_id in socket_ids_in(body)]
        assert [text for text in texts if signs(told["auth"], text)] != []

    @staticmethod
    def _check_names(name: str, told: dict[str, Any]) -> None:
        kind = parse_channel_name(check_channel_name(name)).kind
        parts = {ChannelKind.PRESENCE: {"channel_data"}, ChannelKind.ENCRYPTED: {"shared_secret"}}
        assert kind.guarded
        assert set(told) == {"auth"} | parts.get(kind, set())
        if kind is ChannelKind.PRESENCE:
            assert json.loads(told["channel_data"])["user_id"] in {"guest", "desk-4", str(ADA.id), str(BOB.id)}
