"""The guide's own snippets, as they stand but for host, token and ids, with a real socket.io-client in Node."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from dirty_equals import IsPartialDict

from tests.examples.patient_chat.conftest import Someone
from tests.interop.clients import NodeClient

pytestmark = pytest.mark.real

SCRIPT = Path(__file__).parent / "guide" / "run.mjs"
MESSAGE_KEYS = {
    "_id",
    "sender",
    "receiver",
    "content",
    "messageType",
    "fileUrl",
    "fileName",
    "isRead",
    "createdAt",
}


class Snippets(NodeClient):
    """Somebody who runs snippets of the guide."""

    def __init__(self, user: Someone, other: Someone, *snippets: str, token: str | None = None) -> None:
        super().__init__(str(SCRIPT))
        token = token or user.token
        words = {"http://localhost:3000": user.stage.address, "your_jwt_token": token, "doctor_user_id": other.id}
        self.command("run", snippets=snippets, words=words, token=token)

    def printed(self, text: str) -> Any:
        return self.expect("printed", text=text)["value"]


@pytest.fixture
def run() -> Iterator[Callable[..., Snippets]]:
    with ExitStack() as clients:
        yield lambda *args, **options: clients.enter_context(Snippets(*args, **options))


def test_the_event_snippets(run: Callable[..., Snippets], ana: Someone, doe: Someone) -> None:
    doctor = run(doe, ana, "connect", "server_to_client")
    doctor.expect("connected")
    patient = run(ana, doe, "client_to_server", "server_to_client")

    message = doctor.printed("New message received:")
    assert message.keys() == MESSAGE_KEYS
    assert (message["content"], message["sender"]["_id"], message["receiver"]["_id"]) == (
        "Hello doctor!",
        ana.id,
        doe.id,
    )
    assert patient.printed("Message sent successfully:") == message
    assert doctor.printed("User is typing:") == ana.id
    assert doctor.printed("User stopped typing:") == ana.id
    # the doctor's own coming; Ana's, and her set_status
    changed = [doctor.printed("User status changed:") for _ in range(3)]
    assert changed == [{"userId": one, "isOnline": True, "status": "available"} for one in (doe.id, ana.id, ana.id)]

    doctor.command("emit", event="mark_read", args=[{"senderId": ana.id}])
    assert patient.printed("Messages read by:") == doe.id
    doctor.command("emit", event="mark_read", args=[{"senderId": "nobody"}])
    assert doctor.printed("Socket error:").startswith("Validation failed: senderId")
    # each event came with the one argument that the snippets take
    assert all(len(one["args"]) == 1 for one in [*doctor.events, *patient.events])


def test_the_frontend_snippet(run: Callable[..., Snippets], ana: Someone, doe: Someone) -> None:
    doctor, patient = run(doe, ana, "frontend"), run(ana, doe, "frontend")
    doctor.expect("connected")
    patient.expect("connected")

    patient.command("call", name="sendMessage", args=[doe.id, "Hello!"])
    assert doctor.expect("displayed")["message"] == IsPartialDict(content="Hello!", messageType="text", isRead=False)

    for _ in range(3):
        patient.command("call", name="handleTyping", args=[doe.id])
    assert doctor.expect("event", event="typing_start")["args"] == [{"userId": ana.id}]
    assert doctor.expect("event", event="typing_stopped")["args"] == [{"userId": ana.id}]
    assert [one["event"] for one in doctor.events].count("typing_start") == 1


def test_a_wrong_token_is_a_connect_error(run: Callable[..., Snippets], ana: Someone, doe: Someone) -> None:
    refused = run(ana, doe, "frontend", token="your_jwt_token").expect("refused")

    assert refused["message"] == "Authentication error: Invalid token: sign in again"
