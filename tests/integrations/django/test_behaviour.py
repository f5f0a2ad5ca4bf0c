"""Django: the shared behaviour, through its WSGI handler and through its ASGI handler."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from django.test import override_settings

from broadcastkit.integrations.answers import BODY_LIMIT
from tests.integrations.behaviour import (
    AUTH,
    FORM,
    AuthorizeBehaviour,
    HostileBehaviour,
    LimitBehaviour,
    SignInBehaviour,
    SocketIdBehaviour,
    TenantBehaviour,
)
from tests.integrations.django_project.suite import InAsgi, InWsgi


@pytest.fixture(autouse=True)
def _errors_come_out() -> Iterator[None]:
    # the application's own, as from Django's test client
    with override_settings(DEBUG_PROPAGATE_EXCEPTIONS=True):
        yield


class TestWsgiAuthorize(AuthorizeBehaviour):
    integration = InWsgi()


class TestWsgiSignIn(SignInBehaviour):
    integration = InWsgi()


class TestWsgiLimit(LimitBehaviour):
    integration = InWsgi()


class TestWsgiTenant(TenantBehaviour):
    integration = InWsgi()


class TestWsgiSocketId(SocketIdBehaviour):
    integration = InWsgi()


class TestWsgiHostile(HostileBehaviour):
    integration = InWsgi()


class TestAsgiAuthorize(AuthorizeBehaviour):
    integration = InAsgi()

    async def test_a_body_in_chunks_is_read_no_further_than_the_limit(self, client: httpx.AsyncClient) -> None:
        # Django has all of a body on disk before it looks for a view; the view still reads no more than this
        async def chunks() -> AsyncIterator[bytes]:
            yield self._body_of(1024)
            for _ in range(100):
                yield b"x" * BODY_LIMIT

        answer = await client.post(AUTH, content=chunks(), headers={"Content-Type": FORM})

        assert (answer.status_code, answer.json()) == (413, {"error": "the request body is too long"})


class TestAsgiSignIn(SignInBehaviour):
    integration = InAsgi()


class TestAsgiLimit(LimitBehaviour):
    integration = InAsgi()


class TestAsgiTenant(TenantBehaviour):
    integration = InAsgi()


class TestAsgiSocketId(SocketIdBehaviour):
    integration = InAsgi()


class TestAsgiHostile(HostileBehaviour):
    integration = InAsgi()
