"""What happens when nobody is there to hear it: an email, and a push notification to each phone.

They say that there is something and where, and not what: a mailbox and a lock screen are no place for a diagnosis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from broadcastkit.channels import UserChannel
from broadcastkit.errors import DeviceGoneError
from broadcastkit.offline import Fallbacks, Missed
from broadcastkit.offline.email import Mailer
from broadcastkit.offline.push import Fcm, PushSender
from examples.dentist_chat.database import blocking_engine
from examples.dentist_chat.events import MessageSent, PlanAccepted, PlanSubmitted
from examples.dentist_chat.fcm_token import ServiceAccount
from examples.dentist_chat.models import Device, User
from examples.dentist_chat.settings import Settings

__all__ = ["Notice", "Notifications", "notice_of"]

EVENTS = (MessageSent, PlanSubmitted, PlanAccepted)


@dataclass(frozen=True)
class Notice:
    title: str
    text: str
    consultation_id: int


def notice_of(event: str, payload: Mapping[str, Any]) -> Notice:
    match event:
        case "message.sent":
            title = f"New message from {payload['sender']['name']}"
            return Notice(title, "Open AskDentist to read it.", payload["conversation_id"])
        case "plan.submitted":
            text = "Your doctor has submitted a treatment plan. Open AskDentist to read and accept it."
            return Notice("A treatment plan for you", text, payload["consultation_id"])
        case _:
            text = "Your patient has accepted the treatment plan."
            return Notice("Your treatment plan was accepted", text, payload["consultation_id"])


class Notifications:
    """The fallbacks for the application's broadcaster, and for its worker's."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self.fallbacks = Fallbacks()
        self._url = settings.app_url.rstrip("/")
        # blocking, as what sends is: it runs in the worker, or in a thread of the application
        self._engine = blocking_engine(settings.blocking_database)
        self._fcm: Fcm | None = None
        if settings.mail_host is not None:
            self._email_with(Mailer.from_env(environ, sender=settings.mail_from_address))
        if settings.fcm_credentials is not None:
            account = ServiceAccount(settings.fcm_credentials)
            self._fcm = Fcm(account.project, account, endpoint=settings.fcm_endpoint)
            self._push_with(self._fcm)

    def _email_with(self, mailer: Mailer) -> None:
        @self.fallbacks.when_offline(UserChannel, *EVENTS, name="email")
        def email(missed: Missed[UserChannel]) -> None:
            notice = notice_of(missed.event, missed.payload)
            with Session(self._engine) as session:
                address = session.scalar(select(User.email).where(User.id == missed.channel.user_id))
            if address is not None:
                text = f"{notice.text}\n\n{self._url}/chat/conversation/{notice.consultation_id}\n"
                mailer.send(to=address, subject=notice.title, text=text, id=missed.id)

    def _push_with(self, sender: PushSender) -> None:
        @self.fallbacks.when_offline(UserChannel, *EVENTS, name="push")
        def push(missed: Missed[UserChannel]) -> None:
            notice = notice_of(missed.event, missed.payload)
            data = {"event": missed.event, "consultation_id": str(notice.consultation_id)}
            with Session(self._engine) as session:
                of_user = select(Device.token).where(Device.user_id == missed.channel.user_id).order_by(Device.id)
                for token in session.scalars(of_user).all():
                    try:
                        sender.send(to=token, title=notice.title, text=notice.text, data=data, id=missed.id)
                    except DeviceGoneError:
                        session.execute(delete(Device).where(Device.token == token))
                        session.commit()

    async def aclose(self) -> None:
        if self._fcm is not None:
            self._fcm.close()
