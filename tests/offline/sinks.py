"""Real servers for what fallbacks send: mails, which aiosmtpd takes, and pushes."""

from __future__ import annotations

import contextlib
import email
import json
from email import policy
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from tests.interop.servers import LOOPBACK, free_port, wsgi_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

__all__ = ["PATIENCE", "Mail", "MailServer", "PushServer", "mail_server", "push_server"]

PATIENCE = 15.0


class Mail(NamedTuple):
    """A mail as it came: to whom, and what."""

    to: list[str]
    sender: str
    message: EmailMessage
    encrypted: bool


class MailServer:
    """A mail server on loopback, which may go and come back. `replies` are its next answers, by its command."""

    def __init__(self, **options: Any) -> None:
        self.port = free_port()
        self.mails: SimpleQueue[Mail] = SimpleQueue()
        self.replies: dict[str, list[str]] = {}
        self.logins: list[tuple[bytes, bytes]] = []
        self._options = options
        self._controller: Controller | None = None

    def start(self) -> None:
        self._controller = _Controller(self, hostname=LOOPBACK, port=self.port, **self._options)
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def mail(self) -> Mail:
        """Wait for the next one."""
        return self.mails.get(timeout=PATIENCE)

    def _reply(self, command: str) -> str | None:
        waiting = self.replies.get(command)
        return waiting.pop(0) if waiting else None

    # what aiosmtpd calls

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        reply = self._reply("RCPT")
        if reply is None:
            envelope.rcpt_tos.append(address)
        return reply or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        reply = self._reply("DATA")
        if reply is None:
            message: Any = email.message_from_bytes(envelope.content.replace(b"\r\n", b"\n"), policy=policy.default)
            self.mails.put(Mail(envelope.rcpt_tos, envelope.mail_from, message, session.ssl is not None))
        return reply or "250 OK"

    def authenticator(self, server: SMTP, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"s3cr3t", handled=False)


class _Controller(Controller):
    def factory(self) -> SMTP:
        # without its own look at the thread's loop; and no line of its log is of interest
        return SMTP(self.handler, **self.SMTP_kwargs)


@contextlib.contextmanager
def mail_server(*, running: bool = True, login: bool = False, **options: Any) -> Iterator[MailServer]:
    """Yield one; with `login`, it takes mails from whom it knows only."""
    server = MailServer(**options)
    if login:
        server._options |= {"authenticator": server.authenticator, "auth_required": True}
    if running:
        server.start()
    try:
        yield server
    finally:
        server.stop()


class PushServer:
    """What was pushed; `replies` are its next answers."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[dict[str, Any]] = []
        self.replies: list[tuple[str, dict[str, str], object]] = []

    def app(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        self.requests.append(
            {
                "method": environ["REQUEST_METHOD"],
                "path": environ["PATH_INFO"],
                "authorization": environ.get("HTTP_AUTHORIZATION"),
                "type": environ.get("CONTENT_TYPE"),
                "body": json.loads(body),
            }
        )
        taken: tuple[str, dict[str, str], object] = ("200 OK", {}, {"name": "projects/shop/messages/1"})
        status, headers, answer = self.replies.pop(0) if self.replies else taken
        start_response(status, [("Content-Type", "application/json"), *headers.items()])
        return [answer if isinstance(answer, bytes) else json.dumps(answer).encode()]


@contextlib.contextmanager
def push_server() -> Iterator[PushServer]:
    server = PushServer()
    with wsgi_server(server.app) as port:
        server.url = f"http://{LOOPBACK}:{port}"
        yield server
