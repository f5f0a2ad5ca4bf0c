"""Metrics for who has the token; who connects and leaves, in the log; and nothing of anybody's messages in either."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.examples.patient_chat.conftest import Refused, Someone, Stage

TOKEN = "metrics-token"


def figures(stage: Stage) -> dict[str, float]:
    answer = stage.client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    return {
        one.name
        + "".join(f"{{{value}}}" for value in one.labels.values() if not one.name.endswith("_bucket")): one.value
        for family in text_string_to_metric_families(answer.text)
        for one in family.samples
    }


@pytest.fixture
def watched(make_stage: Callable[..., Stage]) -> Stage:
    return make_stage(metrics_token=TOKEN)


def test_connections_events_messages_and_errors_are_counted(watched: Stage) -> None:
    ana, doe = watched.sign_in("ana"), watched.sign_in("doe")
    at_ana, at_doe, second = ana.open(), doe.open(), doe.open()
    at_ana.emit("send_message", {"receiverId": doe.id, "content": "Hello"})
    at_doe.next("new_message")
    at_doe.emit("mark_read", {"senderId": ana.id})
    at_doe.emit("mark_read", {"senderId": "nobody"})
    ana.get("/nowhere")
    with pytest.raises(Refused):
        watched.open({"token": "nonsense"})
    second.close()
    at_doe.close()
    at_ana.next("user_status_change", userId=doe.id, isOnline=False)

    seen = figures(watched)

    assert seen["chat_connections"] == 1
    assert seen["chat_connected_total"] == 3
    assert seen["chat_refused_connections_total{401}"] == 1
    assert sum(value for name, value in seen.items() if name.startswith("chat_disconnected_total")) == 2
    assert seen["chat_messages_total{text}"] == 1
    assert seen["chat_messages_read_total"] == 1
    assert seen["chat_event_seconds_count{send_message}"] == 1
    assert seen["chat_event_seconds_count{mark_read}"] == 2
    assert seen["chat_errors_total{400}{mark_read}"] == 1
    assert seen["chat_errors_total{404}{http}"] == 1
    # broadcastkit's own: new_message, message_sent, messages_read and so on
    assert seen["broadcastkit_sent_messages_total{default}"] >= 5
    assert "broadcastkit_waiting_messages" in seen


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}])
def test_metrics_are_for_who_has_the_token(watched: Stage, headers: dict[str, str]) -> None:
    assert watched.client.get("/metrics", headers=headers).status_code == 404


def test_without_a_token_there_are_none(stage: Stage) -> None:
    assert stage.client.get("/metrics", headers={"Authorization": "Bearer None"}).status_code == 404


def test_a_load_balancer_may_ask_for_health(stage: Stage) -> None:
    assert stage.client.get("/health").json() == {"success": True, "data": {"status": "up"}}


def test_who_connects_and_leaves_is_logged(stage: Stage, doe: Someone, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "patient_chat.connections")
    ana = stage.sign_in("ana")
    at_doe, first, second = doe.open(), ana.open(), ana.open()
    at_doe.next("user_status_change")
    first.close()
    second.close()
    at_doe.next("user_status_change")
    with pytest.raises(Refused):
        stage.open({"token": "nonsense"})

    ours = [record.getMessage() for record in caplog.records if record.name == "patient_chat.connections"]
    assert [line for line in ours if doe.id not in line] == [
        f"connected: user {ana.id}, first tab",
        f"connected: user {ana.id}, another tab",
        f"disconnected: user {ana.id}, transport close, not the last tab",
        f"disconnected: user {ana.id}, transport close, last tab",
        "refused: Invalid token: sign in again",
    ]
