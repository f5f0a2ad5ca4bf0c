"""Events with a retry of their own, among others: what is sent in one request is under one policy."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from itertools import groupby
from typing import TypeAlias, TypeVar

from broadcastkit.core.message import Message
from broadcastkit.core.retry import Retry
from broadcastkit.drivers.base import Outcome
from broadcastkit.errors import DeliveryError

__all__ = ["by_policy", "policy_of"]

EffectT = TypeVar("EffectT")
AnswerT = TypeVar("AnswerT")
Sending: TypeAlias = Callable[[Sequence[Message], Retry], Generator[EffectT, AnswerT, list[Outcome]]]


def policy_of(message: Message, usual: Retry) -> Retry:
    """Return the retry that a message is sent with: its event's, or the driver's."""
    options = message.options
    return usual if options is None or options.retry is None else options.retry


def by_policy(
    messages: Sequence[Message], usual: Retry, send: Sending[EffectT, AnswerT]
) -> Generator[EffectT, AnswerT, list[Outcome]]:
    """Send messages in order, each under its own policy; those that follow one another under the same one together.

    What could not be sent for the moment may be sent again by somebody, so nothing overtakes it: what follows on one
    of its channels under another policy has its error.
    """
    for message in messages:
        if message.options is not None:
            return _in_stretches(messages, usual, send)
    return send(messages, usual)


def _in_stretches(
    messages: Sequence[Message], usual: Retry, send: Sending[EffectT, AnswerT]
) -> Generator[EffectT, AnswerT, list[Outcome]]:
    outcomes: dict[int, Outcome] = {}
    unsent: dict[str, DeliveryError] = {}
    for retry, stretch in groupby(enumerate(messages), key=lambda pair: policy_of(pair[1], usual)):
        going: list[int] = []
        for index, message in stretch:
            error = next((unsent[name] for name in message.channels if name in unsent), None)
            if error is None:
                going.append(index)
            else:
                outcomes[index] = _unsent(error)
                unsent.update(dict.fromkeys(message.channels, error))
        sent = yield from send([messages[index] for index in going], retry)
        for index, outcome in zip(going, sent, strict=True):
            outcomes[index] = outcome
            if isinstance(outcome, DeliveryError) and outcome.retryable:
                unsent.update(dict.fromkeys(messages[index].channels, outcome))
    return [outcomes[index] for index in range(len(messages))]


def _unsent(error: DeliveryError) -> DeliveryError:
    other = error.twin()
    other.delivered = ()
    return other
