"""The seam between a broadcaster and whatever a broadcast waits for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from broadcastkit.errors import ConfigurationError

if TYPE_CHECKING:
    from broadcastkit.delivery.telling import Failures
    from broadcastkit.observability.hooks import DropReason

__all__ = ["AMBIENT", "Held", "Sender", "Transaction", "ambient_transaction", "transaction_of"]

AMBIENT: Any = object()
"""The transaction that the broadcaster knows of by itself."""

_ADAPTERS = {
    "sqlalchemy": "broadcastkit.delivery.transactions.sqlalchemy",
    "django": "broadcastkit.delivery.transactions.django",
}


class Sender(Protocol):
    """What a broadcaster is to those who hold its broadcasts back."""

    @property
    def awaited(self) -> bool:
        """Whether `send_held` returns an awaitable."""
        ...

    @property
    def failures(self) -> Failures:
        """What logs errors that nobody is there for."""
        ...

    def send_held(self, held: Sequence[Held]) -> Awaitable[None] | None:
        """Send what was held back, in order, in as few requests as the service allows.

        Raises:
            BroadcastError: as the error policy says; after all were tried.
        """
        ...

    def drop_held(self, held: Sequence[Held], reason: DropReason = "rollback") -> None:
        """Take note that what was held back will not be sent."""
        ...


class Held(NamedTuple):
    """A broadcast that was rendered and is held back: by whom it is sent, what was asked for, and what goes out."""

    sender: Sender
    request: Any
    plans: Sequence[Any]


class Transaction(Protocol):
    """What can hold broadcasts back until it is clear that what they tell of has happened."""

    def hold(self, held: Held) -> bool:
        """Keep a broadcast until the outermost commit, and drop it on rollback; False if no transaction is open."""
        ...


def transaction_of(target: object) -> Transaction:
    """Return the adapter for what a caller gave: a session, the alias of a database, or a Transaction of one's own.

    Raises:
        ConfigurationError: it is nothing to wait for.
    """
    if hasattr(target, "hold"):
        return cast("Transaction", target)
    kind = _kind(target)
    if kind is None:
        raise ConfigurationError(
            "after_commit takes a session of SQLAlchemy, the alias of a Django database, or an object with hold(held), "
            f"not {type(target).__name__}; for anything else there is `with collect():`"
        )
    adapter: Transaction = import_module(_ADAPTERS[kind]).adapt(target)
    return adapter


def ambient_transaction(source: object) -> Transaction | None:
    """Return the adapter for what a broadcaster was given as `transaction`; None if a callable says there is none now.

    Raises:
        ConfigurationError: it is nothing to wait for.
    """
    # scoped sessions can be called, too, and are more than what comes of it
    if callable(source) and not hasattr(source, "hold") and _kind(source) is None:
        source = cast("Callable[[], object]", source)()
    return None if source is None else transaction_of(source)


def _kind(target: object) -> str | None:
    """Say whose adapter it needs, importing nobody."""
    if isinstance(target, str):
        return "django"
    packages = {cls.__module__.partition(".")[0] for cls in type(target).__mro__}
    return next((kind for kind in _ADAPTERS if kind in packages), None)
