"""A process that writes facts and events in one transaction each, until it is killed or has written all.

Announces each transaction while it is open, so that whoever kills it can do so right then.
"""

from __future__ import annotations

import random
import sys

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from broadcastkit import AnonymousEvent, Broadcaster
from broadcastkit.delivery.outbox import Outbox
from broadcastkit.drivers.null import NullDriver


def main(url: str, name: str, count: int) -> None:
    engine = create_engine(url)
    broadcaster = Broadcaster(NullDriver(), delivery=Outbox())
    dice = random.Random(name)
    number = 0
    for _ in range(count):
        with Session(engine) as session:
            for _ in range(dice.choice([1, 1, 2, 5])):
                number += 1
                session.execute(text("INSERT INTO facts VALUES (:fact)"), {"fact": f"{name} {number}"})
                channels = ["everybody", f"only-{name}"][: dice.choice([1, 2])]
                event = AnonymousEvent("fact", {"writer": name, "number": number}, on=channels)
                broadcaster.broadcast(event).after_commit(session).to_everyone()
            print("inside", flush=True)
            if dice.random() < 0.2:
                session.rollback()
            else:
                session.commit()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
