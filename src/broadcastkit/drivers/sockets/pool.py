"""A pool of connections in the blocking color: who may ask over one, and what becomes of it afterwards."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Generic, Protocol, TypeVar

from broadcastkit.drivers.sockets.idle import CONNECTIONS, Idle, Kept
from broadcastkit.errors import ConnectError

__all__ = ["Connection", "Pool"]

QuestionT_contra = TypeVar("QuestionT_contra", contravariant=True)
ReplyT_co = TypeVar("ReplyT_co", covariant=True)


class Connection(Kept, Protocol[QuestionT_contra, ReplyT_co]):
    """A connection that is asked one thing after another."""

    def ask(self, question: QuestionT_contra) -> tuple[ReplyT_co, bool]:
        """Return the reply, and whether another question may follow on the connection."""
        ...


class Pool(Generic[QuestionT_contra, ReplyT_co]):
    """Up to eight connections that are kept, for the threads of one process; the last one used is the next."""

    def __init__(self, connect: Callable[[], Connection[QuestionT_contra, ReplyT_co]], seconds: float | None) -> None:
        """Take what makes a connection, and how long one is waited for while all are in use; None is for ever."""
        self._connect = connect
        self._seconds = seconds
        # not a semaphore: one whose waiting is interrupted (a task's time limit) would stay locked for everybody
        self._places: SimpleQueue[None] = SimpleQueue()
        for _ in range(CONNECTIONS):
            self._places.put(None)
        self._idle: Idle[Connection[QuestionT_contra, ReplyT_co]] = Idle()

    def ask(self, question: QuestionT_contra) -> ReplyT_co:
        """Ask over a connection that is idle, or a new one, and return the reply.

        Raises:
            DeliveryError: none was free in time, none could be made, or it did not reply.
        """
        try:
            self._places.get(timeout=self._seconds)
        except Empty:
            raise ConnectError(f"all {CONNECTIONS} connections were in use for {self._seconds:g} s") from None
        try:
            connection = self._idle.take() or self._connect()
            try:
                reply, keep = connection.ask(question)
            except BaseException:  # the reply may still come, and would be taken for that of the next question
                connection.close()
                raise
            if keep:
                self._idle.keep(connection)
            else:
                connection.close()
        finally:
            self._places.put(None)
        return reply

    def close(self) -> None:
        """Close what is idle, and later what is in use now."""
        self._idle.close()
