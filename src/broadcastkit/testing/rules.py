"""Assertions about one's own rules: who may listen to a channel, and who may not."""

from __future__ import annotations

from typing import overload

from broadcastkit.authorization import ChannelRegistry, PresenceMember
from broadcastkit.channels.base import Channel, PresenceChannel
from broadcastkit.testing.answers import answer_to
from broadcastkit.testing.questions import Question

__all__ = ["assert_authorized", "assert_denied"]


@overload
def assert_authorized(
    channel: PresenceChannel, user: object | None, *, channels: ChannelRegistry | None = ...
) -> PresenceMember: ...
@overload
def assert_authorized(
    channel: Channel | str, user: object | None, *, channels: ChannelRegistry | None = ...
) -> PresenceMember | None: ...
def assert_authorized(
    channel: Channel | str, user: object | None, *, channels: ChannelRegistry | None = None
) -> PresenceMember | None:
    """Fail unless the channel's rule says yes to the user (None: a guest); return the member of a presence channel.

    The member is what the others see: its id is text, and its info is as JSON has it.

    The rules are those of the configured broadcaster, unless given. An `async` rule is run in an event loop of its
    own; inside a running one, await the same words of `broadcastkit.testing.aio`.

        >>> from broadcastkit import ChannelRegistry
        >>> from broadcastkit.channels import UserChannel
        >>> from broadcastkit.testing import assert_denied
        >>> channels = ChannelRegistry()
        >>> @channels.authorize(UserChannel)
        ... def own_channel(user, user_id) -> bool:
        ...     return user["id"] == user_id
        >>> assert_authorized(UserChannel(user_id=3), {"id": 3}, channels=channels)
        >>> assert_denied(UserChannel(user_id=3), {"id": 4}, channels=channels)

    Raises:
        AssertionError: it says why: the rule and its answer, no guests, or no rule and which come near.
        ConfigurationError: there are no rules to test.
    """
    __tracebackhide__ = True
    question = Question.of(channel, user, channels)
    return question.check_yes(answer_to(question))


def assert_denied(channel: Channel | str, user: object | None, *, channels: ChannelRegistry | None = None) -> None:
    """Fail unless there is a rule for the channel, and it says no to the user (None: a guest).

    A channel without a rule is closed to everyone and a public one to nobody, whatever rules there are: both fail.
    The rest is as with `assert_authorized`.
    """
    __tracebackhide__ = True
    question = Question.of(channel, user, channels)
    question.check_no(answer_to(question))
