"""The tables: the guide's fields, and the indices that its chapter on performance asks for."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import AsyncAdaptedQueuePool

from examples.patient_chat.database import make_engine
from examples.patient_chat.ids import conversation_id, new_id
from examples.patient_chat.models import Base
from tests.examples.patient_chat.conftest import Someone, Stage


def columns() -> dict[str, tuple[str, ...]]:
    indexes = Base.metadata.tables["messages"].indexes
    return {str(one.name): tuple(column.name for column in one.columns) for one in indexes}


def test_a_message_has_the_guides_fields() -> None:
    table = Base.metadata.tables["messages"]

    assert set(table.columns.keys()) >= {
        "sender_id",
        "receiver_id",
        "content",
        "message_type",
        "file_url",
        "file_name",
        "is_read",
        "read_at",
        "conversation_id",
        "created_at",
        "updated_at",
    }


def test_messages_are_indexed_as_the_guide_says() -> None:
    assert set(columns().values()) >= {
        ("sender_id", "receiver_id"),
        ("conversation_id", "created_at"),
        ("created_at",),
        ("receiver_id", "is_read"),
    }


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (
            "SELECT * FROM messages WHERE conversation_id = 'x' ORDER BY created_at DESC LIMIT 50",
            "ix_messages_conversation_created",
        ),
        (
            "SELECT count(*) FROM messages WHERE receiver_id = 'x' AND is_read = 0",
            "ix_messages_receiver_unread",
        ),
    ],
)
def test_the_database_uses_them(stage: Stage, query: str, index: str) -> None:
    with closing(sqlite3.connect(stage.folder / "chat.db")) as connection:
        plan = " ".join(str(row) for row in connection.execute(f"EXPLAIN QUERY PLAN {query}"))

    assert index in plan
    assert "TEMP B-TREE" not in plan


def test_when_a_message_changed_is_kept(stage: Stage, ana: Someone, doe: Someone) -> None:
    said = ana.say(doe, "Hello")
    doe.put(f"/chat/conversations/{ana.id}/read")

    query = "SELECT conversation_id, is_read, read_at, created_at, updated_at FROM messages WHERE id = ?"
    with closing(sqlite3.connect(stage.folder / "chat.db")) as connection:
        found = connection.execute(query, [said["_id"]]).fetchone()
    assert found[:2] == ("_".join(sorted([ana.id, doe.id])), 1)
    assert found[2] > found[3]
    assert found[4] > found[3]


def test_ids_made_later_are_greater_and_conversations_are_the_same_for_both() -> None:
    ids = [new_id() for _ in range(100)]

    assert ids == sorted(set(ids))
    assert conversation_id("b", "a") == conversation_id("a", "b") == "a_b"


def test_connections_to_postgresql_are_pooled() -> None:
    engine = make_engine("postgresql+psycopg://nobody@127.0.0.1/none")

    assert isinstance(engine.pool, AsyncAdaptedQueuePool)
    assert engine.pool.size() == 10
