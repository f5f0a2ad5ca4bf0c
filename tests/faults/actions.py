"""What can happen to a request, and the faults that are made of it: each with what callers are told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from tests.faults.proxy import Action, Talk, passed, refusing

__all__ = ["FAULTS", "REDIS_FAULTS", "REDIS_STORM", "STORM", "TIMES", "Fault", "answer", "late", "stalled_before"]

TIMES = 2
"""How many requests a fault spoils: fewer than a driver of the suite tries."""
PAGE = b"<!doctype html><title>502 Bad Gateway</title><h1>Bad Gateway</h1><hr>nginx"
RETRY_AFTER = 0.2
DRIP = 0.02
LATE = 0.1


async def reset_before(talk: Talk) -> None:
    """The service never hears of it."""
    talk.reset()


async def reset_instead(talk: Talk) -> None:
    """The service acts, and its answer is lost."""
    await talk.forward()
    talk.reset()


async def reset_inside(talk: Talk) -> None:
    said = await talk.forward()
    await talk.write(said[: len(said) // 2])
    talk.reset()


async def reset_after(talk: Talk) -> None:
    said = await talk.forward()
    await talk.write(said.replace(b"Connection: close\r\n", b""))
    talk.reset()


async def half_written(talk: Talk) -> None:
    """As where a balancer is reloaded: some of the body, and the end."""
    said = await talk.forward()
    await talk.write(said[:-4])
    talk.end()


async def stalled_before(talk: Talk) -> None:
    await talk.gone()


async def stalled_after(talk: Talk) -> None:
    await talk.forward()
    await talk.gone()


async def dripped(talk: Talk) -> None:
    """A byte at a time: each comes in time, and the whole does not."""
    for byte in await talk.forward():
        await talk.write(bytes([byte]))
        await asyncio.sleep(DRIP)
    talk.end()


async def closed_after(talk: Talk) -> None:
    """As Reverb: the answer, which does not say so, and the end."""
    said = await talk.forward()
    await talk.write(said.replace(b"Connection: close\r\n", b""))
    talk.end()


async def closed_before(talk: Talk) -> None:
    """The other side has closed what was kept, at the moment of the next request."""
    talk.end()


async def late(talk: Talk) -> None:
    """A busy service."""
    await asyncio.sleep(LATE)
    await passed(talk)


def answer(status: str, body: bytes, *fields: str) -> Action:
    """Answer in the service's place."""
    head = "\r\n".join([f"HTTP/1.1 {status}", *fields, f"Content-Length: {len(body)}", "\r\n"]).encode()

    async def answered(talk: Talk) -> None:
        await talk.write(head + body)

    return answered


JSON = "Content-Type: application/json"
HTML = "Content-Type: text/html"
too_many = answer("429 Too Many Requests", b'{"error":"slow down"}', JSON, f"Retry-After: {RETRY_AFTER}")
failed_500 = answer("500 Internal Server Error", b"", JSON)
failed_502 = answer("502 Bad Gateway", b"", JSON)
failed_503 = answer("503 Service Unavailable", b"", JSON)
page_502 = answer("502 Bad Gateway", PAGE, HTML)
page_200 = answer("200 OK", PAGE, HTML)
wrong_secret = answer("200 OK", b'{"error":"The secret authentication failed","code":401}', JSON)


class Fault(NamedTuple):
    """A fault as the page names it. `told` is what callers are told who do without a fallback, if anything.

    `acted`: the service may have had what is tried again or told of, so that it may arrive twice or be told in vain.
    """

    name: str
    script: Sequence[Action] = ()
    then: Action = passed
    told: str = ""
    acted: bool = False
    slow: bool = False
    """Callers wait for it: they do so for less time than elsewhere, and there are fewer of them."""
    refused: int = 0
    """How many connections are refused first; -1 for all."""
    falls_back: bool = False
    """Whether a fallback takes what is told otherwise."""

    def tells(self, delivery: str) -> set[str]:
        """Return the classes of the errors that are told of; an outbox keeps what it cannot deliver."""
        if delivery == "Outbox":
            return set() if self.script or not self.told else {"kept, waiting"}
        return set() if not self.told or (self.falls_back and delivery.startswith("Guarded")) else {self.told}


