"""What goes in and out over HTTP. What comes in has these fields and no others."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from broadcastkit.drivers.base import ClientOptions
from examples.team_rooms.models import MessageType, RoomMessage, Upload
from examples.team_rooms.roles import Role
from examples.team_rooms.rules import MOST

__all__ = [
    "ActivityPage",
    "ActivityView",
    "Change",
    "Draft",
    "Invitation",
    "ListedRoom",
    "LiveView",
    "MemberView",
    "MessagePage",
    "MessageView",
    "NewRoom",
    "Posted",
    "Query",
    "ReactionForm",
    "ReadForm",
    "RoomDetails",
    "RoomView",
    "SessionView",
    "SignInForm",
    "StandingView",
    "message_view",
]

# Characters, of which each takes up to four bytes: with the rest, below the 10,240 that Pusher takes.
LONGEST_MESSAGE = 2_000


def _readable(value: object) -> object:
    """Drop control characters, which nobody sees; replace halves of surrogate pairs, which UTF-8 does not carry."""
    if not isinstance(value, str):
        return value
    whole = value.encode(errors="replace").decode()
    return "".join(c for c in whole if c in "\n\t" or unicodedata.category(c) != "Cc")


def _visible(text: str) -> str:
    """Refuse what has only spaces, and characters without width."""
    if all(unicodedata.category(c)[0] in "CZ" for c in text):
        raise PydanticCustomError("visible", "there is nothing to be seen in it")
    return text


Readable = BeforeValidator(_readable)
Visible = AfterValidator(_visible)
Email = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, max_length=255), Readable]
RowId = Annotated[int, Field(ge=1, le=MOST)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


# -- in --------------------------------------------------------------------------------------------------------------


class SignInForm(_Form):
    email: Email
    password: Annotated[str, StringConstraints(max_length=200)] = Field(repr=False)


class NewRoom(_Form):
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60), Readable, Visible]
    description: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), Readable] = ""
    is_open: bool = True


class Draft(_Form):
    message: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_MESSAGE), Readable, Visible
    ]


class ReactionForm(_Form):
    emoji: Literal["👍", "❤️", "😂", "🎉", "👀", "✅"]
    is_on: bool


class ReadForm(_Form):
    message_id: RowId


class Invitation(_Form):
    email: Email
    role: Role = "member"


class Change(_Form):
    role: Role


class Query(_Form):
    """Which part of a history: what came before an id, newest first; with `q`, what has these words."""

    before: RowId | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 30
    q: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100), Readable] = ""


# -- out -------------------------------------------------------------------------------------------------------------


class PersonView(_View):
    id: int
    name: str
    email: str


class Account(BaseModel):
    """An account of the demo."""

    name: str
    email: str
    password: str


class SessionView(_View):
    csrf_token: str
    user: PersonView | None
    accounts: list[Account] = []


class LiveView(_View):
    """What pusher-js connects with."""

    options: ClientOptions


class MemberView(_View):
    user_id: int
    user_name: str
    role: Role
    is_online: bool
    last_seen: datetime | None
    last_read_id: int


class RoomView(_View):
    """A room; `role` is one's own in it, None for a room that one may join."""

    id: int
    name: str
    description: str
    is_open: bool
    is_private: bool
    role: Role | None = None


class StandingView(_View):
    """How far one has read in a room: 0 everywhere in a room that one may join."""

    last_read_id: int
    unread_count: int
    last_message_id: int


class ListedRoom(RoomView, StandingView):
    """A room in the list."""


class RoomDetails(RoomView):
    members: list[MemberView]


class UploadView(_View):
    id: int
    name: str
    content_type: str
    size: int
    url: str
    thumbnail_url: str | None
    width: int | None
    height: int | None


class MessageView(_View):
    """A message as the event has it, and what only members may know: who sent it, and the file."""

    id: int
    room_id: int
    sender_id: int
    sender_role: Role
    sender_name: str
    message: str
    type: MessageType
    created_at: datetime
    upload: UploadView | None = None
    reactions: dict[str, list[str]] = {}
    """Who has reacted how: names by emoji."""


class ActivityView(_View):
    id: int
    room_id: int
    action: str
    user_name: str
    role: str
    description: str
    timestamp: datetime


class MessagePage(BaseModel):
    """Messages, oldest first, and whether there are older ones."""

    messages: list[MessageView]
    more: bool


class ActivityPage(BaseModel):
    activities: list[ActivityView]
    more: bool


class Posted(BaseModel):
    """What one has just written: others hear of it by events, the window that wrote it by this answer."""

    messages: list[MessageView]
    activity: ActivityView


def message_view(message: RoomMessage) -> MessageView:
    fields = {name: getattr(message, name) for name in MessageView.model_fields if name not in {"reactions", "upload"}}
    upload = _upload_view(message.upload) if message.upload else None
    return MessageView(**fields, upload=upload, reactions=message.reactions_by_emoji())


def _upload_view(upload: Upload) -> UploadView:
    url = f"/api/files/{upload.id}"
    fields = {name: getattr(upload, name) for name in UploadView.model_fields if not name.endswith("url")}
    return UploadView(**fields, url=url, thumbnail_url=f"{url}/thumbnail" if upload.is_image else None)
