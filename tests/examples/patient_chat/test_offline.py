"""Whoever is not connected hears of a message by email, from a real mail server's end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.examples.patient_chat.conftest import Stage
from tests.offline.sinks import MailServer, mail_server


@pytest.fixture
def mails() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def mailing(make_stage: Callable[..., Stage], mails: MailServer) -> Stage:
    return make_stage(mail_url=f"smtp+none://127.0.0.1:{mails.port}", mail_from="practice@example.com")


def test_who_is_away_gets_a_mail_that_names_the_sender_and_not_what_was_said(mailing: Stage, mails: MailServer) -> None:
    ana, doe = mailing.sign_in("ana"), mailing.sign_in("doe")

    doe.say(ana, "of my health")

    mail = mails.mail()
    assert mail.to == ["ana@example.com"]
    assert mail.sender == "practice@example.com"
    assert mail.message["Subject"] == "Dr. John Doe has written to you"
    text = mail.message.get_content()
    assert text.startswith("Hello Ana Lima,")
    assert "of my health" not in mail.message.as_string()


def test_who_is_connected_gets_none(mailing: Stage, mails: MailServer) -> None:
    ana, doe, smith = (mailing.sign_in(name) for name in ("ana", "doe", "smith"))
    chiara = mailing.sign_in("chiara")
    at_ana = ana.open()

    doe.say(ana, "one")
    at_ana.next("new_message")
    smith.say(chiara, "the fence")

    assert mails.mail().to == ["chiara@example.com"]
    assert mails.mails.empty()


def test_what_waits_already_needs_no_second_mail(mailing: Stage, mails: MailServer) -> None:
    ana, doe, smith = (mailing.sign_in(name) for name in ("ana", "doe", "smith"))
    chiara = mailing.sign_in("chiara")

    doe.say(ana, "one")
    assert mails.mail().to == ["ana@example.com"]
    doe.say(ana, "two")
    smith.say(chiara, "the fence")
    assert mails.mail().to == ["chiara@example.com"]

    ana.put(f"/chat/conversations/{doe.id}/read")
    doe.say(ana, "three")
    assert mails.mail().to == ["ana@example.com"]


def test_messages_in_a_row_make_one_mail(mailing: Stage, mails: MailServer) -> None:
    ana, doe = mailing.sign_in("ana"), mailing.sign_in("doe")

    for number in range(5):
        doe.say(ana, f"number {number}")
    assert mails.mail().to == ["ana@example.com"]
    ana.put(f"/chat/conversations/{doe.id}/read")
    # after those on Ana's channel
    doe.say(ana, "the fence")

    assert mails.mail().to == ["ana@example.com"]
    assert mails.mails.empty()


def test_a_mail_server_that_is_away_keeps_nobody_from_writing(mailing: Stage, mails: MailServer) -> None:
    ana, doe = mailing.sign_in("ana"), mailing.sign_in("doe")
    mails.stop()

    doe.say(ana, "one")

    mails.start()
    assert mails.mail().to == ["ana@example.com"]
