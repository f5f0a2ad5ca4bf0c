"""`collect()`: broadcasts wait for the end of a block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from contextvars import ContextVar, Token
from threading import Lock
from types import TracebackType
from typing import Self

from broadcastkit.delivery.transactions.base import Held, Sender
from broadcastkit.errors import ConfigurationError

__all__ = ["by_sender", "collect", "current_block"]

_current: ContextVar[collect | None] = ContextVar("broadcastkit_collect", default=None)


def current_block() -> collect | None:
    """Return the innermost `collect()` block that this code runs in; it may have ended, in a task that outlives it."""
    return _current.get()


class collect:  # noqa: N801 - used as a word: `with collect():`
    """Hold back every broadcast that is made inside the block; send them at its end, or drop them if it raises.

        with collect():
            save(order)                                  # raises: nothing is broadcast
            broadcast(OrderPlaced(order)).to_others()    # its receipt says *queued*

    For whatever has no adapter of its own: put it around the transaction. Payloads are rendered when they are
    broadcast. The outermost block sends, in order, in as few requests as the service allows; an inner block that ends
    well hands over to the outer one. Concerns what runs inside the block, tasks and `to_thread` included; a task that
    outlives the block sends at once. Async code says `async with collect():`, which `aio.broadcast()` needs.

    A task that is cancelled while its block sends does not keep that from being sent: the errors are then logged.

    What waits for a commit (`.after_commit()`) waits for that first: a block around a transaction sends what it has
    committed, and nothing that it has rolled back.

    Raises:
        BroadcastError: at the end, as the broadcasters' error policy says; after all were tried.
    """

    def __init__(self) -> None:
        self._held: list[Held] = []
        self._awaits = False
        self._begun = False
        self._ended = False
        self._lock = Lock()  # who holds and who ends may be two threads
        self._outer: collect | None = None
        self._token: Token[collect | None] | None = None

    def hold(self, held: Held) -> bool:
        """Keep a broadcast until the block ends; False if it has ended, and every block around it.

        Raises:
            ConfigurationError: an awaited broadcast in a block that cannot await.
        """
        with self._lock:
            if not self._ended:
                if held.sender.awaited and not self._awaits:
                    raise ConfigurationError(
                        "an awaited broadcast needs `async with collect():`, of every block around it"
                    )
                self._held.append(held)
                return True
        return self._outer is not None and self._outer.hold(held)

    def take(self, held: Held) -> bool:
        """Keep a broadcast as `hold` does, where that can be; False otherwise."""
        with suppress(ConfigurationError):
            return self.hold(held)
        return False

    def _begin(self, *, awaits: bool) -> None:
        if self._begun:
            raise RuntimeError("this collect() has been used: make one for each block")
        self._begun = True
        self._outer = _current.get()
        # an inner block hands over to the outer one
        self._awaits = awaits and (self._outer is None or self._outer._ended or self._outer._awaits)  # noqa: SLF001
        self._token = _current.set(self)

    def _end(self, *, failed: bool) -> Iterator[tuple[Sender, list[Held]]]:
        """Return what is to be sent now, by whom."""
        if self._token is not None:
            # a generator's block may be left in another context than it was entered in, which then ends with it
            with suppress(ValueError):
                _current.reset(self._token)
        with self._lock:
            self._ended = True
            held, self._held = self._held, []
        outer = self._outer
        if failed:
            for one in held:
                one.sender.drop_held([one])
        return by_sender([] if failed else [one for one in held if outer is None or not outer.hold(one)])

    def __enter__(self) -> Self:
        """Begin to hold back."""
        self._begin(awaits=False)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Send, or drop."""
        errors: list[Exception] = []
        for sender, group in self._end(failed=kind is not None):
            try:
                sender.send_held(group)
            except Exception as failure:  # noqa: BLE001 - raised when all were tried
                errors.append(failure)
        _raise_first(errors)

    async def __aenter__(self) -> Self:
        """Begin to hold back."""
        self._begin(awaits=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Send, or drop."""
        from broadcastkit.delivery.transactions.outliving import send_all  # blocking code has no need of asyncio

        failed = await send_all(self._end(failed=kind is not None), "broadcast failed")
        _raise_first([error for _, error in failed])


def by_sender(held: Sequence[Held]) -> Iterator[tuple[Sender, list[Held]]]:
    """Group what was held back by who sends it; each group in order."""
    groups: dict[int, tuple[Sender, list[Held]]] = {}
    for one in held:
        groups.setdefault(id(one.sender), (one.sender, []))[1].append(one)
    return iter(groups.values())


def _raise_first(errors: Sequence[Exception]) -> None:
    if errors:
        raise errors[0]
