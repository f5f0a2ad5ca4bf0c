"""Awaiting callers who come, give up and are answered in any order: nobody is harmed by another, or waits in vain."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from broadcastkit.core.message import Message
from broadcastkit.delivery import Inline
from broadcastkit.drivers.base import Outcome, Sent
from broadcastkit.drivers.serviceless import AsyncServiceless
from broadcastkit.errors import BadRequestError, ConnectError

LIMIT = 3
SECONDS = 10.0


class Service(AsyncServiceless):
    """Answers when it is told to: each message with its own number, or with an error that names it."""

    batch_limit = LIMIT

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.flying: dict[asyncio.Future[None], list[str]] = {}

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        channels = [name for message in messages for name in message.channels]
        assert not {*channels} & {name for others in self.flying.values() for name in others}, "overtaken on its way"
        assert len(channels) <= LIMIT or len(messages) == 1
        self.sent += messages
        answered = asyncio.get_running_loop().create_future()
        self.flying[answered] = channels
        try:
            await answered
        finally:
            del self.flying[answered]
        return [self._outcome(message) for message in messages]

    def _outcome(self, message: Message) -> Outcome:
        number = int(message.event)
        return BadRequestError(message.event) if number % 5 == 0 else Sent(number)

    def answer(self, number: int) -> None:
        """Answer a request, or fail to; one that was answered is not asked again."""
        waiting = [one for one in self.flying if not one.done()]
        if waiting:
            answered = waiting[number % len(waiting)]
            if number % 7 == 0:
                answered.set_exception(ConnectError("lost"))
            else:
                answered.set_result(None)


class Play:
    """What callers and the service do, one after the other."""

    def __init__(self) -> None:
        self.inline, self.service = Inline(), Service()
        self.callers: dict[int, tuple[Message, asyncio.Task[Sequence[Outcome]]]] = {}
        self.cancelled: set[int] = set()

    async def _deliver(self, message: Message) -> Sequence[Outcome]:
        return await self.inline.adeliver("main", self.service, [message])

    def call(self, channels: list[str], _: int) -> None:
        number = len(self.callers) + 1
        message = Message(str(number), tuple(channels), "{}")
        self.callers[number] = message, asyncio.create_task(self._deliver(message))

    def cancel(self, _: list[str], number: int) -> None:
        pending = [name for name, (_, task) in self.callers.items() if not task.done()]
        if pending:
            name = pending[number % len(pending)]
            self.cancelled.add(name)
            self.callers[name][1].cancel()

    def answer(self, _: list[str], number: int) -> None:
        self.service.answer(number)

    async def end(self) -> None:
        """Answer everything; the last turns of the loop are for what that sets going."""
        async with asyncio.timeout(SECONDS):
            while any(not task.done() for _, task in self.callers.values()) or self.service.flying:
                self.service.answer(1)
                await asyncio.sleep(0)

    def check(self) -> None:
        sent = [int(message.event) for message in self.service.sent]
        assert len(sent) == len({*sent})
        for name in "abcd":
            heard = [number for number in sent if name in self.callers[number][0].channels]
            assert heard == sorted(heard)
        for number, (_, task) in self.callers.items():
            if task.cancelled():
                assert number in self.cancelled
                continue
            assert number in sent
            with suppress(ConnectError):
                (outcome,) = task.result()
                assert outcome == Sent(number) if number % 5 else str(outcome) == str(number)
        lines = self.inline._async_lines
        for line in () if lines is None else lines._lines.values():
            assert len(line._batcher) == 0
            assert not line._batcher._busy


STEP = st.tuples(
    st.sampled_from(["call", "call", "call", "cancel", "answer", "turn"]),
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True),
    st.integers(0, 20),
)


@given(st.lists(STEP, max_size=60))
def test_each_caller_gets_its_own_answer_and_channels_keep_their_order(
    steps: list[tuple[str, list[str], int]],
) -> None:
    async def play() -> None:
        plays = Play()
        for step, channels, number in steps:
            if step == "turn":
                await asyncio.sleep(0)
            else:
                getattr(plays, step)(channels, number)
        await plays.end()
        plays.check()

    asyncio.run(play())
