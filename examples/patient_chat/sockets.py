"""The socket: who may connect, and what comes of each event that a client sends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter, time
from typing import Any, TypeVar, cast

import socketio
from pydantic import BaseModel
from socketio import exceptions

from broadcastkit import AsyncBroadcaster
from broadcastkit.delivery import Background
from broadcastkit.errors import DeniedError
from broadcastkit.integrations.socketio import AsyncChannelRooms
from examples.patient_chat.accounts import Accounts, Visitor
from examples.patient_chat.chat import Chat
from examples.patient_chat.errors import Problem, as_problem
from examples.patient_chat.events import ErrorTold
from examples.patient_chat.limits import Limits
from examples.patient_chat.metrics import Metrics
from examples.patient_chat.online import LEASE
from examples.patient_chat.packets import INVALID
from examples.patient_chat.rules import UserChannel, channels
from examples.patient_chat.schemas import StatusChange, ToReceiver, ToSender, Typing

__all__ = ["Sockets"]

log = logging.getLogger("patient_chat.connections")
ModelT = TypeVar("ModelT", bound=BaseModel)
LAST_WORDS = 5.0


@dataclass(frozen=True)
class Connection:
    """One tab of a user's; it ends with its token."""

    sid: str
    visitor: Visitor
    ends: asyncio.TimerHandle

    @property
    def key(self) -> tuple[str, str, str]:
        return self.visitor.user.id, self.sid, self.visitor.token_id


