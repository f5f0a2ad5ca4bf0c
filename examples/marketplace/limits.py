"""How often one may ask: for signing in, writing, typing, reading, and for what the broadcasting endpoints answer."""

from __future__ import annotations

import math

from litestar.exceptions import TooManyRequestsException

from broadcastkit.integrations.rate_limits import AsyncFixedWindow

__all__ = ["RateLimits", "count"]


class RateLimits:
    """Counted in memory; where there is a Redis, together with the other processes of this application."""

    def __init__(self, storage: str = "memory://") -> None:
        self.sign_in = self._window("10/minute", storage, "sign-in")
        self.writing = self._window("30/minute", storage, "writing")
        self.typing = self._window("60/minute", storage, "typing")
        self.reading = self._window("120/minute", storage, "reading")
        self.subscribing = self._window("120/minute", storage, "subscribing")

    @staticmethod
    def _window(rate: str, storage: str, name: str) -> AsyncFixedWindow:
        return AsyncFixedWindow(rate, storage=storage, key_prefix=f"marketplace:{name}")

    async def aclose(self) -> None:
        for window in (self.sign_in, self.writing, self.typing, self.reading, self.subscribing):
            await window.aclose()


async def count(window: AsyncFixedWindow, key: object) -> None:
    """Count a request, or raise 429 with the seconds to wait."""
    wait = await window.hit(str(key))
    if wait is not None:
        seconds = math.ceil(wait)
        raise TooManyRequestsException(f"Too often: try again in {seconds} s.", headers={"Retry-After": str(seconds)})
