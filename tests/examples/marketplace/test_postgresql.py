"""The main path on PostgreSQL, which DATABASE_URL names."""

from __future__ import annotations

import pytest
from litestar.testing import TestClient

from broadcastkit.testing import Broadcasts
from examples.marketplace.app import create_app
from examples.marketplace.events import MessageSent
from tests.examples.marketplace.conftest import Someone, filled, sign_in
from tests.interop.postgres_servers import PostgresServer

pytestmark = pytest.mark.real


def test_the_main_path(postgres: PostgresServer, broadcasts: Broadcasts) -> None:
    url = filled(postgres.url())
    with TestClient(create_app({"DATABASE_URL": url})) as client:
        ben, ada = (
            Someone(client, {"Authorization": f"Bearer {sign_in(client, email).json()['token']}"})
            for email in ("ben@envisage.test", "ada@envisage.test")
        )
        assert [one["id"] for one in ben.get("/api/listings", q="CHAIR").json()["data"]] == [1]
        # no text of PostgreSQL's has this character
        assert [one["id"] for one in ben.get("/api/listings", q="cha\0ir").json()["data"]] == [1]
        assert sign_in(client, "nobody\0@envisage.test").status_code == 401
        begun = ben.post("/api/conversations", {"listing_id": 3, "content": "Is it still there?"}).json()
        sent = ada.write(begun["id"], "It is.").json()
        assert ben.read(begun["id"]) == ["Is it still there?", "It is."]
        assert ben.get("/api/conversations").json()[0]["unread"] == 1
        assert ben.post(f"/api/conversations/{begun['id']}/read").status_code == 204
        assert ben.get("/api/conversations").json()[0]["unread"] == 0
        assert ada.get(f"/api/conversations/{begun['id']}").json()["last_message"]["read_at"] is not None
        assert ben.subscribe(f"private-conversation.{begun['id']}").status_code == 200
        assert ben.subscribe("private-conversation.3").status_code == 403
        assert ben.get(f"/api/conversations/{10**18}/messages").status_code == 404
        assert ben.post("/api/logout").status_code == 204
        assert ben.get("/api/user").status_code == 401
    broadcasts.assert_broadcast(MessageSent, on=f"private-conversation.{begun['id']}", times=2)
    assert broadcasts.recorded[2].payload == sent
