"""A service that knows who is there, in both colors; and what fallbacks were told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from broadcastkit import Channel, Event
from broadcastkit.authorization import SubscriptionAuth, UserAuth
from broadcastkit.channels import ConversationChannel, UserChannel
from broadcastkit.drivers.base import ChannelInfo, Outcome, UserInfo
from tests.broadcaster.stand_ins import Told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broadcastkit.core.message import Message
    from broadcastkit.offline import Missed

__all__ = ["Heard", "LongText", "Service", "Shipped", "Text"]


class Shipped(Event):
    order_id: int
    customers: list[int]

    def broadcast_on(self) -> list[UserChannel]:
        return [UserChannel(user_id=customer) for customer in self.customers]


class Text(Event):
    sender_id: int = 1
    recipient_id: int = 2
    content: str = "hello"
    conversation_id: int | None = None

    def broadcast_on(self) -> list[Channel]:
        if self.conversation_id is not None:
            return [ConversationChannel(conversation_id=self.conversation_id)]
        return [UserChannel(user_id=self.sender_id), UserChannel(user_id=self.recipient_id)]


class LongText(Text):
    """A kind of it, with a name of its own on the wire."""


class Service(Told):
    """What it was sent, whom it knows to be there, and what it was asked.

    `answers` are what it says of any channel in the place of that, one after the other: an error is raised.
    """

    def __init__(self, *there: str, **options: Any) -> None:
        super().__init__(**options)
        self.there = set(there)
        self.asked: list[str] = []
        self.answers: list[ChannelInfo | Exception] = []
        self.users: dict[str, tuple[str, ...]] = {}

    def info(self, channel_name: str) -> ChannelInfo:
        self.asked.append(channel_name)
        answer = self.answers.pop(0) if self.answers else ChannelInfo(occupied=channel_name in self.there)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def sync(self) -> Any:
        return _Sync(self)

    def asynchronous(self) -> Any:
        return _Async(self)


class _Common:
    def __init__(self, service: Service) -> None:
        self._service = service
        self.blocking = service.blocking

    def answer_subscription(self, grant: Any) -> SubscriptionAuth:
        raise NotImplementedError

    def answer_user(self, grant: Any) -> UserAuth:
        raise NotImplementedError


class _Sync(_Common):
    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        return self._service.perform(messages)

    def channel_info(self, channel_name: str, *, info: Sequence[str] = ()) -> ChannelInfo:
        return self._service.info(channel_name)

    def users_info(self, channel_name: str) -> list[UserInfo]:
        return [UserInfo(name) for name in self._service.users.get(channel_name, ())]

    def close(self) -> None:
        self._service.closed += 1


class _Async(_Common):
    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        return self._service.perform(messages)

    async def channel_info(self, channel_name: str, *, info: Sequence[str] = ()) -> ChannelInfo:
        return self._service.info(channel_name)

    async def users_info(self, channel_name: str) -> list[UserInfo]:
        return [UserInfo(name) for name in self._service.users.get(channel_name, ())]

    async def aclose(self) -> None:
        self._service.closed += 1


class Heard:
    """A fallback that keeps what it was told, and fails as often as it is told to."""

    __name__ = "tell_them"

    def __init__(self, *errors: Exception) -> None:
        self.missed: list[Missed[Any]] = []
        self.errors = list(errors)

    def __call__(self, missed: Missed[Any]) -> None:
        self.missed.append(missed)
        if self.errors:
            raise self.errors.pop(0)

    @property
    def channels(self) -> list[str]:
        return [missed.channel.name for missed in self.missed]
