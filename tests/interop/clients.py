"""Real JavaScript clients for tests: one node process each, driven from blocking Python.

A client reports everything that happens to it as a dict with a `type`: `connected`, `subscribed`,
`subscription_error`, `event`, `member_added`, `error` and so on (see the `.mjs` files beside this one).
Every wait is bounded; one that ends in vain shows what was reported instead.

That something was *not* received is never shown by sleeping. Send a later event, a fence, over the same
channel and look at what came before it:

    driver.send(what_must_not_arrive)
    driver.send(fence)
    assert client.events_until("fence") == []
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.interop.servers import PusherServer

__all__ = ["EchoClient", "EchoSocketIoClient", "NodeClient", "NotReportedError", "PusherJsClient", "Report"]

Report = dict[str, Any]

INTEROP = Path(__file__).parent
TIMEOUT = 5.0
STDERR_SHOWN = 4000


class NotReportedError(AssertionError):
    """What a test waited for was not reported in time."""


class NodeClient:
    """A node script that takes commands and reports events, one JSON object per line.

    A wait takes the first *unread* report that fits and leaves the others unread, so a test may ask in an
    order that the network does not promise. `reports` keeps all of them in the order in which they came.
    """

    def __init__(self, script: str) -> None:
        self.reports: list[Report] = []
        self._unread: list[Report] = []
        self._changed = threading.Condition()
        self._ended = False
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process: see close()
        self._process = subprocess.Popen(
            ["node", script],
            cwd=INTEROP,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
        )
        assert self._process.stdin
        assert self._process.stdout
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def events(self) -> list[Report]:
        """The events received so far, in order, read or not."""
        with self._changed:
            return [report for report in self.reports if report["type"] == "event"]

    def command(self, command: str, **arguments: object) -> None:
        """Tell the script to do something. What comes of it is reported."""
        line = json.dumps({"command": command, **arguments}) + "\n"
        self._stdin.write(line.encode())
        self._stdin.flush()

    def wait_for(
        self, fits: Callable[[Report], bool], timeout: float = TIMEOUT, *, what: str = "a report that fits"
    ) -> Report:
        """Take the first unread report that fits, waiting for it if need be."""
        with self._changed:
            return self._unread.pop(self._await(fits, timeout, what))

    def expect(self, kind: str, /, timeout: float = TIMEOUT, **fields: object) -> Report:
        """Take the first unread report of this type that has these fields."""
        wanted = {"type": kind, **fields}
        return self.wait_for(lambda report: wanted.items() <= report.items(), timeout, what=str(wanted))

    def next_event(self, timeout: float = TIMEOUT) -> Report:
        """Take the first unread event, whatever its channel and name."""
        return self.expect("event", timeout)

    def events_until(self, fence: str, timeout: float = TIMEOUT) -> list[Report]:
        """Take the unread events up to the one named `fence`; returns those that came before it."""

        def is_fence(report: Report) -> bool:
            return bool(report["type"] == "event" and report["event"] == fence)

        with self._changed:
            index = self._await(is_fence, timeout, f"the fence {fence!r}")
            before = [report for report in self._unread[:index] if report["type"] == "event"]
            self._unread = [r for i, r in enumerate(self._unread) if i > index or r["type"] != "event"]
            return before

    def close(self) -> None:
        """End the process: it stops by itself when its input ends."""
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()
        try:
            self._process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._stdout.close()
        self._stderr.close()

    def _read(self) -> None:
        for line in self._stdout:
            report = json.loads(line)
            with self._changed:
                self.reports.append(report)
                self._unread.append(report)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _await(self, fits: Callable[[Report], bool], timeout: float, what: str) -> int:
        """Return the index of the first unread report that fits. The caller holds the lock."""

        def find() -> int | None:
            return next((i for i, report in enumerate(self._unread) if fits(report)), None)

        self._changed.wait_for(lambda: find() is not None or self._ended, timeout)
        index = find()
        if index is None:
            raise NotReportedError(f"within {timeout} s, {self._complaint(what)}")
        return index

    def _complaint(self, what: str) -> str:
        with self._changed:
            reports = "\n".join(f"  {report}" for report in self.reports) or "  nothing at all"
        # Read at a place of our own: the process writes at the file's.
        stderr = os.pread(self._stderr.fileno(), STDERR_SHOWN, 0).decode(errors="replace")
        state = "the process has ended" if self._ended else "the process is running"
        return f"no {what}; {state}; reported were:\n{reports}\n{stderr}"


class _PusherClient(NodeClient):
    """What both clients do with a server of the Pusher protocol. `socket_id` is the one of the last connection."""

    socket_id: str

    def connect(
        self,
        server: PusherServer,
        *,
        auth_endpoint: str | None = None,
        user_auth_endpoint: str | None = None,
        headers: Mapping[str, str] | None = None,
        together: str | None = None,
    ) -> str:
        """Connect and return the socket id. `headers` go to the authorization endpoints.

        `together` has pusher-js ask for several channels at once: with the package of that name, or a file's function.
        """
        self.command(
            "connect",
            key=server.key,
            host=server.host,
            port=server.port,
            authEndpoint=auth_endpoint,
            userAuthEndpoint=user_auth_endpoint,
            headers=dict(headers or {}),
            together=together,
        )
        self.socket_id = self._outcome("connected", "disconnected")["socket_id"]
        return self.socket_id

    def disconnect(self) -> None:
        """Disconnect, and wait until that is done."""
        self.command("disconnect")
        self.expect("disconnected")

    def _outcome(self, wanted: str, other: str, **fields: object) -> Report:
        """Take whichever of two reports comes; the other one is a failure, at once."""
        report = self.wait_for(
            lambda r: r["type"] in {wanted, other} and fields.items() <= r.items(),
            what=f"{wanted!r} or {other!r} {fields or ''}",
        )
        if report["type"] != wanted:
            raise NotReportedError(self._complaint(repr(wanted)))
        return report


class PusherJsClient(_PusherClient):
    """A real pusher-js."""

    def __init__(self) -> None:
        super().__init__("pusher_client.mjs")

    def subscribe(self, channel: str) -> Report:
        """Subscribe, which must succeed; a presence channel's report has `me` and `members`."""
        self.command("subscribe", channel=channel)
        return self._outcome("subscribed", "subscription_error", channel=channel)

    def subscribe_refused(self, channel: str) -> Report:
        """Subscribe, which must be refused; the report has `status` and `error`."""
        self.command("subscribe", channel=channel)
        return self._outcome("subscription_error", "subscribed", channel=channel)

    def subscribe_all(self, channels: list[str]) -> dict[str, Report]:
        """Subscribe to several at once; returns how each ended."""
        self.command("subscribe_all", channels=channels)
        ends = {"subscribed", "subscription_error"}
        found = [self.wait_for(lambda r: r["type"] in ends, what=f"the end of {channels}") for _ in channels]
        return {report["channel"]: report for report in found}

    def unsubscribe(self, channel: str) -> None:
        """Leave a channel."""
        self.command("unsubscribe", channel=channel)
        self.expect("unsubscribed", channel=channel)

    def trigger(self, channel: str, event: str, data: object) -> None:
        """Send a client event; its name starts with `client-`."""
        self.command("trigger", channel=channel, event=event, data=data)
        self.expect("triggered", channel=channel, event=event, sent=True)

    def sign_in(self) -> Report:
        """Sign the connection in as a user; the report has `user_data`."""
        self.command("signin")
        return self._outcome("signed_in", "signin_error")


