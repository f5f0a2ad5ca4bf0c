"""What the demo shows at once: people, things for sale, and what they have said so far."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from argon2 import PasswordHasher
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from examples.marketplace.models import Conversation, Listing, Message, Role, User, now
from examples.marketplace.passwords import hash_password

__all__ = ["DEMO_ACCOUNTS", "DEMO_PASSWORD", "DemoAccount", "seed"]

DEMO_PASSWORD = "envisage-demo"


class DemoAccount(BaseModel):
    name: str
    email: str
    role: Role
    password: str = DEMO_PASSWORD


DEMO_ACCOUNTS = [
    DemoAccount(name="Ada Lind", email="ada@envisage.test", role=Role.SELLER),
    DemoAccount(name="Ben Okafor", email="ben@envisage.test", role=Role.BUYER),
    DemoAccount(name="Cleo Marchetti", email="cleo@envisage.test", role=Role.BUYER),
    DemoAccount(name="Dev Patel", email="dev@envisage.test", role=Role.SELLER),
    DemoAccount(name="Root", email="admin@envisage.test", role=Role.ADMIN),
]


class Thing(NamedTuple):
    seller: str
    title: str
    category: str
    price_cents: int
    description: str


THINGS = [
    Thing("Ada", "Walnut reading chair", "Furniture", 24_000, "Solid walnut, new linen cover. One armrest shows age."),
    Thing("Dev", "Film camera, 35 mm", "Cameras", 13_500, "Light meter works, shutter serviced last spring."),
    Thing("Ada", "Brass desk lamp", "Lighting", 6_500, "From the sixties, rewired. The switch clicks nicely."),
    Thing("Dev", "Touring bicycle, 56 cm", "Bicycles", 48_000, "Steel frame, dynamo light, rack. Ridden to Lisbon."),
    Thing("Ada", "Oak bookshelf", "Furniture", 18_000, "Five shelves, 180 cm. Comes apart for the stairs."),
    Thing("Dev", "Record player", "Audio", 9_900, "New belt and needle. Plays 33 and 45."),
]

SAID = {
    ("Ben", "Walnut reading chair"): [
        ("Ben", "Hello! Is the chair still there?"),
        ("Ada", "It is. Would you like to see it?"),
        ("Ben", "Gladly. Would Saturday suit you?"),
    ],
    ("Cleo", "Walnut reading chair"): [("Cleo", "Hi, could you send it by post?")],
    ("Cleo", "Film camera, 35 mm"): [("Cleo", "Which lens does it come with?"), ("Dev", "A 50 mm, f/1.8.")],
}


async def seed(db: AsyncSession, hasher: PasswordHasher | None = None) -> bool:
    """Fill an empty database; return whether it was one."""
    if await db.scalar(select(User.id).limit(1)) is not None:
        return False
    hashed = hash_password(DEMO_PASSWORD) if hasher is None else hash_password(DEMO_PASSWORD, hasher)
    people = {
        one.name.split()[0]: User(name=one.name, email=one.email, role=one.role, password_hash=hashed)
        for one in DEMO_ACCOUNTS
    }
    db.add_all(people.values())
    await db.flush()
    listings = {thing.title: _listing(thing, people) for thing in THINGS}
    db.add_all(listings.values())
    await db.flush()
    for (buyer, title), said in SAID.items():
        await _talk(db, people, listings[title], people[buyer], said)
    await db.commit()
    return True


def _listing(thing: Thing, people: dict[str, User]) -> Listing:
    seller, title, category, price_cents, description = thing
    values = {"title": title, "category": category, "price_cents": price_cents, "description": description}
    return Listing(**values, seller_id=people[seller].id)


async def _talk(
    db: AsyncSession, people: dict[str, User], listing: Listing, buyer: User, said: list[tuple[str, str]]
) -> None:
    began = now() - timedelta(minutes=20)
    conversation = Conversation(
        listing_id=listing.id, buyer_id=buyer.id, seller_id=listing.seller_id, created_at=began, updated_at=began
    )
    db.add(conversation)
    await db.flush()
    for minute, (name, content) in enumerate(said):
        at = began + timedelta(minutes=minute)
        last = minute == len(said) - 1
        db.add(
            Message(
                conversation_id=conversation.id,
                sender_id=people[name].id,
                content=content,
                created_at=at,
                read_at=None if last else at,
            )
        )
        await db.flush()
        conversation.updated_at = at
