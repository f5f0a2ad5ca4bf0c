"""The command of the practice: who is a doctor, and who treats whom."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from examples.patient_chat import manage
from tests.examples.patient_chat.conftest import HASHER, Someone, Stage, make_settings

PASSWORD = "a doctor's password"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, stage: Stage) -> None:
    monkeypatch.setenv("DATABASE_URL", make_settings(stage.folder).database_url)
    monkeypatch.setattr(getpass, "getpass", lambda: PASSWORD)


def run(*arguments: str) -> int:
    return manage.main(arguments, hasher=HASHER)


def test_a_doctor_is_added_and_treats_a_new_patient(stage: Stage, stranger: Someone) -> None:
    form = {"fullname": "Dana Novak", "email": "dana@example.com", "password": "a long password"}
    data = stranger.post("/auth/register", form).json()["data"]
    dana = Someone(stage, data["token"], data["user"]["_id"])

    assert run("add-doctor", "Dr. New", "new@example.com") == 0
    assert run("treat", "new@example.com", "DANA@example.com") == 0

    login = stranger.post("/auth/login", {"email": "new@example.com", "password": PASSWORD}).json()["data"]
    doctor = Someone(stage, login["token"], login["user"]["_id"])
    assert login["user"]["role"] == "doctor"
    assert dana.say(doctor, "Hello doctor!")["receiver"]["fullname"] == "Dr. New"


def test_a_treatment_ends_and_begins_again(stage: Stage, ana: Someone, doe: Someone) -> None:
    def answered() -> int:
        return ana.post("/users/send-message", {"doctorId": doe.id, "content": "Hello"}).status_code

    assert run("end-treatment", "doe@example.com", "ana@example.com") == 0
    assert answered() == 403
    assert run("treat", "doe@example.com", "ana@example.com") == 0
    assert answered() == 201


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["treat", "nobody@example.com", "ana@example.com"], "There is no doctor with the email address"),
        (["treat", "ana@example.com", "doe@example.com"], "There is no doctor with the email address"),
        (["treat", "doe@example.com", "smith@example.com"], "There is no patient with the email address"),
        (["add-doctor", "Dr. Doe", "doe@example.com"], "There is an account with this email address already"),
        (["add-doctor", "Dr. No", "no address"], "email"),
    ],
)
def test_what_cannot_be_is_said(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 1
    assert told in capsys.readouterr().err


def test_nothing_is_written_elsewhere(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    run("treat", "doe@example.com", "chiara@example.com")

    assert list(tmp_path.iterdir()) == []
