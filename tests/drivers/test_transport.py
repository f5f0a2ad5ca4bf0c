"""The wire itself: what a server gets, and how connections are kept."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit.core.retry import Retry
from broadcastkit.drivers.base import ChannelInfo, Sent, UserInfo
from tests.drivers.colours import Colour
from tests.drivers.scripted import OK, Answer, ScriptedServer, answer
from tests.drivers.talk import message

if TYPE_CHECKING:
    from collections.abc import Callable

    Scripted = Callable[..., ScriptedServer]

AT_ONCE = Retry(base=0)  # tries again, and does not wait
ONCE = Retry(attempts=1)


def send(colour: Colour, driver: Any, *names: str) -> list[Any]:
    outcomes: list[Any] = colour.call(driver, "send", [message(name) for name in names or ("ping",)])
    return outcomes


# -- what goes out -----------------------------------------------------------------------------------------------------


def test_a_post(colour: Colour, scripted: Scripted) -> None:
    server = scripted()
    sent = message("order.shipped", "a", "b", data='{"note":"naïve ✓"}', exclude="1.2")

    assert colour.call(colour.driver(server.url), "send", [sent]) == [Sent(1)]

    (heard,) = server.heard
    assert heard.method == "POST"
    assert heard.asked.path == "/apps/app-1/events"
    assert heard.asked.signed_as("/apps/app-1/events")
    assert abs(int(heard.asked.query["auth_timestamp"]) - time.time()) < 30
    assert heard.asked.body == {
        "name": "order.shipped",
        "data": '{"note":"naïve ✓"}',
        "channels": ["a", "b"],
        "socket_id": "1.2",
    }
    assert heard.header("content-length") == str(len(heard.body))
    assert heard.header("transfer-encoding") is None
    assert heard.header("content-type") == "application/json"
    assert heard.header("host") == f"127.0.0.1:{server.port}"
    assert heard.header("user-agent") == "broadcastkit"
    assert len({name for name, _ in heard.headers}) == len(heard.headers)


def test_a_get_has_no_body(colour: Colour, scripted: Scripted) -> None:
    server = scripted(answer(body=b'{"channels":{"presence-a":{"user_count":3}}}'))
    driver = colour.driver(server.url)

    found = colour.call(driver, "channels_info", prefix="presence-", info=("user_count",))

    assert found == {"presence-a": ChannelInfo(user_count=3)}
    (heard,) = server.heard
    assert heard.method == "GET"
    assert heard.body == b""
    assert heard.header("content-length") in {None, "0"}
    assert "body_md5" not in heard.asked.query
    assert heard.asked.query["filter_by_prefix"] == "presence-"
    assert heard.asked.signed_as("/apps/app-1/channels")


def test_the_other_questions(colour: Colour, scripted: Scripted) -> None:
    server = scripted(
        answer(body=b'{"occupied":true,"subscription_count":2}'), answer(body=b'{"users":[{"id":"7"}]}'), OK
    )
    driver = colour.driver(server.url)

    assert colour.call(driver, "channel_info", "news", info=("subscription_count",)) == ChannelInfo(True, None, 2)
    assert colour.call(driver, "users_info", "presence-room-1") == (UserInfo("7"),)
    assert colour.call(driver, "terminate_user_connections", "7") is None

    assert [(heard.method, heard.asked.path) for heard in server.heard] == [
        ("GET", "/apps/app-1/channels/news"),
        ("GET", "/apps/app-1/channels/presence-room-1/users"),
        ("POST", "/apps/app-1/users/7/terminate_connections"),
    ]
    assert server.heard[2].body == b"{}"
    assert all(heard.asked.signed_as(heard.asked.path) for heard in server.heard)


@pytest.mark.parametrize(
    ("method", "argument"),
    [
        ("channel_info", "no such name"),
        ("channel_info", "#server-to-user-7"),
        ("users_info", "private-room"),
        ("users_info", "presence-"),
        ("terminate_user_connections", "../../apps/other"),
        ("terminate_user_connections", ""),
    ],
)
def test_a_question_about_something_impossible_is_not_asked(
    colour: Colour, scripted: Scripted, method: str, argument: str
) -> None:
    server = scripted()

    with pytest.raises(ValueError, match=r"channel|user id"):
        colour.call(colour.driver(server.url), method, argument)
    assert server.heard == []


def test_a_path_prefix_goes_out_whether_it_is_signed_or_not(colour: Colour, scripted: Scripted) -> None:
    server = scripted()

    for profile, signed in (("soketi", "/ws/apps/app-1/events"), ("reverb", "/apps/app-1/events")):
        driver = colour.driver(server.url, path="/ws", profile=profile)
        assert send(colour, driver) == [Sent(1)]
        assert server.heard[-1].asked.path == "/ws/apps/app-1/events"
        assert server.heard[-1].asked.signed_as(signed)


def test_characters_that_must_be_escaped_arrive(colour: Colour, scripted: Scripted) -> None:
    server = scripted(answer(body=b"{}"))

    colour.call(colour.driver(server.url), "channel_info", "room=7,a;b@c", info=("user_count", "subscription_count"))

    (heard,) = server.heard
    assert heard.target.startswith("/apps/app-1/channels/room=7,a;b@c?")
    assert heard.asked.query["info"] == "user_count,subscription_count"
    assert heard.asked.signed_as("/apps/app-1/channels/room=7,a;b@c")


# -- connections -------------------------------------------------------------------------------------------------------


def test_a_connection_is_kept(colour: Colour, scripted: Scripted) -> None:
    server = scripted()
    driver = colour.driver(server.url)

    for _ in range(5):
        assert send(colour, driver) == [Sent(1)]

    assert [heard.connection for heard in server.heard] == [1] * 5


def test_a_service_that_closes_after_every_answer_is_no_trouble(colour: Colour, scripted: Scripted) -> None:
    server = scripted(*[answer(then="close", connection="close")] * 5)
    driver = colour.driver(server.url, retry=ONCE)

    for _ in range(5):
        assert send(colour, driver) == [Sent(1)]

    assert [heard.connection for heard in server.heard] == [1, 2, 3, 4, 5]


def test_a_kept_connection_that_was_closed_meanwhile_is_replaced(colour: Colour, scripted: Scripted) -> None:
    server = scripted(answer(then="close"))
    driver = colour.driver(server.url, retry=ONCE)

    assert send(colour, driver) == [Sent(1)]
    server.wait_until_closed()
    assert send(colour, driver) == [Sent(1)]

    assert [heard.connection for heard in server.heard] == [1, 2]


def test_a_kept_connection_that_breaks_on_use_is_tried_again(colour: Colour, scripted: Scripted) -> None:
    server = scripted(OK, Answer(b"", "close"), OK)
    driver = colour.driver(server.url, retry=AT_ONCE)

    assert send(colour, driver, "first") == [Sent(1)]
    assert send(colour, driver, "second") == [Sent(1)]

    assert [(heard.asked.body["name"], heard.connection) for heard in server.heard] == [
        ("first", 1),
        ("second", 1),
        ("second", 2),
    ]


def test_a_closed_driver_may_be_used_again(colour: Colour, scripted: Scripted) -> None:
    server = scripted()
    driver = colour.driver(server.url)

    colour.close(driver)
    assert send(colour, driver) == [Sent(1)]
    colour.close(driver)
    server.wait_until_closed()
    colour.close(driver)
    assert send(colour, driver) == [Sent(1)]

    assert server.connections == 2


def test_many_at_once_share_a_few_connections(colour: Colour, scripted: Scripted) -> None:
    server = scripted()
    driver = colour.driver(server.url)

    outcomes = colour.at_once(driver, [[message(f"event.{number}")] for number in range(40)])

    assert outcomes == [[Sent(1)]] * 40
    assert {heard.asked.body["name"] for heard in server.heard} == {f"event.{number}" for number in range(40)}
    assert len(server.heard) == 40
    assert server.connections <= 8
