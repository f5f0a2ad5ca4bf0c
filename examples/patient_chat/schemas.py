"""What goes in and out: the names on the wire are the guide's, camelCase and `_id`."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import (
    AliasGenerator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    model_validator,
)
from pydantic.alias_generators import to_camel

from examples.patient_chat.ids import ID
from examples.patient_chat.models import Availability, MessageType, Role

__all__ = [
    "WIRE",
    "ConversationView",
    "Draft",
    "LastMessageView",
    "MessageView",
    "Paging",
    "Registration",
    "SignIn",
    "StatusAsked",
    "StatusChange",
    "Timestamp",
    "ToDoctor",
    "ToPatient",
    "ToReceiver",
    "ToSender",
    "Typing",
    "UserView",
    "dump",
    "iso",
    "readable",
]

LONGEST_MESSAGE = 4_000
WIRE = AliasGenerator(serialization_alias=to_camel)


def iso(moment: datetime | None) -> str | None:
    """Write `2024-01-15T10:30:00.000Z`, as JavaScript's `toJSON()` does."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Timestamp = Annotated[datetime, PlainSerializer(iso, when_used="json")]


# -- out ---------------------------------------------------------------------------------------------------------------


class View(BaseModel):
    model_config = ConfigDict(from_attributes=True, alias_generator=WIRE)


class UserView(View):
    id: str = Field(serialization_alias="_id")
    fullname: str
    email: str
    role: Role


class MessageView(View):
    id: str = Field(serialization_alias="_id")
    sender: UserView
    receiver: UserView
    content: str
    message_type: MessageType
    file_url: str | None
    file_name: str | None
    is_read: bool
    created_at: Timestamp


class LastMessageView(View):
    content: str
    message_type: MessageType
    created_at: Timestamp
    sender: str


class ConversationView(View):
    conversation_id: str
    other_user: UserView
    last_message: LastMessageView
    unread_count: int


# -- in ----------------------------------------------------------------------------------------------------------------


def readable(value: object) -> object:
    """Drop control characters, which nobody sees; replace halves of surrogate pairs, which UTF-8 does not carry."""
    if not isinstance(value, str):
        return value
    whole = value.encode(errors="replace").decode()
    return "".join(c for c in whole if c in "\n\t" or unicodedata.category(c) != "Cc")


def _one_line(value: object) -> object:
    return " ".join(str(readable(value)).split()) if isinstance(value, str) else value


Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_MESSAGE), BeforeValidator(readable)]
Id = Annotated[str, StringConstraints(pattern=f"^{ID.pattern}$")]
EMAIL = r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+\.[^@\s\x00-\x1f\x7f]+$"
Email = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, max_length=254, pattern=EMAIL)]


class Form(BaseModel):
    """What somebody sends: a field that nobody asked for, such as `role` or `senderId`, is an error."""

    model_config = ConfigDict(extra="forbid", alias_generator=AliasGenerator(validation_alias=to_camel))


class SignIn(Form):
    email: Email
    password: Annotated[str, StringConstraints(max_length=200)]


class Registration(Form):
    fullname: Annotated[str, StringConstraints(min_length=1, max_length=100), BeforeValidator(_one_line)]
    email: Email
    password: Annotated[str, StringConstraints(min_length=10, max_length=200)]


class Draft(Form):
    """A message that somebody wants to send."""

    content: Text = ""
    message_type: MessageType = MessageType.TEXT
    file_url: Annotated[str, StringConstraints(max_length=200)] | None = None
    file_name: Annotated[str, StringConstraints(max_length=200), BeforeValidator(_one_line)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.message_type is MessageType.TEXT:
            if not self.content:
                raise ValueError("content must not be empty")
            if self.file_url is not None or self.file_name is not None:
                raise ValueError("fileUrl and fileName go with messageType 'file' or 'image'")
        elif self.file_url is None:
            raise ValueError(f"messageType {self.message_type.value!r} needs a fileUrl: upload it first")
        return self


class ToReceiver(Draft):
    receiver_id: Id


class ToDoctor(Draft):
    doctor_id: Id


class ToPatient(Form):
    message: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_MESSAGE),
        BeforeValidator(readable),
    ]


class ToSender(Form):
    sender_id: Id


class Typing(Form):
    receiver_id: Id


class StatusChange(Form):
    status: Availability


class StatusAsked(Form):
    user_ids: Annotated[list[Id], Field(max_length=100)]


class Paging(BaseModel):
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    skip: Annotated[int, Field(ge=0, le=1_000_000)] = 0


def dump(view: BaseModel) -> dict[str, Any]:
    """Return what is written as JSON."""
    return view.model_dump(mode="json", by_alias=True)
