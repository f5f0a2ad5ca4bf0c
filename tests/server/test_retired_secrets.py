"""An app whose secret is being changed: what the old one has signed is accepted, and the new one signs."""

from __future__ import annotations

import pytest

from broadcastkit.authorization import SubscriptionGrant
from broadcastkit.errors import ConfigurationError
from broadcastkit.server import App, AsyncEmbeddedDriver, EmbeddedServer
from tests.server.test_http_api import EVENT, Service
from tests.server.tools import APP, AsgiSocket, auth, frame, sign

RETIRED = APP
CHANGING = App(APP.id, APP.key, "new-secret", retired_secrets=(APP.secret,))
CHANGED = App(APP.id, APP.key, "new-secret")


@pytest.mark.parametrize("signed_by", [RETIRED, CHANGED], ids=["old", "new"])
def test_requests_by_either_secret_are_served(signed_by: App) -> None:
    service = Service(CHANGING)
    service.app = signed_by

    assert service.post("/events", EVENT)[0] == {}


def test_requests_by_a_secret_that_is_gone_are_refused() -> None:
    service = Service(CHANGED)
    service.app = RETIRED

    assert service.refused("POST", "/events", EVENT) == (401, "auth_signature does not fit the request")


@pytest.mark.parametrize("signed_by", [RETIRED, CHANGED], ids=["old", "new"])
async def test_clients_that_either_secret_lets_in_are_let_in(signed_by: App) -> None:
    user_data = '{"id":"7"}'
    async with AsgiSocket(EmbeddedServer(CHANGING)) as client:
        socket_id = await client.open()
        signature = auth(socket_id, "private-x", app=signed_by)
        client.send(frame("pusher:subscribe", {"channel": "private-x", "auth": signature}))
        assert (await client.receive())["event"] == "pusher_internal:subscription_succeeded"
        signature = f"{APP.key}:{sign(f'{socket_id}::user::{user_data}', signed_by)}"
        client.send(frame("pusher:signin", {"auth": signature, "user_data": user_data}))
        assert (await client.receive())["event"] == "pusher:signin_success"


def test_the_new_secret_signs() -> None:
    driver = AsyncEmbeddedDriver(EmbeddedServer(CHANGING))

    answer = driver.answer_subscription(SubscriptionGrant("1.2", "private-x"))

    assert answer.auth == f"{APP.key}:{sign('1.2:private-x', CHANGED)}"


def test_no_repr_shows_a_secret() -> None:
    assert APP.secret not in repr(CHANGING)
    assert "new-secret" not in repr(CHANGING)


@pytest.mark.parametrize(
    ("retired", "text"),
    [("old-secret", "retired_secrets is a tuple of secrets, not one str"), (("",), "secret must not be empty")],
)
def test_retired_secrets_that_are_none(retired: tuple[str, ...], text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{text}$"):
        App("app-id", "app-key", "new-secret", retired_secrets=retired)
