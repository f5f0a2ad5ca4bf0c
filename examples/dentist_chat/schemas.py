"""What goes in and out over HTTP. A message is not here: its schema is the event's, `MessageSent`."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from broadcastkit.drivers.base import ClientOptions
from examples.dentist_chat.events import MessageSent
from examples.dentist_chat.models import MAX_ID, Consultation, Role, TreatmentPlan, User

__all__ = [
    "DRAFT_BODY",
    "ConsultationView",
    "Credentials",
    "DeviceToken",
    "Draft",
    "FcmToken",
    "History",
    "Marked",
    "Page",
    "PlanDraft",
    "PlanView",
    "Reading",
    "SignedIn",
    "Start",
    "Typing",
    "UserView",
]

# Characters, of which each takes up to four bytes: with the rest, below the 10,240 that Pusher takes.
LONGEST_MESSAGE = 2_000
_EMAIL = r"^[^@\s\x00-\x1f]{1,100}@[^@\s\x00-\x1f]{1,100}$"


def _readable(value: object) -> object:
    """Drop control characters, which nobody sees; replace halves of surrogate pairs, which UTF-8 does not carry."""
    if not isinstance(value, str):
        return value
    whole = value.encode(errors="replace").decode()
    return "".join(c for c in whole if c in "\n\t" or unicodedata.category(c) != "Cc")


Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_MESSAGE), BeforeValidator(_readable)]


def _not_empty(text: str) -> str:
    if not text:
        raise ValueError("must not be empty")
    return text


class Credentials(BaseModel):
    email: Annotated[str, StringConstraints(strip_whitespace=True, pattern=_EMAIL)]
    # longer ones cost time, and nobody types them
    password: Annotated[str, StringConstraints(min_length=1, max_length=200)]


FcmToken = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_:.-]{1,300}$")]


class DeviceToken(BaseModel):
    token: FcmToken


class Draft(BaseModel):
    """What the guide has: `message`, `type` and, as a file beside them, `attachment`. Anything else is ignored."""

    message: Text = ""
    type: Literal["text", "file", "image"] | None = None


_DRAFT = Draft.model_json_schema()
_FILE = {"type": "string", "format": "binary", "description": "A PNG, JPEG, GIF or WebP image, or a PDF"}
_FORM = {**_DRAFT, "properties": {**_DRAFT["properties"], "attachment": _FILE}}
DRAFT_BODY: dict[str, Any] = {
    "required": True,
    "content": {"multipart/form-data": {"schema": _FORM}, "application/json": {"schema": _DRAFT}},
}
"""A draft's two forms, for /openapi.json: the route reads its body itself."""


class Reading(BaseModel):
    message_ids: Annotated[list[Annotated[int, Field(ge=1, le=MAX_ID)]], Field(max_length=500)] | None = None
    """All of the conversation's, if it is empty."""


class Typing(BaseModel):
    typing: bool


class PlanDraft(BaseModel):
    summary: Annotated[Text, AfterValidator(_not_empty)]


class Page(BaseModel):
    page: Annotated[int, Field(ge=1, le=100_000)] = 1
    per_page: Annotated[int, Field(ge=1, le=100)] = 20


class UserView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    role: Role


class SignedIn(BaseModel):
    token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_at: datetime
    user: UserView


class ConsultationView(BaseModel):
    id: int
    subject: str
    patient: UserView
    doctor: UserView
    created_at: datetime
    unread_count: int = 0
    last_message: MessageSent | None = None

    @classmethod
    def of(cls, consultation: Consultation, **more: Any) -> ConsultationView:
        return cls(
            id=consultation.id,
            subject=consultation.subject,
            patient=UserView.model_validate(consultation.patient),
            doctor=UserView.model_validate(consultation.doctor),
            created_at=consultation.created_at,
            **more,
        )


class History(BaseModel):
    """One page of messages, the newest first, with the words of Laravel's paginator."""

    data: list[MessageSent]
    current_page: int
    per_page: int
    last_page: int
    total: int


class Marked(BaseModel):
    message_ids: list[int]
    read_at: datetime


class PlanView(BaseModel):
    id: int
    consultation_id: int
    summary: str
    status: str
    submitted_at: datetime
    accepted_at: datetime | None

    @classmethod
    def of(cls, plan: TreatmentPlan) -> PlanView:
        return cls.model_validate(plan, from_attributes=True)


class Start(BaseModel):
    """What a page begins with."""

    me: UserView
    consultations: list[ConsultationView]
    open: int | None
    live: ClientOptions

    @classmethod
    def of(cls, user: User, consultations: list[ConsultationView], opened: int | None, live: ClientOptions) -> Start:
        return cls(me=UserView.model_validate(user), consultations=consultations, open=opened, live=live)
