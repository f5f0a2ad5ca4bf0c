"""What every driver must do: each check yields what is to be done with a driver, and judges what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from broadcastkit.authorization import SubscriptionAuth, SubscriptionGrant, UserAuth, UserGrant
from broadcastkit.core.message import Message
from broadcastkit.drivers.base import NO_SOCKET_ID, ChannelInfo, UserInfo
from broadcastkit.errors import BroadcastError, ConfigurationError
from broadcastkit.testing.suite import (
    CHECKED_CHANNELS,
    AtOnce,
    Close,
    Do,
    Steps,
    Suite,
    accepted,
    expect,
    expect_infos,
)

__all__ = ["CHECKS", "Check"]

Check: TypeAlias = Callable[[Suite], Steps]

_HERE, _THERE = CHECKED_CHANNELS
_PRESENCE = "presence-conformance"
_SOCKET_ID = "123.456"
_MANY = 250
_IN_A_ROW = 25


def _outcomes(suite: Suite) -> Steps:
    """There is one outcome for each message."""
    messages = (
        _message("one", _HERE),
        _message("two", _HERE, _THERE, "conformance-c"),
        _message("three", _THERE, "private-conformance"),
    )
    yield from suite.send(messages)
    yield from suite.arrived(messages)


def _nothing(suite: Suite) -> Steps:
    """Sending nothing is no error."""
    yield from suite.send([])
    yield from suite.arrived([])


def _many_channels(suite: Suite) -> Steps:
    """A message goes to as many channels as it has, whatever a single request may carry."""
    names = [f"conformance-{number}" for number in range(_MANY)]
    message = _message("many", _HERE, *names, _THERE)
    yield from suite.send([message])
    yield from suite.arrived([message])


def _in_a_row(suite: Suite) -> Steps:
    """Messages to one channel arrive in the order given, however many."""
    messages = [_message(f"row.{number}", _HERE) for number in range(_IN_A_ROW)]
    yield from suite.send(messages)
    yield from suite.arrived(messages)


def _texts(suite: Suite) -> Steps:
    """Payloads and event names arrive as they were, whatever the script and however the JSON was written."""
    payload = {
        "script": "naïve ✓ 你好 مرحبا 🎉",
        'quo"te': '"quoted" \\back\\slash\\ </script> & \' %s {}',
        "control": "\x00\t\r\n\x7f\u2028\u2029",
        "nested": [{"empty": {}, "list": [], "text": ""}, None, True, -1.5, 2**53 - 1],
    }
    messages = [
        Message("texts.utf8", CHECKED_CHANNELS, json.dumps(payload, ensure_ascii=False)),
        Message("texts.escaped", CHECKED_CHANNELS, json.dumps(payload, indent=2)),
        Message(r"App\Events\Größe “ä” ✓", CHECKED_CHANNELS, "{}"),
    ]
    yield from suite.send(messages)
    yield from suite.arrived(messages)


def _excluded(suite: Suite) -> Steps:
    """The excluded socket does not hear the message, everyone else does; a strange socket id excludes nobody."""
    mine = suite.socket_id
    messages = [
        _message("excluded", _HERE)._replace(exclude=mine or _SOCKET_ID),
        _message("excluded.other", _HERE, _THERE)._replace(exclude="987.654"),
        _message("excluded.strange", _HERE)._replace(exclude="of-another/protocol#1"),
    ]
    yield from suite.send(messages)
    yield from suite.arrived([message for message in messages if mine is None or message.exclude != mine])


def _info(suite: Suite) -> Steps:
    """Attributes may be asked for; the answer speaks of the message's channels only."""
    messages = [
        _message("info.users", _PRESENCE)._replace(info=("user_count",)),
        _message("info.subscribers", _HERE)._replace(info=("subscription_count",)),
    ]
    yield from suite.send(messages)
    yield from suite.arrived(messages)


def _refused(suite: Suite) -> Steps:
    """A message that the service would refuse has an error as its outcome; those around it are sent."""
    if suite.too_large is None:
        return
    large = Message("refused", (_HERE,), json.dumps("x" * suite.too_large))
    around = [_message("before", _HERE), _message("after", _HERE)]
    outcomes = yield Do("send", ([around[0], large, around[1]],))
    expect(not isinstance(outcomes, BroadcastError), f"send raised for one message: {outcomes!r}")
    kinds = [isinstance(outcome, BroadcastError) for outcome in outcomes]
    expect(kinds == [False, True, False], f"of three messages, the second too large, came: {list(outcomes)}")
    yield from suite.arrived(around)


def _at_once(suite: Suite) -> Steps:
    """A driver is used from several threads or tasks at once."""
    channels = (*CHECKED_CHANNELS, "conformance-c", "conformance-d")
    workers = [[_message(f"at.once.{number}", channel) for number in range(5)] for channel in channels]
    outcomes = yield AtOnce(workers)
    expect(not isinstance(outcomes, BroadcastError), f"send raised {outcomes!r}")
    for messages, answers in zip(workers, outcomes, strict=True):
        accepted(answers, messages)
    yield from suite.arrived([message for messages in workers for message in messages])


