"""Every rule, for everybody: who may listen, who may write to whom, and who may ask what."""

from __future__ import annotations

from typing import Any

import pytest

from broadcastkit.testing import assert_authorized, assert_denied
from examples.patient_chat.models import Role, User
from examples.patient_chat.rules import UserChannel, channels
from tests.examples.patient_chat.conftest import PEOPLE, Someone, Stage

NAMES = list(PEOPLE)
# As the seed has it.
TREATED = {("doe", "ana"), ("smith", "ana"), ("doe", "ben"), ("smith", "chiara")}
PATIENTS = ["ana", "ben", "chiara"]


def user(number: str, role: Role) -> User:
    return User(id=number * 24, fullname="Somebody", email="somebody@example.com", role=role, password="hash")


@pytest.mark.parametrize("role", list(Role))
def test_everybody_listens_to_his_own_channel_only(role: Role) -> None:
    somebody = user("1", role)

    assert_authorized(UserChannel(user_id=somebody.id), somebody, channels=channels)
    assert_denied(UserChannel(user_id="2" * 24), somebody, channels=channels)
    assert_denied(UserChannel(user_id="1" * 23), somebody, channels=channels)


def test_a_guest_listens_to_nothing() -> None:
    assert_denied(UserChannel(user_id="1" * 24), None, channels=channels)


@pytest.mark.parametrize("writer", NAMES)
def test_messages_go_between_a_doctor_and_a_patient_whom_he_treats(stage: Stage, writer: str) -> None:
    people = {name: stage.sign_in(name) for name in NAMES}
    tab = people[writer].open()

    for other in NAMES:
        allowed = (writer, other) in TREATED or (other, writer) in TREATED
        receiver = people[other].id
        answer = tab.emit("send_message", {"receiverId": receiver, "content": "Hello"})
        assert answer["success"] is allowed, other
        assert tab.emit("typing_start", {"receiverId": receiver})["success"] is allowed, other
        assert tab.emit("typing_stop", {"receiverId": receiver})["success"] is allowed, other
        assert tab.emit("mark_read", {"senderId": receiver})["success"] is allowed, other
        read = people[writer].get(f"/chat/conversations/{receiver}")
        assert read.status_code == (200 if allowed else 404), other
        marked = people[writer].put(f"/chat/conversations/{receiver}/read")
        assert marked.status_code == (200 if allowed else 404), other


@pytest.mark.parametrize("writer", NAMES)
def test_each_role_has_its_addresses(stage: Stage, writer: str) -> None:
    people = {name: stage.sign_in(name) for name in NAMES}
    me = people[writer]

    for other in NAMES:
        allowed = (writer, other) in TREATED or (other, writer) in TREATED
        to_doctor = me.post("/users/send-message", {"doctorId": people[other].id, "content": "Hello"})
        to_patient = me.post(f"/doctors/patients/{people[other].id}/messages", {"message": "Hello"})
        from_doctor = me.get(f"/users/conversations/{people[other].id}")
        from_patient = me.get(f"/doctors/patients/{people[other].id}/messages")
        mine, others = (to_doctor, to_patient) if writer in PATIENTS else (to_patient, to_doctor)
        read, not_read = (from_doctor, from_patient) if writer in PATIENTS else (from_patient, from_doctor)
        assert mine.status_code == (201 if allowed else 404), other
        assert read.status_code == (200 if allowed else 404), other
        assert (others.status_code, not_read.status_code) == (403, 403), other


PATIENTS_ONLY = [
    ("POST", "/users/send-message"),
    ("GET", "/users/conversations"),
    ("GET", "/users/conversations/{id}"),
    ("PUT", "/users/conversations/{id}/read"),
    ("GET", "/users/unread-count"),
]
DOCTORS_ONLY = [("POST", "/doctors/patients/{id}/messages"), ("GET", "/doctors/patients/{id}/messages")]
FOR_BOTH = [
    ("GET", "/chat/conversations"),
    ("GET", "/chat/conversations/{id}"),
    ("PUT", "/chat/conversations/{id}/read"),
    ("GET", "/chat/unread-count"),
    ("POST", "/chat/online-status"),
    ("GET", "/chat/search?query=doctor"),
    ("GET", "/chat/contacts"),
    ("POST", "/chat/uploads"),
    ("GET", "/chat/files/{id}"),
    ("GET", "/auth/me"),
    ("POST", "/auth/logout"),
]


@pytest.mark.parametrize(("method", "path"), PATIENTS_ONLY)
def test_patients_addresses_are_closed_to_doctors(doe: Someone, ana: Someone, method: str, path: str) -> None:
    answer = doe.ask(method, path.format(id=ana.id))

    assert (answer.status_code, answer.json()) == (
        403,
        {"success": False, "message": "This is for a patient only"},
    )


@pytest.mark.parametrize(("method", "path"), DOCTORS_ONLY)
def test_doctors_addresses_are_closed_to_patients(ana: Someone, doe: Someone, method: str, path: str) -> None:
    answer = ana.ask(method, path.format(id=doe.id))

    assert (answer.status_code, answer.json()) == (403, {"success": False, "message": "This is for a doctor only"})


@pytest.mark.parametrize(("method", "path"), [*PATIENTS_ONLY, *DOCTORS_ONLY, *FOR_BOTH])
def test_every_address_is_closed_to_who_is_not_signed_in(stranger: Someone, method: str, path: str) -> None:
    answer = stranger.ask(method, path.format(id="0" * 24))

    assert (answer.status_code, answer.json()["success"]) == (401, False)


@pytest.mark.parametrize("what", ["is nobody", "is another's patient"])
def test_who_is_not_there_and_who_is_anothers_are_answered_alike(stage: Stage, what: str) -> None:
    doe, chiara = stage.sign_in("doe"), stage.sign_in("chiara")
    other = "0" * 24 if what == "is nobody" else chiara.id

    answers: list[Any] = [
        doe.post(f"/doctors/patients/{other}/messages", {"message": "Hello"}),
        doe.get(f"/doctors/patients/{other}/messages"),
    ]

    for answer in answers:
        assert (answer.status_code, answer.json()) == (404, {"success": False, "message": "Patient not found"})
