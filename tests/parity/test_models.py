"""Models that broadcast, and notifications: here both are events that read a row."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from broadcastkit import Broadcaster, Event, NotificationSent, PrivateChannel
from broadcastkit.channels import UserChannel
from broadcastkit.drivers.memory import MemoryDriver
from broadcastkit.drivers.pusher import PusherDriver
from tests.parity.tools import kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.interop.clients import EchoClient
    from tests.interop.servers import PusherServer

# Framework's `BroadcastNotificationCreated`, which `Echo.private(…).notification(…)` listens to
LARAVEL = r"Illuminate\Notifications\Events\BroadcastNotificationCreated"


class Base(DeclarativeBase):
    pass


class Post(Base):
    __tablename__ = "posts"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    internal_note: Mapped[str] = mapped_column(default="not for browsers")


class PostChannel(PrivateChannel, pattern="App.Models.Post.{id}"):
    """As Laravel names the channel of a model."""

    id: int


class PostUpdated(Event, name="PostUpdated"):
    id: int
    title: str

    def broadcast_on(self) -> Any:
        return PostChannel(id=self.id)


class PostDeleted(PostUpdated, name="PostDeleted"):
    pass


@pytest.fixture
def session() -> Iterator[Session]:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()


def test_broadcasts_events(session: Session) -> None:
    """Name and channel as Laravel's; of the row the declared fields, where Laravel sends `model` and three nulls."""
    post = Post(id=7, title="hello")
    session.add(post)
    session.flush()
    driver = MemoryDriver()

    Broadcaster(driver).broadcast(PostUpdated(post)).to_others()

    assert kept(driver) == [("PostUpdated", ("private-App.Models.Post.7",), {"id": 7, "title": "hello"})]


def test_deleted_models(session: Session) -> None:
    """An event holds what it has read: it can be sent when the row is gone."""
    post = Post(id=7, title="hello")
    session.add(post)
    session.commit()
    deleted = PostDeleted(post)
    session.delete(post)
    session.commit()
    driver = MemoryDriver()

    Broadcaster(driver).broadcast(deleted).to_others()

    assert kept(driver) == [("PostDeleted", ("private-App.Models.Post.7",), {"id": 7, "title": "hello"})]


def test_broadcasts_events_after_commit(session: Session) -> None:
    """Told by the ORM, of every change and after the outermost commit; of what is rolled back nothing."""
    driver = MemoryDriver()
    broadcaster = Broadcaster(driver)

    @event.listens_for(session, "after_flush")
    def tell(session: Session, _: object) -> None:
        for happened, rows in ((PostUpdated, session.dirty), (PostDeleted, session.deleted)):
            for row in rows:
                broadcaster.broadcast(happened(row)).after_commit(session).to_others()

    post = Post(id=7, title="hello")
    session.add(post)
    session.commit()
    post.title = "never mind"
    session.flush()
    session.rollback()
    post.title = "hello, all"
    session.flush()
    before = len(driver.messages)
    session.commit()
    session.delete(post)
    session.commit()

    assert before == 0
    assert kept(driver) == [
        ("PostUpdated", ("private-App.Models.Post.7",), {"id": 7, "title": "hello, all"}),
        ("PostDeleted", ("private-App.Models.Post.7",), {"id": 7, "title": "hello, all"}),
    ]


@pytest.mark.parametrize(("end", "sent"), [(Session.commit, 1), (Session.rollback, 0)])
def test_after_commit(end: Callable[[Session], None], sent: int, session: Session) -> None:
    """As an option of the event's class; the broadcaster knows whose transaction that is."""

    class Committed(PostUpdated, after_commit=True):
        pass

    driver = MemoryDriver()
    post = Post(id=7, title="hello")
    session.add(post)
    session.flush()

    receipt = Broadcaster(driver, transaction=lambda: session).broadcast(Committed(post)).to_everyone()
    before = len(driver.messages)
    end(session)

    assert (receipt.queued, before, len(driver.messages)) == (True, 0, sent)


def test_has_broadcast_channel() -> None:
    assert PostChannel(id=7).name == "private-App.Models.Post.7"
    assert PostChannel.parse("private-App.Models.Post.7") == PostChannel(id=7)


# -- notifications ---------------------------------------------------------------------------------------------------


class Notified(NotificationSent, name=LARAVEL):
    """As Laravel calls every notification on the wire."""


def invoice_paid(cls: type[NotificationSent] = NotificationSent) -> NotificationSent:
    return cls(
        id="6a1f",
        type="invoice.paid",
        title="Paid",
        message="Invoice 7 was paid.",
        data={"invoice_id": 7},
        created_at=datetime(2026, 11, 20, tzinfo=UTC),
        user_id=1,
    )


def told(event: NotificationSent, *on: str) -> tuple[str, tuple[str, ...], Any]:
    driver = MemoryDriver()
    pending = Broadcaster(driver).broadcast(event)
    (pending.on(*on) if on else pending).to_everyone()
    return kept(driver)[0]


def test_broadcast_notifications() -> None:
    """On the user's channel, with `id` and `type` beside the rest, as Laravel has them; not who it is for."""
    name, channels, payload = told(invoice_paid())

    assert (name, channels) == ("notification.sent", (UserChannel(user_id=1).name,))
    assert set(payload) == {"id", "type", "title", "message", "data", "created_at"}


def test_broadcast_type() -> None:
    assert told(invoice_paid())[2]["type"] == "invoice.paid"


def test_receives_broadcast_notifications_on() -> None:
    class Elsewhere(NotificationSent):
        def broadcast_on(self) -> Any:
            return PrivateChannel(f"App.Models.User.{self.user_id}")

    assert told(invoice_paid(Elsewhere))[1] == ("private-App.Models.User.1",)
    # Laravel's on-demand `route('broadcast', …)`
    assert told(invoice_paid(), "private-accounting")[1] == ("private-accounting",)


@pytest.mark.real
def test_echo_notification(soketi: PusherServer, echo_js: Callable[[], EchoClient]) -> None:
    """A page with Echo's `.notification(…)` needs no change: one line names the event as Laravel does."""
    echo = echo_js()
    echo.connect(soketi)
    echo.channel("notices")
    echo.listen_for_notifications("notices")

    with Broadcaster(PusherDriver.from_url(soketi.url, profile="soketi")) as broadcaster:
        broadcaster.broadcast(invoice_paid(Notified)).on("notices").to_everyone()

    heard = echo.next_event()["data"]
    assert (heard["type"], heard["data"]) == ("invoice.paid", {"invoice_id": 7})
