"""The signed HTTP API: what is asked, what is answered, what is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from broadcastkit.core.message import Message
from broadcastkit.server import App, Limits
from broadcastkit.server.connection import Connection, Member
from broadcastkit.server.http_api import Answer, HttpApi, Request
from broadcastkit.server.hub import Hub
from tests.server.tools import APP, NOW, signed_query

EVENT = {"name": "message.sent", "data": '{"id":1}', "channel": "orders"}


class Service:
    """The API over a hub with somebody in it."""

    def __init__(self, app: App = APP, **limits: Any) -> None:
        self.hub = Hub[Connection](Limits(**limits))
        self.app = app
        self.api = HttpApi(app, Limits(**limits), self.hub, now=NOW)

    def arrive(self, socket_id: str, *channels: str, user: str = "7") -> None:
        connection = Connection(socket_id)
        self.hub.connect(connection)
        for channel in channels:
            who = Member(user, None) if channel.startswith("presence-") else None
            self.hub.subscribe(connection, channel, who, 0.0)

    def ask(
        self, method: str, path: str, body: object = None, params: Mapping[str, str] | None = None, **more: Any
    ) -> Answer:
        path = f"/apps/{self.app.id}{path}"
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        query = more.pop("query", None) or signed_query(method, path, content, params, app=self.app, **more)
        return self.api.handle(Request(method, path, query, content, [path]), now=NOW)

    def get(self, path: str, **params: str) -> Any:
        """Ask what must be answered, and return the answer."""
        answer = self.ask("GET", path, params=params)
        assert answer.response.status == 200, answer.response.body
        return json.loads(answer.response.body)

    def post(self, path: str, body: object) -> tuple[Any, tuple[Message, ...]]:
        """Post what must be accepted; returns the answer and what is published."""
        answer = self.ask("POST", path, body)
        assert answer.response.status == 200, answer.response.body
        return json.loads(answer.response.body), answer.messages

    def refused(self, method: str, path: str, body: object = None, **more: Any) -> tuple[int, str]:
        answer = self.ask(method, path, body, **more)
        assert answer.messages == ()
        assert answer.terminate_user is None
        assert answer.response.content_type.startswith("text/plain")
        return answer.response.status, answer.response.body.decode()


# -- events


def test_publishes_an_event() -> None:
    assert Service().post("/events", EVENT) == ({}, (Message("message.sent", ("orders",), '{"id":1}'),))


def test_publishes_to_several_channels_once_each() -> None:
    body = {"name": "ev", "data": "", "channels": ["x", "private-y", "x"], "socket_id": "1.2"}
    _, messages = Service().post("/events", body)
    assert messages == (Message("ev", ("x", "private-y"), "", "1.2"),)


def test_null_is_absent() -> None:
    _, (message,) = Service().post("/events", {**EVENT, "channels": None, "socket_id": None, "info": None})
    assert message == Message("message.sent", ("orders",), '{"id":1}')


def test_tells_what_is_asked_of_the_channels() -> None:
    service = Service()
    service.arrive("1.1", "presence-x", "orders")
    service.arrive("1.2", "presence-x")
    body = {
        "name": "ev",
        "data": "",
        "channels": ["presence-x", "orders", "empty"],
        "info": "user_count, subscription_count",
    }
    answer, _ = service.post("/events", body)
    assert answer == {
        "channels": {
            "presence-x": {"user_count": 1, "subscription_count": 2},
            "orders": {"subscription_count": 1},
            "empty": {"subscription_count": 0},
        }
    }


def test_an_attribute_that_a_channel_does_not_have_is_left_out() -> None:
    answer, _ = Service().post("/events", {**EVENT, "info": "user_count"})
    assert answer == {"channels": {"orders": {}}}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"name": None}, 400),
        ({"name": ""}, 400),
        ({"name": 7}, 400),
        ({"name": "x" * 201}, 400),
        ({"name": "a\nb"}, 400),
        ({"name": "pusher:x"}, 400),
        ({"name": "pusher_internal:member_added"}, 400),
        ({"name": "client-x"}, 400),
        ({"data": None}, 400),
        ({"data": {"id": 1}}, 400),
        ({"data": 7}, 400),
        ({"data": "x" * 10_241}, 413),
        ({"data": "é" * 5_121}, 413),
        ({"channel": None}, 400),
        ({"channel": ""}, 400),
        ({"channel": ["orders"]}, 400),
        ({"channel": "a b"}, 400),
        ({"channel": "orders\n"}, 400),
        ({"channel": "#orders"}, 400),
        ({"channel": "x" * 165}, 400),
        ({"channel": "private-"}, 400),
        ({"channels": []}, 400),
        ({"channels": "orders"}, 400),
        ({"channels": {"a": 1}}, 400),
        ({"channels": ["orders", None]}, 400),
        ({"channels": [f"x{n}" for n in range(101)]}, 400),
        ({"socket_id": ""}, 400),
        ({"socket_id": "1"}, 400),
        ({"socket_id": 1.5}, 400),
        ({"socket_id": "\u0661.\u0662"}, 400),
        ({"socket_id": "1.2\n"}, 400),
        ({"info": 7}, 400),
        ({"info": "user_count,secret"}, 400),
    ],
)
def test_refuses_an_event_that_is_wrong(change: dict[str, object], status: int) -> None:
    got, text = Service().refused("POST", "/events", {**EVENT, **change})
    assert got == status
    assert text


def test_accepts_what_just_fits() -> None:
    body = {"name": "x" * 200, "data": "é" * 5_120, "channels": [f"{n:0>164}" for n in range(100)]}
    _, (message,) = Service().post("/events", body)
    assert len(message.channels) == 100


def test_names_that_look_odd_and_are_right() -> None:
    for name in ("App\\Events\\OrderShipped", "new message ✓", "pusher", "Client-x"):
        _, (message,) = Service().post("/events", {**EVENT, "name": name})
        assert message.event == name
    for channel in ("#server-to-user-7", "private-encrypted-cache-x", "a=b@c,d.e;f"):
        _, (message,) = Service().post("/events", {**EVENT, "channel": channel})
        assert message.channels == (channel,)


def test_limits_can_be_set() -> None:
    service = Service(event_data_size=5, channels_per_event=1, event_name_length=3, channel_name_length=4)
    event = {"name": "abc", "data": "12345", "channels": ["abcd"]}
    assert service.post("/events", event)[0] == {}
    for change, status in (
        ({"name": "abcd"}, 400),
        ({"data": "123456"}, 413),
        ({"channels": ["a", "b"]}, 400),
        ({"channels": ["abcde"]}, 400),
    ):
        assert service.refused("POST", "/events", {**event, **change})[0] == status


@pytest.mark.parametrize(
    "body", [b"", b"x", b"[]", b"null", b'"x"', b"{", b"\xff", b'{"name":NaN}', b"[" * 10_000, b'{"name":"\\ud800"}']
)
@pytest.mark.parametrize("path", ["/events", "/batch_events"])
def test_a_body_that_is_no_json_object(body: bytes, path: str) -> None:
    assert Service().refused("POST", path, body) == (400, "the body must be a JSON object")


# -- batches


def test_publishes_a_batch_in_order() -> None:
    batch = [{**EVENT, "channel": f"x{n}", "socket_id": "1.1"} for n in range(10)]
    answer, messages = Service().post("/batch_events", {"batch": batch})
    assert answer == {}
    assert [message.channels for message in messages] == [(f"x{n}",) for n in range(10)]
    assert {message.exclude for message in messages} == {"1.1"}


def test_tells_what_each_entry_of_a_batch_asked() -> None:
    service = Service()
    service.arrive("1.1", "presence-x")
    batch = [EVENT, {**EVENT, "channel": "presence-x", "info": "user_count"}, {**EVENT, "channels": ["a", "b"]}]
    answer, messages = service.post("/batch_events", {"batch": batch})
    assert answer == {"batch": [{}, {"user_count": 1}, {}]}
    assert len(messages) == 3


@pytest.mark.parametrize(
    ("batch", "status", "said"),
    [
        (None, 400, "list"),
        ({}, 400, "list"),
        ([], 400, "1 to 10"),
        ([EVENT] * 11, 400, "1 to 10"),
        ([EVENT, None], 400, r"batch[1]"),
        ([EVENT, {**EVENT, "channel": "a b"}], 400, "batch[1]"),
        ([EVENT, {**EVENT, "data": "x" * 10_241}], 413, "batch[1]"),
        ([{**EVENT, "channels": ["a", "b"], "info": "subscription_count"}], 400, "batch[0]"),
    ],
)
def test_a_batch_is_published_whole_or_not_at_all(batch: object, status: int, said: str) -> None:
    got, text = Service().refused("POST", "/batch_events", {"batch": batch})
    assert got == status
    assert said in text


# -- questions


def test_lists_the_occupied_channels() -> None:
    service = Service()
    service.arrive("1.1", "presence-x", "orders", "private-a")
    service.arrive("1.2", "presence-x", "presence-y")
    every: dict[str, object] = {"presence-x": {}, "orders": {}, "private-a": {}, "presence-y": {}}
    assert service.get("/channels") == {"channels": every}
    assert service.get("/channels", filter_by_prefix="private-") == {"channels": {"private-a": {}}}
    assert service.get("/channels", filter_by_prefix="presence-", info="user_count") == {
        "channels": {"presence-x": {"user_count": 1}, "presence-y": {"user_count": 1}}
    }
    assert service.get("/channels", filter_by_prefix="none-") == {"channels": {}}


def test_tells_about_one_channel() -> None:
    service = Service()
    service.arrive("1.1", "presence-x", user="1")
    service.arrive("1.2", "presence-x", user="2")
    service.arrive("1.3", "presence-x", user="2")
    assert service.get("/channels/presence-x") == {"occupied": True}
    info = "user_count,subscription_count"
    assert service.get("/channels/presence-x", info=info) == {
        "occupied": True,
        "user_count": 2,
        "subscription_count": 3,
    }
    assert service.get("/channels/presence-empty", info=info) == {
        "occupied": False,
        "user_count": 0,
        "subscription_count": 0,
    }
    assert service.get("/channels/presence-x/users") == {"users": [{"id": "1"}, {"id": "2"}]}
    assert service.get("/channels/presence-empty/users") == {"users": []}


def test_tells_what_a_cache_channel_holds() -> None:
    service = Service(cache_ttl=60)
    assert service.get("/channels/cache-x", info="cache") == {"occupied": False, "cache": None}
    service.hub.publish(Message("ev", ("cache-x",), '{"a":1}'), NOW - 20)
    assert service.get("/channels/cache-x", info="cache")["cache"] == {"data": '{"a":1}', "ttl": 40}


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/channels", {"info": "user_count"}),
        ("/channels", {"info": "user_count", "filter_by_prefix": "private-"}),
        ("/channels", {"info": "cache"}),
        ("/channels/x", {"info": "user_count"}),
        ("/channels/x", {"info": "cache"}),
        ("/channels/x", {"info": "x"}),
        ("/channels/a b", {}),
        ("/channels/", {}),
        ("/channels/private-x/users", {}),
        ("/channels/a b/users", {}),
    ],
)
def test_questions_that_make_no_sense(path: str, params: dict[str, str]) -> None:
    assert Service().refused("GET", path, params=params)[0] == 400


def test_ends_the_connections_of_a_user() -> None:
    answer = Service().ask("POST", "/users/7/terminate_connections", {})
    assert (answer.response.status, answer.response.body, answer.terminate_user) == (200, b"{}", "7")
    assert Service().ask("POST", "/users/7/terminate_connections").terminate_user == "7"


# -- who may ask


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/events", "POST"),
        ("PUT", "/batch_events", "POST"),
        ("POST", "/channels", "GET"),
        ("HEAD", "/channels", "GET"),
        ("DELETE", "/channels/x", "GET"),
        ("POST", "/channels/x/users", "GET"),
        ("GET", "/users/7/terminate_connections", "POST"),
    ],
)
def test_the_wrong_method(method: str, path: str, allowed: str) -> None:
    answer = Service().ask(method, path)
    assert answer.response.status == 405
    assert answer.response.headers == (("allow", allowed),)


@pytest.mark.parametrize("path", ["", "/", "/event", "/events/", "/events/x", "/channels/x/y", "/users/7", "/a/b/c/d"])
def test_no_such_path(path: str) -> None:
    assert Service().refused("POST", path, EVENT)[0] == 404


def test_a_disabled_app() -> None:
    assert Service(App("1", "key", "secret", enabled=False)).refused("POST", "/events", EVENT)[0] == 403


@pytest.mark.parametrize(
    "query",
    [
        "auth_key=app-key",
        signed_query("POST", "/apps/app-id/events", b"{}"),
        signed_query("POST", "/apps/app-id/events", json.dumps(EVENT).encode(), app=App("1", "app-key", "other")),
        signed_query("POST", "/apps/app-id/events", json.dumps(EVENT).encode(), app=App("1", "other", "app-secret")),
        signed_query("GET", "/apps/app-id/events", json.dumps(EVENT).encode()),
        signed_query("POST", "/apps/app-id/batch_events", json.dumps(EVENT).encode()),
        signed_query("POST", "/apps/app-id/events", json.dumps(EVENT).encode()) + "&info=x",
        signed_query("POST", "/apps/app-id/events", json.dumps(EVENT).encode(), now=NOW - 601),
        signed_query("POST", "/apps/app-id/events", json.dumps(EVENT).encode(), now=NOW + 601),
        signed_query("POST", "/apps/app-id/events", json.dumps(EVENT).encode())[:-1] + "x",
        signed_query("POST", "/apps/app-id/events", json.dumps(EVENT).encode()).partition("&auth_signature")[0],
    ],
)
def test_without_a_signature_that_fits_nothing_is_published(query: str) -> None:
    status, text = Service().refused("POST", "/events", EVENT, query=query)
    assert status == 401
    assert "secret" not in text


@pytest.mark.parametrize("query", ["a=1&a=2", "%ff=1", "&".join(f"a{n}=1" for n in range(33))])
def test_a_query_that_cannot_be_read(query: str) -> None:
    good = signed_query("POST", "/apps/app-id/events", json.dumps(EVENT).encode())
    assert Service().refused("POST", "/events", EVENT, query=f"{good}&{query}")[0] == 400


def test_any_of_the_paths_may_be_the_signed_one() -> None:
    service = Service()
    query = signed_query("GET", "/ws/apps/app-id/channels")
    for signed, status in ((["/apps/app-id/channels", "/ws/apps/app-id/channels"], 200), (["/apps/app-id/x"], 401)):
        request = Request("GET", "/apps/app-id/channels", query, b"", signed)
        assert service.api.handle(request, now=NOW).response.status == status
    assert service.api.handle(Request("GET", "/apps/app-id/channels", query, b"", []), now=NOW).response.status == 401


def test_the_rate_of_requests() -> None:
    service = Service(requests_per_second=2.0)
    assert [service.ask("GET", "/channels").response.status for _ in range(3)] == [200, 200, 429]
    assert service.ask("GET", "/channels").response.headers == (("retry-after", "1"),)
    # who cannot sign cannot use up the others' share
    other = Service(requests_per_second=1.0)
    assert other.refused("GET", "/channels", query="auth_key=app-key")[0] == 401
    assert other.ask("GET", "/channels").response.status == 200
