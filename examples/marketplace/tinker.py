"""The guide's `php artisan tinker`: broadcast a message of the database again.

$ python -m examples.marketplace.tinker              # the first one
$ python -m examples.marketplace.tinker --message 7
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping

from prometheus_client import CollectorRegistry
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from broadcastkit import Receipt, configure
from broadcastkit.aio import broadcast
from broadcastkit.errors import BroadcastError, ConfigurationError
from broadcastkit.observability.prometheus import PrometheusHooks
from examples.marketplace.__main__ import for_the_demo, log_as_asked
from examples.marketplace.database import connect, sessions_of
from examples.marketplace.events import MessageSent
from examples.marketplace.live import connect_live
from examples.marketplace.models import Message
from examples.marketplace.settings import Settings

__all__ = ["main", "tinker"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--message", type=int, help="its id; the first one without")
    try:
        print(asyncio.run(tinker(for_the_demo(os.environ), parser.parse_args().message)))
    except BroadcastError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def tinker(environ: Mapping[str, str], number: int | None) -> str:
    settings = Settings.from_env(environ)
    if settings.driver is None:
        raise ConfigurationError(
            "is not set: the server is inside the running application, where this process cannot reach it",
            setting="BROADCAST_DRIVER",
        )
    log_as_asked(settings)
    engine = connect(settings.database_url)
    sessions = sessions_of(engine)
    live = connect_live(settings, environ, sessions, PrometheusHooks(CollectorRegistry()))
    configure(live.broadcaster)
    async with live.broadcaster, sessions() as db:
        message = await find_message(db, number)
        receipt = await broadcast(MessageSent(message)).to_everyone()
    await engine.dispose()
    return describe(receipt)


async def find_message(db: AsyncSession, number: int | None) -> Message:
    wanted = select(Message).order_by(Message.id).limit(1)
    message = await db.scalar(wanted if number is None else wanted.where(Message.id == number))
    if message is None:
        raise ConfigurationError("there is no such message in the database", setting="--message")
    return message


def describe(receipt: Receipt) -> str:
    if receipt.error is not None:
        raise receipt.error
    what = "queued" if receipt.queued else "sent"
    return f"{receipt.event}: {what} to {', '.join(receipt.channels)}"


if __name__ == "__main__":
    sys.exit(main())
