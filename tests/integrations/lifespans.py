"""What an application closes at its end, and the order in which it did."""

from __future__ import annotations

from broadcastkit.drivers.memory import AsyncMemoryDriver

__all__ = ["Thing", "WatchedDriver"]


class WatchedDriver(AsyncMemoryDriver):
    def __init__(self, log: list[str]) -> None:
        super().__init__()
        self.log = log

    async def aclose(self) -> None:
        self.log.append("driver closed")


class Thing:
    def __init__(self, log: list[str], name: str, error: Exception | None = None) -> None:
        self.log, self.name, self.error = log, name, error

    async def aclose(self) -> None:
        self.log.append(f"{self.name} closed")
        if self.error is not None:
            raise self.error
