"""The main path on PostgreSQL, by one variable."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from examples.dentist_chat.app import create_app
from examples.dentist_chat.settings import Settings
from tests.examples.dentist_chat.conftest import PNG, QUICK, sign_in
from tests.examples.dentist_chat.sinks import Mails, listening
from tests.interop.postgres_servers import PostgresServer
from tests.interop.servers import free_port


@pytest.mark.real
def test_the_main_path(postgres: PostgresServer, tmp_path: Path) -> None:
    mails, port = Mails(), free_port()
    environ = {
        # as Laravel and Heroku write it
        "DATABASE_URL": postgres.url().replace("postgresql+psycopg", "postgresql"),
        "STORAGE_DIR": str(tmp_path),
        "APP_DEMO": "true",
        "MAIL_HOST": "127.0.0.1",
        "MAIL_PORT": str(port),
        "MAIL_ENCRYPTION": "null",
        **QUICK,
    }
    with listening(mails, port), TestClient(create_app(environ)) as client:
        maya, ruiz = sign_in(client, "maya"), sign_in(client, "ruiz")
        assert [one["id"] for one in ruiz.get("/api/v2/consultations/2").json()] == [2, 1]
        assert ruiz.subscribe("private-conversation.1").status_code == 200
        assert ruiz.subscribe("private-conversation.3").status_code == 403
        assert ruiz.subscribe(f"private-conversation.{10**30}").status_code == 403

        sent = maya.write(1, "Hello\x00 doctor \N{TOOTH}").json()
        assert mails.take(1)[0]["Subject"] == "New message from Maya Lindqvist"
        assert ruiz.history(1)[0] == "Hello doctor \N{TOOTH}"
        assert ruiz.post("/chat/conversation/1/read", {}).json()["message_ids"] == [sent["id"]]
        url = maya.attach(1, PNG).json()["attachments"][0]["url"]
        assert ruiz.get(url).content == PNG

        plan = ruiz.post("/chat/conversation/1/plans", {"summary": "Remove it."}).json()
        accept = f"/chat/conversation/1/plans/{plan['id']}/accept"
        assert [maya.post(accept).status_code for _ in range(2)] == [200, 409]
        for path in (f"/chat/conversation/{10**20}/messages", f"/chat/attachments/{10**20}"):
            assert maya.get(path).status_code == 404
        assert maya.post("/api/v2/logout").status_code == 204
    assert not (tmp_path / "chat.db").exists()


@pytest.mark.parametrize(
    ("given", "awaited", "blocking"),
    [
        ("postgresql://u@h/d", "postgresql+psycopg://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgres://u@h/d", "postgresql+psycopg://u@h/d", "postgresql+psycopg://u@h/d"),
        ("sqlite:////tmp/x.db", "sqlite+aiosqlite:////tmp/x.db", "sqlite:////tmp/x.db"),
    ],
)
def test_how_the_database_is_named(given: str, awaited: str, blocking: str) -> None:
    settings = Settings.from_env({"DATABASE_URL": given})
    assert settings.database.render_as_string() == awaited
    assert settings.blocking_database.render_as_string() == blocking
