"""`broadcastkit listen`: subscribe as a client does, and print what is heard."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from broadcastkit.cli.connections import ConnectionOption, JsonOption, PusherConnection, UrlOption, configured
from broadcastkit.cli.listening import PING, Heard, Listener
from broadcastkit.cli.output import note, printable, show, show_json
from broadcastkit.cli.websocket import WebSocket, connected, websocket_address
from broadcastkit.core.encryption import master_keys
from broadcastkit.errors import ConnectionLostError, NoReplyError

__all__ = ["listen"]

_ANSWER_SECONDS = 10.0
_PURPOSE = "broadcastkit listen"


def listen(
    *,
    channel: Annotated[
        list[str],
        typer.Argument(
            metavar="CHANNEL",
            help="Channels, by full name. Private ones are signed for; #server-to-user-7 signs in as user 7.",
        ),
    ],
    event: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Print only events of this name; may be repeated.")
    ] = None,
    count: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many events; exit status 1 if the timeout comes first.")
    ] = None,
    timeout: Annotated[float | None, typer.Option(min=0.0, metavar="SECONDS", help="Stop after so long.")] = None,
    user_id: Annotated[
        str, typer.Option(metavar="ID", help="Who to be on presence channels, where the others see it.")
    ] = "broadcastkit",
    connection: ConnectionOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print events as they come, until Ctrl-C."""
    with configured(url) as found:
        target = found.pusher(connection, _PURPOSE)
        keys = master_keys(target.master_key)
        listener = Listener(channel, target.driver, user_id=user_id, master_keys=keys)
        wanted = _Wanted(event or (), count, _show_json if as_json else _show)
        try:
            _listen(target, listener, wanted, timeout)
        except KeyboardInterrupt:
            return
    if wanted.missing:
        note(f"{wanted.heard} of {count} events came within {timeout:g} s.")
        raise typer.Exit(1)


class _Wanted:
    """What is printed, and when it is enough. Members that come and go are printed, and do not count."""

    def __init__(self, names: Sequence[str], count: int | None, show: Callable[[Heard], None]) -> None:
        self._names = frozenset(names)
        self._count = count
        self._show = show
        self.heard = 0

    @property
    def missing(self) -> bool:
        """Whether fewer came than were asked for."""
        return self._count is not None and self.heard < self._count

    def take(self, heard: Heard) -> bool:
        """Print an event if it is wanted; returns whether that was the last one."""
        if self._names and heard.event not in self._names:
            return False
        self._show(heard)
        self.heard += not heard.of_protocol
        return self._count is not None and not self.missing


def _listen(target: PusherConnection, listener: Listener, wanted: _Wanted, timeout: float | None) -> None:
    began = time.monotonic()
    end = float("inf") if timeout is None else began + timeout
    with connected(target, timeout=_ANSWER_SECONDS, purpose=_PURPOSE) as websocket:
        watch = _Watch(websocket, listener, end, answer_by=time.monotonic() + _ANSWER_SECONDS)
        waiting = True
        while (frame := watch.next_frame()) is not None:
            step = listener.read(frame)
            for answer in step.send:
                websocket.send(answer)
            if step.note:
                note(step.note)
            if waiting and not listener.waiting:
                waiting = False
                note(f"Listening on {', '.join(listener.channels)} at {_where(target)}; stop with Ctrl-C.")
            if step.heard is not None and wanted.take(step.heard):
                return


class _Watch:
    """Waits for frames: until the end that was asked for, the answer that is due, or a silence that means a loss."""

    def __init__(self, websocket: WebSocket, listener: Listener, end: float, *, answer_by: float) -> None:
        self._websocket = websocket
        self._listener = listener
        self._end = end
        self._answer_by = answer_by
        self._pinged = False

    def next_frame(self) -> str | None:
        """Return the next frame, or None at the end."""
        silent_since = time.monotonic()
        while True:
            silence = _ANSWER_SECONDS if self._pinged else self._listener.activity_timeout
            due = silent_since + silence
            if self._listener.waiting:
                due = min(due, self._answer_by)
            try:
                frame = self._websocket.receive(max(0.0, min(due, self._end) - time.monotonic()))
            except TimeoutError:
                if time.monotonic() >= self._end:
                    return None
                self._nothing_came()
                silent_since = time.monotonic()
            else:
                self._pinged = False
                return frame

    def _nothing_came(self) -> None:
        if self._listener.waiting and time.monotonic() >= self._answer_by:
            missing = ", ".join(sorted(self._listener.waiting))
            raise NoReplyError(f"the server has not answered the request for {missing}")
        if self._pinged:
            raise ConnectionLostError("the server has not answered a ping")
        self._websocket.send(PING)
        self._pinged = True


def _where(target: PusherConnection) -> str:
    endpoint = target.driver.endpoint
    return f"{websocket_address(endpoint)}{endpoint.path}"


# -- what is printed -------------------------------------------------------------------------------------------------


def _show(heard: Heard) -> None:
    """Print an event for a human reader: time, channel, name, payload."""
    at = datetime.now().astimezone().strftime("%H:%M:%S")
    text = json.dumps(heard.data, ensure_ascii=False, separators=(",", ":"))
    sender = "" if heard.user_id is None else f"  from {heard.user_id}"
    show(printable(f"{at}  {heard.channel}  {heard.event}{sender}  {text}{'  (sealed)' if heard.sealed else ''}"))


def _show_json(heard: Heard) -> None:
    """Print an event for a program."""
    fields = {key: value for key, value in heard._asdict().items() if not (key in {"user_id", "sealed"} and not value)}
    show_json({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **fields})
