"""What the API takes and answers. Only these fields are read, so that nobody sets what is not his to set."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from examples.marketplace.events import MessageSent, Sender
from examples.marketplace.models import EMAIL, TITLE, Role

__all__ = [
    "Account",
    "ConversationView",
    "Credentials",
    "Draft",
    "FirstWords",
    "History",
    "ListingDraft",
    "ListingPage",
    "ListingView",
    "SignedIn",
    "plain",
]

LONGEST_MESSAGE = 2_000
LONGEST_DESCRIPTION = 4_000
HIGHEST_PRICE = 100_000_000
KEPT_CONTROLS = "\n\t"
TURNS_AROUND = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def plain(text: str) -> str:
    """Leave out what no text has: control characters, halves of pairs, and what turns a line around."""
    return "".join(char for char in text if _is_text(char)).strip()


def _is_text(char: str) -> bool:
    return char in KEPT_CONTROLS or (unicodedata.category(char) not in {"Cc", "Cs"} and char not in TURNS_AROUND)


def _plain(value: object) -> object:
    return plain(value) if isinstance(value, str) else value


def one_line(text: str) -> str:
    return " ".join(text.split())


Words = Annotated[str, BeforeValidator(_plain), Field(min_length=1, max_length=LONGEST_MESSAGE)]
Line = Annotated[str, BeforeValidator(_plain), AfterValidator(one_line), Field(min_length=1, max_length=TITLE)]


class Taken(BaseModel):
    """What clients send: anything besides is refused."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Credentials(Taken):
    email: Annotated[str, BeforeValidator(_plain), Field(max_length=EMAIL)]
    password: str = Field(max_length=200)


class Account(Shown):
    id: int
    name: str
    email: str
    role: Role


class SignedIn(BaseModel):
    token: str
    expires_at: datetime
    user: Account


class ListingDraft(Taken):
    title: Line
    category: Line = Field(max_length=40)
    description: Annotated[str, BeforeValidator(_plain), Field(min_length=1, max_length=LONGEST_DESCRIPTION)]
    price_cents: int = Field(ge=0, le=HIGHEST_PRICE)


class ListingView(Shown):
    id: int
    title: str
    category: str
    description: str
    price_cents: int
    created_at: datetime
    seller: Sender


class ListingPage(BaseModel):
    data: list[ListingView]
    next_before: int | None


class FirstWords(Taken):
    listing_id: int
    content: Words


class Draft(Taken):
    content: Words


class ConversationView(BaseModel):
    id: int
    listing: ListingView
    buyer: Sender
    seller: Sender
    last_message: MessageSent | None
    unread: int
    updated_at: datetime


class History(BaseModel):
    """Messages in the order in which they were sent; `next_before` asks for those before them."""

    data: list[MessageSent]
    next_before: int | None
