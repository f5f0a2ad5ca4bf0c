"""What goes in and out over HTTP. A message is not here: its schema is the event's, `MessageSent`."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

from broadcastkit import MessageSent
from broadcastkit.drivers.base import ClientOptions

__all__ = ["ConversationView", "Draft", "PersonView", "SignIn", "SignedIn", "Start", "Typing"]

# Characters, of which each takes up to four bytes in a request: with the rest, below the 10,000 that Reverb takes.
LONGEST_MESSAGE = 2_000


class PersonView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str


class ConversationView(BaseModel):
    id: int
    person: PersonView
    messages: list[MessageSent]


class Start(BaseModel):
    me: PersonView
    conversations: list[ConversationView]
    live: ClientOptions
    """What Laravel Echo connects with."""


class SignIn(BaseModel):
    person_id: int


class SignedIn(BaseModel):
    token: str


def _readable(value: object) -> object:
    """Drop control characters, which nobody sees; replace halves of surrogate pairs, which UTF-8 does not carry."""
    if not isinstance(value, str):
        return value
    whole = value.encode(errors="replace").decode()
    return "".join(c for c in whole if c in "\n\t" or unicodedata.category(c) != "Cc")


class Draft(BaseModel):
    content: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_MESSAGE),
        BeforeValidator(_readable),
    ]


class Typing(BaseModel):
    typing: bool