def _closed(suite: Suite) -> Steps:
    """Closing twice is no error, and a closed driver may be used again."""
    messages = [_message("before.close", _HERE), _message("after.close", _HERE)]
    yield Close()
    yield from suite.send(messages[:1])
    yield Close()
    yield Close()
    yield from suite.send(messages[1:])
    yield from suite.arrived(messages)


def _questions(suite: Suite) -> Steps:
    """Questions are answered in the right types; ConfigurationError says that there is no service to ask."""
    channels = yield Do("channels_info", (), {"prefix": "conformance-"})
    if isinstance(channels, ConfigurationError):
        return
    expect_infos(channels, "channels_info")
    if suite.listens:
        missing = set(CHECKED_CHANNELS) - set(channels)
        expect(not missing, f"channels_info does not know {sorted(missing)}, which have a subscriber")
    channel = yield Do("channel_info", (_HERE,))
    expect(isinstance(channel, ChannelInfo), f"channel_info returned {channel!r}")
    users = yield Do("users_info", (_PRESENCE,))
    expect(
        isinstance(users, Sequence) and all(isinstance(user, UserInfo) for user in users),
        f"users_info returned {users!r}",
    )


def _answers(suite: Suite) -> Steps:
    """Answers are JSON of strings, written the same in both forms, with the member's text as it was."""
    yield from ()
    if not getattr(suite.driver, "needs_socket_id", True):
        _answers_to_a_server(suite.driver)
        return
    member = '{"user_id": "7",  "user_info": {"name": "Zo\\u00eb “Z” ✓"}}'
    driver = suite.driver
    plain = driver.answer_subscription(SubscriptionGrant(_SOCKET_ID, "private-conformance"))
    present = driver.answer_subscription(SubscriptionGrant(_SOCKET_ID, _PRESENCE, member))
    try:
        users = [driver.answer_user(UserGrant(_SOCKET_ID, '{"id":  "7"}'))]
    except ConfigurationError:
        users = []  # a service that knows none: said, and not signed
    answers: list[SubscriptionAuth | UserAuth] = [plain, present, *users]
    for answer in answers:
        body = answer.as_dict()
        strings = all(isinstance(part, str) for pair in body.items() for part in pair)
        expect(strings, f"as_dict() of an answer holds something other than text: {sorted(body)}")
        expect(json.loads(answer.to_json()) == body, "to_json() and as_dict() of an answer differ")
        expect("auth" in body, "an answer has no 'auth'")
        expect(not answer.auth or answer.auth not in repr(answer), "the repr of an answer shows its signature")
    expect("channel_data" not in plain.as_dict(), "the answer for a private channel has channel_data")
    expect(present.channel_data == member, "channel_data is not the member's text as it was")
    for user in users:
        expect(user.user_data == '{"id":  "7"}', "user_data is not the user's text as it was")


def _answers_to_a_server(driver: Any) -> None:
    """Judge a driver whose answers are for a server: their form is its own, and the member an object."""
    member = {"user_id": "7", "user_info": {"name": "Zoë “Z” ✓"}}
    plain = driver.answer_subscription(SubscriptionGrant(NO_SOCKET_ID, "private-conformance"))
    present = driver.answer_subscription(SubscriptionGrant(NO_SOCKET_ID, _PRESENCE, json.dumps(member)))
    expect(json.loads(plain.to_json()) in (True, plain.as_dict()), "to_json() of a yes is neither true nor as_dict()")
    body = json.loads(present.to_json())
    expect(body == present.as_dict(), "to_json() and as_dict() of an answer differ")
    expect(body.get("channel_data") == member, "channel_data is not the member")
    asked = driver.channel_asked_for("private-conformance")
    expect(asked == "private-conformance", f"channel_asked_for('private-conformance') is {asked!r}")


def _shown(suite: Suite) -> Steps:
    """The repr of a driver shows no secret, and `blocking` says whether it waits."""
    yield from ()
    shown = [index for index, secret in enumerate(suite.secrets) if secret in repr(suite.driver)]
    expect(not shown, f"the repr of the driver shows the secrets number {shown}")
    if hasattr(suite.driver, "close"):
        expect(isinstance(getattr(suite.driver, "blocking", None), bool), "`blocking` must be True or False")


CHECKS: tuple[Check, ...] = (
    _outcomes,
    _nothing,
    _many_channels,
    _in_a_row,
    _texts,
    _excluded,
    _info,
    _refused,
    _at_once,
    _closed,
    _questions,
    _answers,
    _shown,
)


def _message(name: str, *channels: str) -> Message:
    return Message(f"conformance.{name}", channels, json.dumps({"of": name}))
