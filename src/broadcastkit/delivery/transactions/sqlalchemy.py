"""SQLAlchemy's sessions, blocking and awaited: the outermost commit sends, a rollback (to a savepoint too) drops."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from broadcastkit.delivery.transactions.base import Held
from broadcastkit.delivery.transactions.releasing import WORDS, arelease, release
from broadcastkit.errors import ConfigurationError, MissingDependencyError

try:
    from sqlalchemy import event
    from sqlalchemy.orm import Session, SessionTransaction, scoped_session
except ImportError:
    raise MissingDependencyError("SQLAlchemy", "sqlalchemy", "after_commit with a session") from None

__all__ = ["SessionTransactions", "adapt"]

_KEY = "broadcastkit_after_commit"


def adapt(target: Any) -> SessionTransactions:
    """Return what follows a session's transactions; `target` may be any of SQLAlchemy's sessions, scoped ones too."""
    # who has an awaited session has imported this; it needs greenlet, which blocking code need not have
    asynchronous: Any = sys.modules.get("sqlalchemy.ext.asyncio")
    if isinstance(target, scoped_session) or (asynchronous and isinstance(target, asynchronous.async_scoped_session)):
        target = target()
    if asynchronous and isinstance(target, asynchronous.AsyncSession):
        return SessionTransactions(target.sync_session, awaits=True)
    if isinstance(target, Session):
        # what `run_sync` and the listeners of events are given
        awaits = bool(asynchronous) and asynchronous.async_session(target) is not None
        return SessionTransactions(target, awaits=awaits)
    raise ConfigurationError(f"after_commit takes a session of SQLAlchemy, not a {type(target).__name__}")


class SessionTransactions:
    """What follows the transactions of one session, savepoints among them."""

    def __init__(self, session: Session, *, awaits: bool) -> None:
        self._session = session
        self._awaits = awaits

    def hold(self, held: Held) -> bool:
        """Keep a broadcast with the innermost transaction that is open.

        Raises:
            ConfigurationError: an awaited broadcast, and a session that cannot await.
        """
        if held.sender.awaited and not self._awaits:
            raise ConfigurationError("an awaited broadcast waits for an AsyncSession, and this session is blocking")
        transaction = _innermost(self._session)
        if transaction is None:
            return False
        _waiting(self._session).held.setdefault(transaction, []).append(held)
        return True


class _Waiting:
    """What each open transaction of a session holds back, and the one that has committed and not ended yet.

    It does not know its session, which is freed as soon as nobody else does.
    """

    def __init__(self) -> None:
        self.held: dict[SessionTransaction, list[Held]] = {}
        self.committed: SessionTransaction | None = None
        self.unwatch: Callable[[], object] | None = None

    def watch(self) -> None:
        """Have what has committed sent though its end is never told of.

        Where a task is cancelled while its connection is given back, SQLAlchemy says nothing more of the transaction.
        """
        transaction = self.committed
        if transaction is None or transaction.parent is not None:
            return
        if any(one.sender.awaited for one in self.held.get(transaction, ())):
            from broadcastkit.delivery.transactions.outliving import after_this_task

            self.unwatch = after_this_task(lambda: self.held.pop(transaction, []), WORDS)


def _waiting(session: Session) -> _Waiting:
    found: _Waiting | None = session.info.get(_KEY)
    if found is None:
        found = session.info[_KEY] = _Waiting()
        # of this session alone: to listen to all of them, while others commit, is not safe
        event.listen(session, "after_commit", _after_commit)
        event.listen(session, "after_transaction_end", _after_transaction_end)
    return found


def _innermost(session: Session) -> SessionTransaction | None:
    return session.get_nested_transaction() or session.get_transaction()


def _after_commit(session: Session) -> None:
    # Told of savepoints that are released, too. The session still has the database's connection: too early to send.
    waiting = _waiting(session)
    waiting.committed = _innermost(session)
    waiting.watch()


def _after_transaction_end(session: Session, transaction: SessionTransaction) -> None:
    waiting = _waiting(session)
    committed = transaction is waiting.committed
    if committed:
        waiting.committed = None
        if waiting.unwatch is not None:
            waiting.unwatch()
            waiting.unwatch = None
    held = waiting.held.pop(transaction, None)
    if held is None:
        return
    if not committed:
        for one in held:
            one.sender.drop_held([one])
        return
    outer = _innermost(session)
    if transaction.parent is not None and outer is not None:
        waiting.held.setdefault(outer, []).extend(held)
    elif any(one.sender.awaited for one in held):
        from sqlalchemy.util import await_only

        await_only(arelease(held))
    else:
        release(held)