class EchoClient(_PusherClient):
    """A real Laravel Echo on pusher-js. Channels are opened by bare name and then named in full."""

    def __init__(self) -> None:
        super().__init__("echo_client.mjs")

    def channel(self, name: str) -> Report:
        """Open a public channel."""
        return self._open("public", name, name)

    def private(self, name: str) -> Report:
        """Open `private-{name}`."""
        return self._open("private", name, f"private-{name}")

    def encrypted(self, name: str) -> Report:
        """Open `private-encrypted-{name}`."""
        return self._open("encrypted", name, f"private-encrypted-{name}")

    def join(self, name: str) -> Report:
        """Open `presence-{name}`; who is there is reported as `here`, then `joining` and `leaving`."""
        return self._open("presence", name, f"presence-{name}")

    def listen(self, channel: str, event: str) -> None:
        """Report an event. As everywhere in Echo, `.message.sent` is the wire name `message.sent`."""
        self._listen("listen", channel, event)

    def listen_for_notifications(self, channel: str) -> None:
        """Report what Laravel's notifications are broadcast as, named `notification`."""
        self._listen("listen_for_notifications", channel, "notification")

    def listen_for_whisper(self, channel: str, event: str) -> None:
        """Report a whisper (a client event), named without `client-`."""
        self._listen("listen_for_whisper", channel, event)

    def whisper(self, channel: str, event: str, data: object) -> None:
        """Send a whisper to the others on the channel."""
        self.command("whisper", channel=channel, event=event, data=data)
        self.expect("whispered", channel=channel, event=event)

    def leave(self, channel: str) -> None:
        """Leave a channel."""
        self.command("leave", channel=channel)
        self.expect("left", channel=channel)

    def _open(self, kind: str, name: str, channel: str) -> Report:
        self.command("open", kind=kind, name=name)
        return self._outcome("subscribed", "subscription_error", channel=channel)

    def _listen(self, how: str, channel: str, event: str) -> None:
        self.command(how, channel=channel, event=event)
        self.expect("listening", channel=channel, event=event)


class EchoSocketIoClient(NodeClient):
    """A real Laravel Echo on socket.io-client 2, for laravel-echo-server. `socket_id` is its connection's."""

    socket_id: str

    def __init__(self) -> None:
        super().__init__("echo_socketio_client.mjs")

    def connect(self, url: str, headers: Mapping[str, str] | None = None) -> str:
        """Connect and return the socket id. `headers` go to the authorization endpoint."""
        self.command("connect", url=url, headers=dict(headers or {}))
        self.socket_id = self.expect("connected")["socket_id"]
        return self.socket_id

    def listen_to_all(self) -> None:
        """Report every event, on whatever channel."""
        self.command("listen_to_all")
        self.expect("listening")

    def open(self, kind: str, name: str) -> str:
        """Open a `public`, `private` or `presence` channel, and return its full name. Nobody tells that it is done."""
        self.command("open", kind=kind, name=name)
        channel: str = self.expect("opened")["channel"]
        return channel

    def listen(self, channel: str, event: str) -> None:
        """Report an event. As everywhere in Echo, `.message.sent` is the wire name `message.sent`."""
        self.command("listen", channel=channel, event=event)
        self.expect("listening", channel=channel, event=event)

    def leave(self, channel: str) -> None:
        """Leave a channel."""
        self.command("leave", channel=channel)
        self.expect("left", channel=channel)