def _spoiling(name: str, action: Action, **fields: object) -> Fault:
    return Fault(name, [action] * TIMES, **fields)  # type: ignore[arg-type]


FAULTS: Sequence[Fault] = (
    Fault("none"),
    Fault("connection refused", refused=TIMES),
    Fault("connection refused, for good", refused=-1, told="ConnectError", falls_back=True),
    _spoiling("reset once connected", refusing),
    _spoiling("reset before the service has it", reset_before),
    _spoiling("reset in place of the answer", reset_instead, acted=True),
    _spoiling("reset inside the answer", reset_inside, acted=True),
    _spoiling("reset after the answer", reset_after),
    _spoiling("answer half written", half_written, acted=True),
    _spoiling("stalled, the service has not got it", stalled_before, told="NoReplyError", slow=True, falls_back=True),
    _spoiling(
        "stalled, the service has acted",
        stalled_after,
        told="NoReplyError",
        acted=True,
        slow=True,
        falls_back=True,
    ),
    _spoiling("slow drip", dripped, told="NoReplyError", acted=True, slow=True, falls_back=True),
    _spoiling("429 with Retry-After", too_many),
    _spoiling("burst of 500", failed_500, told="ServiceFailedError", falls_back=True),
    _spoiling("burst of 502", failed_502),
    _spoiling("burst of 503", failed_503),
    Fault("503, for good", then=failed_503, told="ServiceFailedError", falls_back=True),
    _spoiling("HTML error page, 502", page_502),
    _spoiling("HTML error page, 200", page_200, told="ServiceFailedError", falls_back=True),
    Fault("200 with an error body", then=wrong_secret, told="BadCredentialsError"),
    Fault("connection closed after every answer", then=closed_after),
    Fault("kept connection closed at the next request", [passed, closed_before, passed, closed_before]),
)

STORM: Sequence[Action] = (
    refusing,
    reset_before,
    reset_instead,
    reset_inside,
    reset_after,
    half_written,
    closed_after,
    closed_before,
    too_many,
    failed_500,
    failed_502,
    failed_503,
    page_200,
    page_502,
    wrong_secret,
    *[passed] * 15,
)
"""What a storm is made of."""


def said(text: str) -> Action:
    """Answer in Redis' place."""

    async def answered(talk: Talk) -> None:
        await talk.write(f"{text}\r\n".encode())

    return answered


async def half_a_reply(talk: Talk) -> None:
    answer = await talk.forward()
    await talk.write(answer[:-1])
    talk.end()


async def loading(talk: Talk) -> None:
    """Say so, and go."""
    await talk.write(b"-LOADING Redis is loading the dataset in memory\r\n")
    talk.end()


denied = said("-NOPERM this user has no permissions to run the 'publish' command")

REDIS_FAULTS: Sequence[Fault] = (
    Fault("none"),
    Fault("connection refused", refused=TIMES),
    Fault("connection refused, for good", refused=-1, told="ConnectError", falls_back=True),
    _spoiling("reset once connected", refusing),
    _spoiling("reset before Redis has it", reset_before),
    _spoiling("reset in place of the answer", reset_instead, acted=True),
    _spoiling("answer half written", half_a_reply, acted=True),
    _spoiling("reset after the answer", reset_after, acted=True),
    _spoiling("stalled, Redis has not got it", stalled_before, told="NoReplyError", slow=True, falls_back=True),
    _spoiling("stalled, Redis has acted", stalled_after, told="NoReplyError", acted=True, slow=True, falls_back=True),
    _spoiling("Redis is loading its data", loading),
    Fault("NOPERM", then=denied, told="ForbiddenError"),
    Fault("kept connection closed at the next request", [passed, closed_before, passed, closed_before], acted=True),
)

REDIS_STORM: Sequence[Action] = (
    refusing,
    reset_before,
    reset_instead,
    half_a_reply,
    reset_after,
    closed_before,
    loading,
    *[passed] * 20,
)
