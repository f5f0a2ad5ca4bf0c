"""What a mail says, as a message of the standard library's: checked, so that nothing in it becomes a header. No I/O."""

from __future__ import annotations

import re
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from broadcastkit.errors import InvalidInputError

__all__ = ["letter", "mailbox", "message_id"]

_ID = re.compile(r"[A-Za-z0-9._+=-]{1,128}")
_BREAK = re.compile(r"[\r\n\x00]")


def mailbox(address: object, name: str = "", *, what: str) -> Address:
    """Return an address of mail, with a name to show before it; a domain that is not ASCII becomes what DNS has.

    Raises:
        InvalidInputError: it is none. It is not shown: it is a person's.
    """
    if not isinstance(address, str) or _BREAK.search(address) or _BREAK.search(name):
        raise InvalidInputError(f"{what} must be one address such as ada@example.com, in one line")
    local, _, domain = address.strip().rpartition("@")
    try:
        return Address(name, addr_spec=f"{local}@{domain.encode('idna').decode()}")
    except (ValueError, IndexError, AttributeError, MessageError):  # which of them, depends on what is wrong
        raise InvalidInputError(f"{what} must be one address such as ada@example.com") from None


def message_id(id_: object, sender: Address) -> str:
    """Return the Message-ID for an id.

    Raises:
        InvalidInputError: there is something in it that may not be.
    """
    if not isinstance(id_, str) or _ID.fullmatch(id_) is None:
        raise InvalidInputError("id must be 1 to 128 ASCII letters, digits and . _ + = -, such as missed.id")
    return f"<{id_}@{sender.domain}>"


def letter(
    *, sender: Address, to: Address, subject: str, text: str, html: str | None, id_: str, date: datetime
) -> EmailMessage:
    """Return a mail in plain text, and in HTML beside that if there is any.

    Raises:
        InvalidInputError: a header would have more than a line, or something is no text.
    """
    for what, value in {"subject": subject, "text": text, "html": "" if html is None else html}.items():
        if not isinstance(value, str):
            raise InvalidInputError(f"{what} must be a str, not {type(value).__name__}")
    if _BREAK.search(subject):
        raise InvalidInputError("subject must be one line")
    made = EmailMessage()
    made["From"] = sender
    made["To"] = to
    made["Subject"] = subject
    made["Date"] = format_datetime(date)
    made["Message-ID"] = message_id(id_, sender)
    # RFC 3834: nobody's holiday replier is to answer
    made["Auto-Submitted"] = "auto-generated"
    try:
        made.set_content(text)
        if html is not None:
            made.add_alternative(html, subtype="html")
    except UnicodeError:  # its text quotes what it cannot write
        raise InvalidInputError("text and html must be Unicode: there is half a character in one") from None
    return made