class Sockets:
    def __init__(
        self,
        sio: socketio.AsyncServer,
        *,
        chat: Chat,
        accounts: Accounts,
        limits: Limits,
        metrics: Metrics,
        broadcaster: AsyncBroadcaster,
        delivery: Background,
    ) -> None:
        self._sio = sio
        self._chat = chat
        self._accounts = accounts
        self._limits = limits
        self._metrics = metrics
        self._broadcast = broadcaster.broadcast
        self._delivery = delivery
        self._rooms = AsyncChannelRooms(sio, channels)
        self._connections: dict[str, Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        metrics.connections.set_function(lambda: len(self._connections))
        sio.on("connect", self.connect)
        sio.on("disconnect", self.disconnect)
        sio.on(INVALID, self.invalid_packet)
        self._on("send_message", ToReceiver, self.send_message)
        self._on("typing_start", Typing, self.typing_start, limit="typing")
        self._on("typing_stop", Typing, self.typing_stop, limit="typing")
        self._on("mark_read", ToSender, self.mark_read)
        self._on("set_status", StatusChange, self.set_status)

    # -- coming and going ----------------------------------------------------------------------------------------------

    async def connect(self, sid: str, environ: dict[str, Any], auth: object) -> None:
        del environ
        try:
            token = auth.get("token") if isinstance(auth, dict) else None
            visitor = await self._accounts.visitor(token)
            await self._limits.check("connect", visitor.user.id)
            await self._come(sid, visitor)
            # again: whoever signed out in between did not see this connection
            await self._accounts.visitor(token)
        except Exception as error:  # noqa: BLE001 - a client that is not answered would wait
            await self.disconnect(sid, "refused")
            raise self._refusal(as_problem("connect", error)) from None

    def _refusal(self, problem: Problem) -> Exception:
        self._metrics.refused.labels(problem.status).inc()
        log.info("refused: %s", problem.message)
        start = "Authentication error: " if problem.status == 401 else ""
        return cast("Exception", exceptions.ConnectionRefusedError(start + problem.message))

    async def _come(self, sid: str, visitor: Visitor) -> None:
        user = visitor.user
        try:
            await self._rooms.join(sid, UserChannel(user_id=user.id), user)
        except DeniedError:  # gone again already
            raise Problem(403, "not connected any more") from None
        left = visitor.expires_at.timestamp() - time()
        ends = asyncio.get_running_loop().call_later(left, self._start, self._expire, sid)
        self._connections[sid] = connection = Connection(sid, visitor, ends)
        first = await self._chat.online.came(*connection.key)
        self._metrics.connected.inc()
        log.info("connected: user %s, %s", user.id, "first tab" if first else "another tab")
        if first:
            await self._chat.announce(user.id)
            await self._chat.deliver_waiting(user.id)

    async def disconnect(self, sid: str, reason: str) -> None:
        connection = self._connections.pop(sid, None)
        if connection is None:
            return
        connection.ends.cancel()
        last = await self._chat.online.went(*connection.key)
        self._metrics.disconnected.labels(reason).inc()
        user_id = connection.visitor.user.id
        log.info("disconnected: user %s, %s, %s", user_id, reason, "last tab" if last else "not the last tab")
        if last:
            await self._chat.announce(user_id)

    async def sign_out(self, visitor: Visitor) -> None:
        """End the connections of a token, in whichever process they are."""
        for sid in await self._chat.online.sids(visitor.user.id, visitor.token_id):
            await self._sio.disconnect(sid)

    async def watch(self) -> None:
        """Renew what is here; tell of users whose process has died. Runs for as long as the application."""
        while True:
            await asyncio.sleep(LEASE / 3)
            try:
                await self.renew()
            except Exception as error:  # noqa: BLE001 - a Redis or a database that is gone for a while
                as_problem("renewing who is online", error)

    async def renew(self) -> None:
        for sid in [one for one in self._connections if not self._sio.rooms(one)]:
            await self.disconnect(sid, "lost")
        for user_id in await self._chat.online.renew([one.key for one in self._connections.values()]):
            await self._chat.announce(user_id)

    def _start(self, run: Callable[[str], Any], sid: str) -> None:
        task: asyncio.Task[None] = asyncio.create_task(run(sid))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _expire(self, sid: str) -> None:
        await self._tell(sid, Problem(401, "Token expired: sign in again"))
        await self._delivery.aflush(LAST_WORDS)
        await self._sio.disconnect(sid)

    async def invalid_packet(self, sid: str, *_: object) -> None:
        self._metrics.errors.labels("packet", 400).inc()
        await self._tell(sid, Problem(400, "Invalid message format"))

    # -- the guide's events --------------------------------------------------------------------------------------------

    async def send_message(self, visitor: Visitor, form: ToReceiver, sid: str) -> Any:
        del sid
        return await self._chat.send(visitor.user.id, form.receiver_id, form)

    async def typing_start(self, visitor: Visitor, form: Typing, sid: str) -> None:
        await self._chat.typing(visitor.user, form.receiver_id, sid, started=True)

    async def typing_stop(self, visitor: Visitor, form: Typing, sid: str) -> None:
        await self._chat.typing(visitor.user, form.receiver_id, sid, started=False)

    async def mark_read(self, visitor: Visitor, form: ToSender, sid: str) -> Any:
        return {"readCount": await self._chat.mark_read(visitor.user, form.sender_id, sid)}

    async def set_status(self, visitor: Visitor, form: StatusChange, sid: str) -> None:
        del sid
        await self._chat.set_status(visitor.user.id, form.status)

    def _on(
        self,
        event: str,
        form: type[ModelT],
        act: Callable[[Visitor, ModelT, str], Awaitable[Any]],
        *,
        limit: str | None = None,
    ) -> None:
        """Have an event counted, read and acted on; what goes wrong is told as `error`, and to whoever waits for an
        acknowledgment."""

        async def handle(sid: str, *sent: Any) -> dict[str, Any]:
            started = perf_counter()
            try:
                visitor = self._visitor(sid)
                await self._limits.check(limit or event, visitor.user.id)
                return {
                    "success": True,
                    "data": await act(visitor, form.model_validate(sent[0] if sent else None), sid),
                }
            except Exception as error:  # noqa: BLE001 - the client is told of each, and the log of those that are ours
                problem = as_problem(event, error)
                self._metrics.errors.labels(event, problem.status).inc()
                await self._tell(sid, problem)
                return problem.as_dict()
            finally:
                self._metrics.seconds.labels(event).observe(perf_counter() - started)

        self._sio.on(event, handle)

    def _visitor(self, sid: str) -> Visitor:
        connection = self._connections.get(sid)
        if connection is None:  # an event that did not wait for the answer to `connect`
            raise Problem(401, "Not connected yet, or not any more")
        return connection.visitor

    async def _tell(self, sid: str, problem: Problem) -> None:
        await self._broadcast(ErrorTold(message=problem.message, sid=sid)).to_everyone()
