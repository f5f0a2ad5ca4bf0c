"""What the demo shows when it is started for the first time."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

from PIL import Image, ImageDraw
from sqlalchemy import func, select

from examples.team_rooms import accounts, files
from examples.team_rooms.models import Activity, Membership, Room, RoomMessage, Upload, User, db, utc_now

__all__ = ["ACCOUNTS", "PASSWORD", "fill"]

PASSWORD = "rooms-demo"
NAMES = ("Ann", "Ben", "Cleo", "Dan")
ACCOUNTS = [{"name": name, "email": f"{name.lower()}@example.org", "password": PASSWORD} for name in NAMES]

EVERYBODY = {"Ann": "owner", "Ben": "moderator", "Cleo": "member", "Dan": "guest"}
ROOMS: list[tuple[str, str, bool, dict[str, str]]] = [
    ("Harbor project", "The new ferry terminal", True, EVERYBODY),
    ("Lunch", "Where we go, and when", True, {"Ben": "owner", "Ann": "member"}),
    ("Board", "By invitation", False, {"Ann": "owner", "Cleo": "moderator"}),
]
SAID: dict[str, list[tuple[str, str | None]]] = {
    "Harbor project": [
        ("Cleo", "Good morning! The survey of the west quay is done."),
        ("Ann", "That was quick. Anything that worries you?"),
        ("Cleo", "Two piles need another look. Everything else is as in the drawings."),
        ("Ben", "I have sketched where the ramp would go then."),
        ("Ben", None),
        ("Ann", "Lovely. Let us show it to the city on Thursday."),
    ],
    "Lunch": [("Ben", "The noodle place at half past twelve?"), ("Ann", "With pleasure.")],
    "Board": [("Ann", "The budget for next year is in the folder. Please read it before Monday.")],
}


def fill(uploads: Path) -> None:
    """Add accounts, rooms and what was said in them, if there is nobody yet."""
    if db.session.scalar(select(User.id).limit(1)) is not None:
        return
    people = {one["name"]: accounts.add_user(one["email"], one["name"], one["password"]) for one in ACCOUNTS}
    db.session.flush()
    for name, description, is_open, roles in ROOMS:
        room = Room(name=name, description=description, is_open=is_open)
        came = utc_now() - timedelta(days=1)
        for person, role in roles.items():
            came += timedelta(minutes=1)
            room.members.append(Membership(user=people[person], role=role, joined_at=came))
        db.session.add(room)
        db.session.flush()
        _say(room, roles, people, uploads)
    db.session.commit()


def _say(room: Room, roles: dict[str, str], people: dict[str, User], uploads: Path) -> None:
    at = utc_now() - timedelta(hours=2)
    for person, text in SAID[room.name]:
        at += timedelta(minutes=7)
        sender = {"sender_id": people[person].id, "sender_name": person, "sender_role": roles[person]}
        what = {"room": room, "created_at": at, **sender}
        if text is None:
            kept = files.keep(uploads, "ramp-sketch.png", _sketch())
            upload = Upload(room_id=room.id, **vars(kept))
            description = f"{person} uploaded {kept.name}"
            db.session.add(RoomMessage(**what, message=description, type="system", upload=upload))
            db.session.add(RoomMessage(**what, message=kept.name, type="image", upload=upload))
            action = "file_uploaded"
        else:
            db.session.add(RoomMessage(**what, message=text))
            action, description = "message_sent", f"{person} wrote a message"
        db.session.add(
            Activity(
                room=room, action=action, user_name=person, role=roles[person], description=description, timestamp=at
            )
        )
        db.session.flush()  # in this order
        _read_up_to_here(room, people[person])


def _read_up_to_here(room: Room, reader: User) -> None:
    """Whoever writes has read what was there before."""
    newest = db.session.scalar(select(func.max(RoomMessage.id)).where(RoomMessage.room_id == room.id))
    for member in room.members:
        if member.user is reader:
            member.last_read_id = newest or 0


def _sketch() -> bytes:
    """Draw a ramp, a ferry and the sea."""
    picture = Image.new("RGB", (960, 600), "#f3ead8")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 400, 960, 600), fill="#7fb4c4")
    for y in range(430, 600, 34):
        draw.line([(x, y + 6 * (x // 40 % 2)) for x in range(0, 1000, 40)], fill="#5d97a9", width=4)
    draw.polygon([(0, 330), (300, 330), (520, 410), (520, 430), (0, 430)], fill="#b8a68a", outline="#5b4a33", width=4)
    draw.polygon([(530, 380), (910, 380), (860, 470), (570, 470)], fill="#fbfbf8", outline="#3a4a55", width=5)
    draw.rectangle((640, 300, 820, 380), fill="#e2573f", outline="#3a4a55", width=5)
    for x in range(660, 810, 40):
        draw.ellipse((x, 325, x + 22, 347), fill="#fbfbf8", outline="#3a4a55", width=3)
    draw.ellipse((90, 70, 190, 170), fill="#f2b632")
    written = io.BytesIO()
    picture.save(written, "PNG")
    return written.getvalue()
