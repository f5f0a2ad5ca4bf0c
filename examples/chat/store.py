"""People, conversations and messages, in memory. A real app has tables here; the rest of the chat stays as it is."""

from __future__ import annotations

import itertools
import secrets
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

__all__ = ["Conversation", "Message", "Person", "Store"]

KEPT_MESSAGES = 200
KEPT_TOKENS = 1_000


@dataclass(eq=False)
class Person:
    id: int
    name: str
    conversations: dict[int, Conversation] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Message:
    """Has what `MessageSent` reads: `MessageSent(message)` is all that the views need."""

    id: int
    conversation_id: int
    sender: Person
    recipient: Person
    content: str
    created_at: datetime

    @property
    def sender_id(self) -> int:
        return self.sender.id

    @property
    def recipient_id(self) -> int:
        return self.recipient.id


@dataclass(eq=False)
class Conversation:
    id: int
    members: tuple[Person, Person]
    messages: deque[Message] = field(default_factory=lambda: deque(maxlen=KEPT_MESSAGES), repr=False)

    def other(self, person: Person) -> Person:
        """Return whom `person` talks with here."""
        first, second = self.members
        return second if person is first else first


class Store:
    """Everyone talks with everyone else, in a conversation of their own."""

    def __init__(self, names: Iterable[str]) -> None:
        self.people = {number: Person(number, name) for number, name in enumerate(names, 1)}
        self._message_ids = itertools.count(1)
        self._tokens: dict[str, Person] = {}
        for number, pair in enumerate(itertools.combinations(self.people.values(), 2), 1):
            conversation = Conversation(number, pair)
            for person in pair:
                person.conversations[number] = conversation

    def add_message(self, conversation: Conversation, sender: Person, content: str) -> Message:
        message = Message(
            next(self._message_ids), conversation.id, sender, conversation.other(sender), content, datetime.now(UTC)
        )
        conversation.messages.append(message)
        return message

    # -- who is asking: an opaque token for each window -------------------------------------------------------------

    def sign_in(self, person: Person) -> str:
        token = secrets.token_urlsafe()
        self._tokens[token] = person
        if len(self._tokens) > KEPT_TOKENS:
            # the oldest: anyone may sign in, so without a bound anyone could fill the memory
            del self._tokens[next(iter(self._tokens))]
        return token

    def sign_out(self, token: str) -> None:
        self._tokens.pop(token, None)

    def person_for(self, token: str) -> Person | None:
        return self._tokens.get(token)
