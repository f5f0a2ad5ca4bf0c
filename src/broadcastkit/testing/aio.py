"""The same assertions for async tests, awaited: `from broadcastkit.testing.aio import assert_authorized`."""

from __future__ import annotations

from typing import overload

from broadcastkit.authorization import ChannelRegistry, PresenceMember
from broadcastkit.channels.base import Channel, PresenceChannel
from broadcastkit.testing.answers import awaited_answer_to
from broadcastkit.testing.questions import Question

__all__ = ["assert_authorized", "assert_denied"]


@overload
async def assert_authorized(
    channel: PresenceChannel, user: object | None, *, channels: ChannelRegistry | None = ...
) -> PresenceMember: ...
@overload
async def assert_authorized(
    channel: Channel | str, user: object | None, *, channels: ChannelRegistry | None = ...
) -> PresenceMember | None: ...
async def assert_authorized(
    channel: Channel | str, user: object | None, *, channels: ChannelRegistry | None = None
) -> PresenceMember | None:
    """See broadcastkit.testing.assert_authorized; a rule that is not `async` is asked in a worker thread, as always."""
    __tracebackhide__ = True
    question = Question.of(channel, user, channels, asynchronous=True)
    return question.check_yes(await awaited_answer_to(question))


async def assert_denied(
    channel: Channel | str, user: object | None, *, channels: ChannelRegistry | None = None
) -> None:
    """See broadcastkit.testing.assert_denied."""
    __tracebackhide__ = True
    question = Question.of(channel, user, channels, asynchronous=True)
    question.check_no(await awaited_answer_to(question))
