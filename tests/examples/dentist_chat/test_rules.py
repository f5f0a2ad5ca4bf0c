"""Who may listen where: every role against every channel."""

from __future__ import annotations

import pytest

from broadcastkit.channels import ConversationChannel, UserChannel
from broadcastkit.testing.aio import assert_authorized, assert_denied
from examples.dentist_chat.rules import Listener, channels
from tests.examples.dentist_chat.conftest import MEMBERS, NAMES, Someone

RULES = (
    [(UserChannel(user_id=number), {name}) for name, number in NAMES.items()]
    + [(ConversationChannel(conversation_id=number), members) for number, members in MEMBERS.items()]
    # of nobody
    + [(UserChannel(user_id=99), set()), (ConversationChannel(conversation_id=99), set())]
    + [(ConversationChannel(conversation_id=10**30), set()), (ConversationChannel(conversation_id="one"), set())]
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("channel", "allowed"), RULES, ids=[channel.name for channel, _ in RULES])
async def test_who_may_listen(
    listeners: dict[str, Listener], name: str, channel: UserChannel | ConversationChannel, allowed: set[str]
) -> None:
    if name in allowed:
        await assert_authorized(channel, listeners[name], channels=channels)
    else:
        await assert_denied(channel, listeners[name], channels=channels)


@pytest.mark.parametrize("channel", [channel for channel, _ in RULES], ids=lambda channel: channel.name)
async def test_a_guest_may_listen_nowhere(channel: UserChannel | ConversationChannel) -> None:
    await assert_denied(channel, None, channels=channels)


# the same through the endpoint, with names that are no channel of ours
ALLOWED = {
    "private-user.1": {"maya"},
    "private-conversation.1": {"maya", "ruiz"},
    "private-user.01": set(),
    "private-user.1.2": set(),
    "private-conversation.-1": set(),
    "private-conversations.1": set(),
    "presence-conversation.1": set(),
    "private-encrypted-conversation.1": set(),
    "private-cache-user.1": set(),
    "private-user.": set(),
    "user.1": set(),
}


@pytest.mark.parametrize("channel", ALLOWED)
def test_who_is_granted_a_subscription(people: dict[str, Someone], channel: str) -> None:
    answers = {name: someone.subscribe(channel) for name, someone in people.items()}
    granted = {name for name, answer in answers.items() if answer.status_code == 200}
    assert granted == ALLOWED[channel]
    assert answers["stranger"].status_code == 401
    assert {answers[name].status_code for name in NAMES if name not in granted} <= {400, 403}
    for name in granted:
        assert answers[name].json()["auth"].startswith("ask-dentist-key:")
