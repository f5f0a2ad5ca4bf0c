"""How often somebody may do what; counted in memory, or in the Redis that processes share."""

from __future__ import annotations

from collections.abc import Mapping

from broadcastkit.integrations.rate_limits import AsyncFixedWindow
from examples.patient_chat.errors import too_many

__all__ = ["RATES", "Limits"]

RATES = {
    "sign in": "10/minute",
    "register": "5/minute",
    "request": "600/minute",
    "upload": "20/minute",
    "connect": "60/minute",
    "send_message": "60/minute",
    # the guide's page says at each keystroke that somebody types: what of it goes out, the event's throttle decides
    "typing": "900/minute",
    "mark_read": "120/minute",
    "set_status": "30/minute",
}


class Limits:
    def __init__(self, rates: Mapping[str, str], storage: str) -> None:
        self._windows = {
            what: AsyncFixedWindow(rate, storage=storage, key_prefix=f"patient_chat:{what}")
            for what, rate in (RATES | dict(rates)).items()
        }

    async def check(self, what: str, who: str) -> None:
        """Count, and raise a Problem when it is too often."""
        wait = await self._windows[what].hit(f"{what}:{who}")
        if wait is not None:
            raise too_many(wait)

    async def aclose(self) -> None:
        for window in self._windows.values():
            await window.aclose()
