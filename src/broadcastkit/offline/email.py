"""`Mailer`: sends mails over SMTP, with the standard library."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, Self, get_args
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from broadcastkit.calls import in_worker_thread
from broadcastkit.drivers.checks import check_port, check_seconds, check_text, check_verify, instead_of
from broadcastkit.errors import ConfigurationError
from broadcastkit.offline.letters import letter, mailbox
from broadcastkit.offline.smtp import Encryption, MailServer, deliver

__all__ = ["Mailer"]

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_TLS_PORT = 465
# What Laravel calls them; its `tls` is STARTTLS, but on the port where that cannot be.
_LARAVEL: Mapping[str, Encryption] = {"tls": "starttls", "starttls": "starttls", "ssl": "tls", "smtps": "tls"}
# what Laravel reads as none
_NONE = {"null", "(null)", "none", "empty", "(empty)"}


class Mailer:
    """Sends mails over SMTP, a connection for each. Safe to use from several threads, and after a fork.

        mailer = Mailer("smtp.sendgrid.net", username="apikey", password=key, sender="hello@example.com")
        mailer.send(to="ada@example.com", subject="You have a new message", text="…", id=missed.id)

    `encryption` is `"starttls"` (the default: port 587), `"tls"` (465) or `"none"` (25). Certificates are verified:
    `verify` may be a CA file or an `ssl.SSLContext`. `timeout` is in seconds, for connecting and for each answer.

    Raises:
        ConfigurationError: a setting is wrong, or a password would go to another machine in clear.
    """

    def __init__(
        self,
        host: str,
        *,
        sender: str,
        sender_name: str = "",
        port: int | None = None,
        username: str | None = None,
        password: str | None = None,
        encryption: Encryption = "starttls",
        verify: ssl.SSLContext | bool | str = True,
        timeout: float = 10.0,
    ) -> None:
        if not check_text("host", host) or re.search(r"[\s/@]", host):
            raise ConfigurationError(f"must be the name of a mail server{instead_of(host)}", setting="host")
        if encryption not in get_args(Encryption):
            raise ConfigurationError(
                f"must be one of {', '.join(get_args(Encryption))}{instead_of(encryption)}", setting="encryption"
            )
        port = _PORTS[encryption] if port is None else check_port("port", port)
        if (username is None) != (password is None):
            raise ConfigurationError("go together: give both, or neither", setting="username and password")
        login = None if username is None or password is None else (username, password)
        if login is not None and encryption == "none" and not _is_loopback(host):
            raise ConfigurationError("must be starttls or tls: a password is not sent in clear", setting="encryption")
        try:
            self._sender = mailbox(sender, sender_name, what="sender")
        except ValueError as error:
            raise ConfigurationError(str(error).removeprefix("sender "), setting="sender") from None
        check_verify(verify, tls=encryption != "none", contexts=True)
        seconds = check_seconds("timeout", timeout)
        self._server = MailServer(host, port, encryption, login, verify, seconds)

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Self:
        """Make a mailer from `smtp://user:password@host:587` (STARTTLS), `smtps://…` (TLS), or `smtp+none://…` (clear).

        `options` are the constructor's, and win; `sender` is one.

        Raises:
            ConfigurationError: a part is wrong; the URL itself is never shown.
        """
        found = re.match(r"(smtp|smtps|smtp\+none)://", url)
        if found is None:
            raise ConfigurationError("must begin with smtp://, smtps:// or smtp+none://", setting="url")
        given: dict[str, Any] = {
            "encryption": {"smtp": "starttls", "smtps": "tls", "smtp+none": "none"}[found[1]],
        }
        try:
            parts = urlsplit(url)
            given |= {"host": parts.hostname or "", "port": parts.port}
        except ValueError:  # which quotes the URL
            raise ConfigurationError("must have a host, and a number as its port", setting="url") from None
        for name, value in {"username": parts.username, "password": parts.password}.items():
            given[name] = None if value is None else unquote(value)
        return cls(**{**given, **options})

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **options: Any) -> Self:
        """Make a mailer from the variables that a Laravel application has; `options` win.

        `MAIL_HOST`, `MAIL_PORT`, `MAIL_USERNAME`, `MAIL_PASSWORD`, `MAIL_FROM_ADDRESS`, `MAIL_FROM_NAME`, and
        `MAIL_ENCRYPTION`: `tls` (as without it: STARTTLS, and TLS from the start on port 465), `ssl` (TLS from the
        start), or `null`.

        Raises:
            ConfigurationError: a variable is missing or wrong; it is named, and nothing of it is shown.
        """
        env = {key: value for key, value in (os.environ if environ is None else environ).items() if value}
        arguments = {"host": "MAIL_HOST", "sender": "MAIL_FROM_ADDRESS", "sender_name": "MAIL_FROM_NAME"}
        arguments |= {"username": "MAIL_USERNAME", "password": "MAIL_PASSWORD"}
        given: dict[str, Any] = {
            name: env[variable]
            for name, variable in arguments.items()
            if variable in env and env[variable] not in _NONE
        }
        given |= {"port": _port(env.get("MAIL_PORT")), "encryption": _encryption(env)}
        given |= options
        for name in ("host", "sender"):
            if name not in given:
                raise ConfigurationError("is not set", setting=arguments[name])
        try:
            return cls(**given)
        except ConfigurationError as error:
            text = str(error).removeprefix(f"{error.setting} ")
            variables = {**arguments, "encryption": "MAIL_ENCRYPTION", "port": "MAIL_PORT"}
            variables["username and password"] = "MAIL_USERNAME and MAIL_PASSWORD"
            raise ConfigurationError(text, setting=variables.get(error.setting, error.setting)) from None

    def __repr__(self) -> str:
        """Show where it sends to; neither user nor password."""
        return f"Mailer({self._server.where!r}, {self._server.encryption})"

    def send(self, *, to: str, subject: str, text: str, html: str | None = None, id: str | None = None) -> None:  # noqa: A002 - what it is called in Missed
        """Send one mail; return when the server has taken it.

        The `id`, such as `missed.id`, becomes its Message-ID: a mail that comes twice since an answer was lost can be
        told, and most mail programs show it once.

        Raises:
            InvalidInputError: an address is none, or a subject has more than one line.
            UnreachableError, ServiceFailedError: not now (no connection, 4xx): may be tried again.
            BadRequestError: the server refuses this mail for good (5xx).
            BadCredentialsError, ForbiddenError: it refuses the user or this machine.
        """
        mail = letter(
            sender=self._sender,
            to=mailbox(to, what="to"),
            subject=subject,
            text=text,
            html=html,
            id_=uuid4().hex if id is None else id,
            date=datetime.now(UTC),
        )
        deliver(self._server, mail)

    async def asend(
        self,
        *,
        to: str,
        subject: str,
        text: str,
        html: str | None = None,
        id: str | None = None,  # noqa: A002 - see send
    ) -> None:
        """Send from async code, in a worker thread; see send."""
        await in_worker_thread(self.send, to=to, subject=subject, text=text, html=html, id=id)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _port(text: str | None) -> int | None:
    if text is None or text in _NONE:
        return None
    if not (text.isascii() and text.isdigit()):
        raise ConfigurationError("must be a number from 1 to 65535", setting="MAIL_PORT")
    return int(text)


def _encryption(env: Mapping[str, str]) -> Encryption:
    given = env.get("MAIL_ENCRYPTION", "tls").lower()
    if given in _NONE:
        return "none"
    if given not in _LARAVEL:
        raise ConfigurationError("must be tls, ssl, starttls or null", setting="MAIL_ENCRYPTION")
    return "tls" if given == "tls" and env.get("MAIL_PORT") == str(_TLS_PORT) else _LARAVEL[given]
