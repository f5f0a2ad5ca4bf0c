"""One conversation with a mail server, and what its answers mean."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from functools import cache, cached_property
from typing import Any, Literal, TypeAlias

from broadcastkit.errors import (
    BadCredentialsError,
    BadRequestError,
    ConfigurationError,
    ConnectError,
    ConnectionLostError,
    DeliveryError,
    ForbiddenError,
    NoReplyError,
    ServiceFailedError,
    UnreachableError,
)

__all__ = ["Encryption", "MailServer", "deliver"]

Encryption: TypeAlias = Literal["starttls", "tls", "none"]
"""`starttls` begins in clear and must be offered TLS before anything is told; `tls` begins with TLS."""

_UNAVAILABLE = 421
_TEMPORARY = range(400, 500)
# RFC 4954: authentication is required, too weak, failed, or needs encryption.
_CREDENTIALS = frozenset({530, 534, 535, 538})
# RFC 3463: what else a server says may quote an address, or the mail.
_ENHANCED = re.compile(rb"\s*([245]\.\d{1,3}\.\d{1,3})\b")


@dataclass(frozen=True)
class MailServer:
    """Where it is, and how to speak to it."""

    host: str
    port: int
    encryption: Encryption
    login: tuple[str, str] | None = field(repr=False)
    verify: ssl.SSLContext | bool | str
    timeout: float

    @property
    def where(self) -> str:
        """Return host and port."""
        return f"{self.host}:{self.port}"

    @cached_property
    def context(self) -> ssl.SSLContext:
        """Return the TLS context: whom all of this package trusts, unless told otherwise."""
        from broadcastkit.drivers.pusher.http.trust import trusting

        return trusting(self.verify)


class _Stage:
    """How far a conversation has come."""

    mail: bool = False
    """What the server refuses now is this mail."""
    data: bool = False
    """The mail is on its way: if no answer comes, nobody knows."""


def deliver(server: MailServer, mail: EmailMessage) -> None:
    """Hand a mail over; return when the server has taken it."""
    stage = _Stage()
    with _errors_of(server, stage):
        smtp = _connected(server)
        try:
            smtp.stage = stage
            _enter(server, smtp)
            stage.mail = True
            smtp.send_message(mail)
            stage.data = False
            # it was taken: whatever comes of a good-bye
            with suppress(OSError):
                smtp.quit()
        finally:
            smtp.close()


def _connected(server: MailServer) -> _Smtp | _SmtpOverTls:
    own, seconds = _own_name(), server.timeout
    if server.encryption == "tls":
        return _SmtpOverTls(server.host, server.port, own, timeout=seconds, context=server.context)
    return _Smtp(server.host, server.port, own, timeout=seconds)


def _enter(server: MailServer, smtp: smtplib.SMTP) -> None:
    smtp.ehlo_or_helo_if_needed()
    if server.encryption == "starttls":
        if not smtp.has_extn("starttls"):
            raise ConfigurationError(f"{server.where} offers no STARTTLS, and was told nothing", setting="encryption:")
        smtp.starttls(context=server.context)
        smtp.ehlo_or_helo_if_needed()
    if server.login is not None:
        if not smtp.has_extn("auth"):
            raise ConfigurationError(f"{server.where} does not let anybody log in", setting="username:")
        smtp.login(*server.login)


class _Staged:
    stage: _Stage

    def data(self, msg: Any) -> tuple[int, bytes]:
        self.stage.data = True
        answer: tuple[int, bytes] = super().data(msg)  # type: ignore[misc]
        self.stage.data = False
        return answer


class _Smtp(_Staged, smtplib.SMTP):
    pass


class _SmtpOverTls(_Staged, smtplib.SMTP_SSL):
    pass


@contextmanager
def _errors_of(server: MailServer, stage: _Stage) -> Iterator[None]:
    """Raise errors of ours, without the words of the server."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        [(code, said)] = error.recipients.values()
        raise _refused(server, stage, code, said) from None
    except smtplib.SMTPResponseException as error:
        raise _refused(server, stage, error.smtp_code, error.smtp_error) from None
    except OSError as error:  # smtplib's own are OSErrors too
        # what has kept an answer from coming, smtplib calls a connection that was closed
        if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
            raise _timed_out(server, stage) from None
        if isinstance(error, smtplib.SMTPException) and not isinstance(error, smtplib.SMTPServerDisconnected):
            text = f"{server.where} offers no way to log in that Python knows"
            raise ConfigurationError(text, setting="username:") from None
        raise _lost(server, stage, error) from None


def _refused(server: MailServer, stage: _Stage, code: int, said: bytes | str) -> DeliveryError:
    found = _ENHANCED.match(said if isinstance(said, bytes) else said.encode())
    text = f"{server.where} answered {code}{f' {found[1].decode()}' if found else ''}"
    if code in _CREDENTIALS:
        return BadCredentialsError(f"{text} (check username and password)", status=401)
    if code == _UNAVAILABLE:
        return UnreachableError(text)
    if code in _TEMPORARY:
        return ServiceFailedError(text)
    if stage.mail:
        return BadRequestError(f"{text}: it refuses this mail")
    return ForbiddenError(f"{text}: it does not serve this machine", status=403)


def _timed_out(server: MailServer, stage: _Stage) -> UnreachableError:
    if stage.data:
        return NoReplyError(f"{server.where} did not say within {server.timeout:g} s whether it has taken the mail")
    return ConnectError(f"{server.where} did not answer within {server.timeout:g} s")


def _lost(server: MailServer, stage: _Stage, error: OSError) -> UnreachableError:
    if stage.data:
        return ConnectionLostError(f"{server.where}: the connection broke, and it may have taken the mail")
    # the system's words, and those about a certificate, have no secret in them; smtplib's may be the server's
    said = "" if isinstance(error, smtplib.SMTPException) else f" {error}"
    return ConnectError(f"{server.where}: {type(error).__name__}{said}")


@cache
def _own_name() -> str:
    """Return what this machine calls itself, as smtplib does; once, since it may take the name service seconds."""
    name = socket.getfqdn()
    return name if "." in name else "[127.0.0.1]"
