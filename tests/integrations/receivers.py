"""What every framework does with webhooks, as classes of tests: a module subclasses them and names its `framework`.

class TestWebhooks(BlockingReceiverBehaviour):
    framework = MyFramework()
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Protocol

import httpx
import pusher.crypto
import pytest

from broadcastkit.errors import ConfigurationError
from broadcastkit.integrations.webhooks import WEBHOOK_BODY_LIMIT, AsyncWebhookReceiver, WebhookReceiver
from broadcastkit.webhooks import ClientEventReceived, MemberAdded, WebhookEvent, WebhookHandlers
from tests.webhooks.tools import KEY, MASTER_KEY, NOW, OLD_MASTER_KEY, SECRET, body_of, headers_for

__all__ = ["ADDED", "BODY", "LIMIT", "PATH", "AsyncReceiverBehaviour", "BlockingReceiverBehaviour", "Framework"]

PATH = "/broadcasting/webhooks"
ADDED = {"name": "member_added", "channel": "presence-x", "user_id": "7"}
BODY = body_of(ADDED)
TOO_LONG = {"error": "the request body is too long"}
LIMIT = 4096


class Framework(Protocol):
    """One framework, which takes webhooks at PATH."""

    def transport(self, receiver: Any, *, read_before: bool = False) -> httpx.AsyncBaseTransport:
        """Serve the receiver in this process; `read_before`: something of the application reads each body first."""
        ...


class _ReceiverBehaviour:
    framework: ClassVar[Framework]
    color: ClassVar[type[WebhookReceiver | AsyncWebhookReceiver]]

    @pytest.fixture
    def seen(self) -> list[WebhookEvent]:
        return []

    @pytest.fixture
    def handlers(self, seen: list[WebhookEvent]) -> WebhookHandlers:
        handlers = WebhookHandlers()
        handlers.on(WebhookEvent)(seen.append)
        return handlers

    @pytest.fixture
    async def client(self, handlers: WebhookHandlers) -> AsyncIterator[httpx.AsyncClient]:
        async with self.serving(handlers) as client:
            yield client

    @asynccontextmanager
    async def serving(
        self, handlers: WebhookHandlers, *, read_before: bool = False, **options: Any
    ) -> AsyncIterator[httpx.AsyncClient]:
        receiver = self.color(handlers, **{"keys": (KEY, SECRET), **options})
        transport = self.framework.transport(receiver, read_before=read_before)
        async with httpx.AsyncClient(transport=transport, base_url="http://site.test") as client:
            yield client

    # -- taken -----------------------------------------------------------------------------------------------------

    async def test_what_is_signed_is_handled(self, client: httpx.AsyncClient, seen: list[WebhookEvent]) -> None:
        answer = await client.post(PATH, content=BODY, headers=headers_for(BODY))

        assert (answer.status_code, answer.content) == (200, b'{"ok":true}')
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-length"] == str(len(answer.content))
        assert seen == [MemberAdded(channel="presence-x", user_id="7")]

    async def test_any_of_several_keys_signs(self, handlers: WebhookHandlers) -> None:
        async with self.serving(handlers, keys=[("next-key", "next-secret"), (KEY, SECRET)]) as client:
            for key, secret in ((KEY, SECRET), ("next-key", "next-secret")):
                answer = await client.post(PATH, content=BODY, headers=headers_for(BODY, key, secret))
                assert answer.status_code == 200

    async def test_what_a_client_has_encrypted_is_opened(
        self, handlers: WebhookHandlers, seen: list[WebhookEvent]
    ) -> None:
        vault = "private-encrypted-vault.3"
        # another maker encrypts, with the master key before the current one
        data = pusher.crypto.encrypt(vault, '{"code":7}', pusher.crypto.parse_master_key(None, OLD_MASTER_KEY))
        event = {"name": "client_event", "channel": vault, "event": "client-x", "socket_id": "1.2"}
        body = body_of({**event, "data": data}, {**event, "data": "noise"})

        async with self.serving(handlers, master_key=[MASTER_KEY, OLD_MASTER_KEY]) as client:
            answer = await client.post(PATH, content=body, headers=headers_for(body))

        assert answer.status_code == 200
        opened, noise = seen
        assert isinstance(opened, ClientEventReceived)
        assert isinstance(noise, ClientEventReceived)
        assert (opened.payload, opened.sealed, noise.sealed) == ({"code": 7}, False, True)

    async def test_a_body_in_chunks_is_one_body(self, client: httpx.AsyncClient, seen: list[WebhookEvent]) -> None:
        async def drops() -> AsyncIterator[bytes]:
            for byte in BODY:
                yield bytes([byte])
                yield b""

        answer = await client.post(PATH, content=drops(), headers=headers_for(BODY))

        assert answer.status_code == 200
        assert len(seen) == 1

    async def test_a_body_that_the_application_has_read_before(
        self, handlers: WebhookHandlers, seen: list[WebhookEvent]
    ) -> None:
        # not compact, so that no JSON that was written anew is the same bytes
        body = json.dumps(json.loads(BODY), indent=1).encode()

        async with self.serving(handlers, read_before=True) as client:
            answer = await client.post(PATH, content=body, headers=headers_for(body))

        assert answer.status_code == 200
        assert len(seen) == 1

    async def test_many_at_once(self, client: httpx.AsyncClient, seen: list[WebhookEvent]) -> None:
        bodies = [body_of({**ADDED, "user_id": str(number)}) for number in range(20)]

        answers = await asyncio.gather(*(client.post(PATH, content=body, headers=headers_for(body)) for body in bodies))

        assert {answer.status_code for answer in answers} == {200}
        assert {event.user_id for event in seen if isinstance(event, MemberAdded)} == {str(n) for n in range(20)}

    # -- refused ---------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("headers", "body", "status", "error"),
        [
            pytest.param({}, BODY, 401, "missing header", id="no header"),
            pytest.param(headers_for(BODY, "other"), BODY, 401, "unknown key", id="unknown key"),
            pytest.param(headers_for(BODY, KEY, "other"), BODY, 401, "bad signature", id="another secret"),
            pytest.param(headers_for(BODY), BODY + b" ", 401, "bad signature", id="another body"),
            pytest.param(headers_for(BODY), b"", 401, "bad signature", id="no body"),
            pytest.param({**headers_for(BODY), "Content-Type": "text/plain"}, BODY, 400, "wrong media type", id="text"),
            pytest.param(
                {**headers_for(BODY), "Content-Type": "application/x-www-form-urlencoded"},
                BODY,
                400,
                "wrong media type",
                id="form",
            ),
            pytest.param(headers_for(b"{}"), b"{}", 400, "malformed body", id="malformed"),
            pytest.param(headers_for(b"\xff"), b"\xff", 400, "malformed body", id="no JSON"),
        ],
    )
    async def test_what_is_refused(  # noqa: PLR0917 - pytest names them
        self,
        client: httpx.AsyncClient,
        seen: list[WebhookEvent],
        caplog: pytest.LogCaptureFixture,
        headers: dict[str, str],
        body: bytes,
        status: int,
        error: str,
    ) -> None:
        caplog.set_level(logging.INFO, "broadcastkit.webhooks")
        answer = await client.post(PATH, content=body, headers=headers)

        assert (answer.status_code, answer.json()) == (status, {"error": error})
        assert seen == []
        assert len(_logged(caplog)) == 1
        said = [headers[name] for name in ("X-Pusher-Signature", "X-Pusher-Key") if name in headers]
        assert not any(hidden in caplog.text for hidden in (SECRET, "presence-x", *said))

    async def test_what_is_stale(self, handlers: WebhookHandlers, seen: list[WebhookEvent]) -> None:
        for off, answered in ((599, (200, {"ok": True})), (601, (401, {"error": "stale"}))):
            async with self.serving(handlers, max_age=600, now=lambda off=off: NOW + off) as client:
                answer = await client.post(PATH, content=BODY, headers=headers_for(BODY))
            assert (answer.status_code, answer.json()) == answered

        assert len(seen) == 1

    async def test_a_body_may_be_so_long_and_no_longer(self, client: httpx.AsyncClient) -> None:
        longest = BODY + b" " * (WEBHOOK_BODY_LIMIT - len(BODY))
        longer = longest + b" "

        answer = await client.post(PATH, content=longest, headers=headers_for(longest))
        refused = await client.post(PATH, content=longer, headers=headers_for(longer))

        assert answer.status_code == 200
        assert (refused.status_code, refused.json()) == (413, TOO_LONG)

    async def test_a_limit_of_ones_own(self, handlers: WebhookHandlers) -> None:
        async with self.serving(handlers, body_limit=len(BODY)) as client:
            answer = await client.post(PATH, content=BODY, headers=headers_for(BODY))
            refused = await client.post(PATH, content=BODY + b" ", headers=headers_for(BODY + b" "))

        assert (answer.status_code, refused.status_code) == (200, 413)

    async def test_a_body_in_chunks_is_read_no_further_than_the_limit(self, handlers: WebhookHandlers) -> None:
        assert await self._sent_of_a_body_without_end(handlers) <= LIMIT + 1024

    async def _sent_of_a_body_without_end(self, handlers: WebhookHandlers) -> int:
        sent = 0

        async def without_end() -> AsyncIterator[bytes]:
            nonlocal sent
            while sent < 100 * LIMIT:
                sent += 1024
                yield b"x" * 1024

        async with self.serving(handlers, body_limit=LIMIT) as client:
            answer = await client.post(PATH, content=without_end(), headers=headers_for(BODY))

        assert (answer.status_code, answer.json()) == (413, TOO_LONG)
        return sent

    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
    async def test_other_methods(self, client: httpx.AsyncClient, seen: list[WebhookEvent], method: str) -> None:
        answer = await client.request(method, PATH, headers=headers_for(b""))

        assert answer.status_code == 405
        # Flask and Litestar answer OPTIONS by themselves, for CORS
        assert set(answer.headers["allow"].split(", ")) - {"OPTIONS"} == {"POST"}
        assert seen == []

    # -- handlers --------------------------------------------------------------------------------------------------

    async def test_a_handler_that_fails_has_it_sent_again(
        self, handlers: WebhookHandlers, seen: list[WebhookEvent], caplog: pytest.LogCaptureFixture
    ) -> None:
        failures = [LookupError("the database is away")]

        @handlers.on(MemberAdded)
        def fails_at_first(event: MemberAdded) -> None:
            if failures:
                raise failures.pop()

        async with self.serving(handlers) as client:
            failed = await client.post(PATH, content=BODY, headers=headers_for(BODY))
            again = await client.post(PATH, content=BODY, headers=headers_for(BODY))

        assert (failed.status_code, failed.json()) == (500, {"error": "a handler failed"})
        assert again.status_code == 200
        assert len(seen) == 2
        (record,) = _logged(caplog)
        assert record.levelname == "ERROR"
        assert "the database is away" in caplog.text
        assert "fails_at_first, called for MemberAdded" in caplog.text

    def test_handlers_alone_are_no_receiver(self) -> None:
        with pytest.raises(ConfigurationError, match=r" takes \w*WebhookReceiver( or \w+)?, not WebhookHandlers$"):
            self.framework.transport(WebhookHandlers())


class BlockingReceiverBehaviour(_ReceiverBehaviour):
    """POST of a webhook where nothing can be awaited."""

    color = WebhookReceiver

    async def test_async_handlers_are_refused(self) -> None:
        handlers = WebhookHandlers()

        async def came(event: MemberAdded) -> None: ...

        async with self.serving(handlers) as client:
            with pytest.raises(ConfigurationError, match=r"^WebhookReceiver is sync and cannot await .*came; use def$"):
                handlers.on(MemberAdded)(came)
            # and nothing of it is left
            assert (await client.post(PATH, content=BODY, headers=headers_for(BODY))).status_code == 200


class AsyncReceiverBehaviour(_ReceiverBehaviour):
    """POST of a webhook where handlers may be awaited."""

    color = AsyncWebhookReceiver

    async def test_async_handlers_are_awaited_and_others_may_block(self, handlers: WebhookHandlers) -> None:
        called: list[tuple[str, int | None]] = []

        @handlers.on(MemberAdded)
        async def here(event: MemberAdded) -> None:
            await asyncio.sleep(0)
            called.append(("here", _loop()))

        @handlers.on(MemberAdded)
        def elsewhere(event: MemberAdded) -> None:
            called.append(("elsewhere", _loop()))

        async with self.serving(handlers) as client:
            answer = await client.post(PATH, content=BODY, headers=headers_for(BODY))

        assert answer.status_code == 200
        (_, loop), others = called[0], called[1:]
        assert loop is not None
        assert others == [("elsewhere", None)]

    async def test_an_async_handler_that_fails_has_it_sent_again(self, handlers: WebhookHandlers) -> None:
        @handlers.on(MemberAdded)
        async def fails(event: MemberAdded) -> None:
            await asyncio.sleep(0)
            raise LookupError("the database is away")

        async with self.serving(handlers) as client:
            answer = await client.post(PATH, content=BODY, headers=headers_for(BODY))

        assert (answer.status_code, answer.json()) == (500, {"error": "a handler failed"})

    async def test_one_that_blocks_holds_up_nobody(self, handlers: WebhookHandlers, seen: list[WebhookEvent]) -> None:
        others, went_on = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()

        @handlers.on(MemberAdded)
        def waits(event: MemberAdded) -> None:
            loop.call_soon_threadsafe(others.set)
            assert went_on.wait(5), "the event loop stood still meanwhile"

        async with self.serving(handlers) as client:
            delivery = asyncio.create_task(client.post(PATH, content=BODY, headers=headers_for(BODY)))
            await asyncio.wait_for(others.wait(), 5)
            went_on.set()
            assert (await delivery).status_code == 200


def _loop() -> int | None:
    """Tell the event loop that runs in this thread."""
    try:
        return id(asyncio.get_running_loop())
    except RuntimeError:
        return None


def _logged(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "broadcastkit.webhooks"]
