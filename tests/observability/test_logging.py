"""Every line that the library logs: none shows a secret or a payload, each says in attributes what it is about."""

from __future__ import annotations

import ast
import asyncio
import json
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

import broadcastkit
from broadcastkit import (
    AnonymousEvent,
    AsyncBroadcaster,
    Broadcaster,
    Channel,
    ChannelRegistry,
    Event,
    PresenceMember,
    collect,
)
from broadcastkit.core.options import EventOptions
from broadcastkit.core.retry import Retry
from broadcastkit.delivery import Background
from broadcastkit.delivery.envelope import Envelope
from broadcastkit.delivery.outbox import Outbox, Relay
from broadcastkit.delivery.outbox.listening import Listening
from broadcastkit.delivery.outbox.sqlalchemy import outbox_table
from broadcastkit.delivery.queues.claims import release_claim
from broadcastkit.delivery.queues.work import Worker
from broadcastkit.delivery.repeats import RedisRepeats
from broadcastkit.delivery.watched import Watched, settle
from broadcastkit.drivers.guarded import Breaker, Guarded
from broadcastkit.drivers.log import LogDriver
from broadcastkit.drivers.null import AsyncNullDriver, NullDriver
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.errors import BadRequestError, BroadcastError, ConnectError, DeniedError, InvalidUserError
from broadcastkit.integrations.answers import refuse
from broadcastkit.integrations.rate_limits import FixedWindow
from broadcastkit.integrations.webhooks import WebhookReceiver
from broadcastkit.observability import Hooks
from broadcastkit.offline import Fallbacks
from broadcastkit.server.telling import Teller
from broadcastkit.webhooks import ChannelOccupied, WebhookHandlers
from tests.delivery.held import AsyncHeld, Held, message
from tests.docs.pages import ROOT
from tests.interop.servers import free_port
from tests.webhooks.tools import KEY, SECRET, headers_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from broadcastkit.core.message import Message
    from broadcastkit.drivers.base import Outcome
    from broadcastkit.observability import Sending

SOURCE = Path(broadcastkit.__file__).parent
CANARY = "CANARY-d41d8cd9"
PAYLOAD = {"text": CANARY}
NOBODY = PusherDriver(
    app_id="1",
    key="app-key",
    secret=f"secret-{CANARY}",
    host="127.0.0.1",
    port=1,
    scheme="http",
    retry=Retry(attempts=1),
)
EVENT = AnonymousEvent("ping", PAYLOAD, on="news")


# -- what is in the sources --------------------------------------------------------------------------------------------

_LEVELS = {"debug", "info", "warning", "error", "exception", "log"}
_LOGGERS = {"_log", "_logger", "failures"}
# The broker of a queue must be away when a task is put back, which is seen where brokers are; and what is logged for
# others (telling.py) is theirs.
ELSEWHERE = {"delivery/queues/taskiq.py", "delivery/telling.py"}


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Return every call that logs, with its file."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _LEVELS:
                of = node.func.value
                name = of.id if isinstance(of, ast.Name) else of.attr if isinstance(of, ast.Attribute) else ""
                if name in _LOGGERS:
                    yield path.relative_to(SOURCE).as_posix(), node


CALLS = list(calls())


def test_there_are_calls_and_each_says_in_attributes_what_it_is_about() -> None:
    assert len(CALLS) > 20
    for file, call in CALLS:
        keywords = {keyword.arg for keyword in call.keywords}
        assert keywords & {"extra", "error"}, f"{file}:{call.lineno}"


# -- what is written ---------------------------------------------------------------------------------------------------


class Typing(Event, throttle=60.0):
    text: str

    def broadcast_on(self) -> str:
        return "news"


class Progress(Event, debounce=60.0):
    text: str

    def broadcast_on(self) -> str:
        return "news"


class AsyncFails(AsyncNullDriver):
    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        raise ConnectError("nobody")


class Broken(Hooks):
    def on_sent(self, sending: Sending) -> None:
        raise KeyError("on_sent")


def fails(connection: str, message: Message, error: Exception) -> None:
    raise KeyError(connection)


def mistaken(error: BroadcastError) -> None:
    raise KeyError("x")


def reports() -> None:
    Broadcaster(NOBODY, on_error="report").broadcast(EVENT).to_everyone()


def after_commit() -> None:
    with Session(create_engine("sqlite://")) as session, session.begin():
        session.execute(text("SELECT 1"))
        Broadcaster(NOBODY).broadcast(EVENT).after_commit(session).to_everyone()


def an_event_loop_that_ends() -> None:
    async def work() -> None:
        driver = AsyncHeld()

        async def page() -> None:
            async with collect():
                await AsyncBroadcaster(driver).broadcast(EVENT).to_everyone()

        caller = asyncio.ensure_future(page())
        await driver.wait_for(1)
        caller.cancel()
        await asyncio.wait([caller])

    asyncio.run(work())


def debounces() -> None:
    for policy in ("raise", mistaken):
        with Broadcaster(NOBODY, on_error=policy) as broadcaster:
            broadcaster.broadcast(Progress(text=CANARY)).to_everyone()

    async def awaited() -> None:
        async with AsyncBroadcaster(AsyncFails(), on_error=mistaken) as broadcaster:
            await broadcaster.broadcast(Progress(text=CANARY)).to_everyone()

    asyncio.run(awaited())


def background() -> None:
    for on_failed in (None, fails):
        with Broadcaster(NOBODY, delivery=Background(patience=0.0, on_failed=on_failed)) as broadcaster:
            broadcaster.broadcast(EVENT).to_everyone()


def a_queues_worker() -> None:
    broadcaster = Broadcaster(NOBODY)
    ping = message("ping")._replace(data=json.dumps(PAYLOAD), options=EventOptions(tries=2))
    written = Envelope("default", ping, "1").to_json()
    Worker(lambda: broadcaster, None).send(written, 1)
    for on_failed in (None, fails):
        with pytest.raises(ConnectError):
            Worker(lambda: broadcaster, on_failed).send(written, 2)


def a_claim() -> None:
    release_claim(lambda: _raise(ConnectionError()), ("key", "holder"))


def a_relay(folder: Path) -> None:
    engine = create_engine(f"sqlite:///{folder / 'outbox.db'}")
    relay = Relay(engine, Broadcaster({"a": NOBODY, "b": _refuses()}, default="a"), poll=0.01)

    class Once(Exception):  # noqa: N818 - ends the loop
        pass

    # no such table, and it is looked for again
    relay._store.check = lambda: _raise(next(iter(relay.errors))("gone", None, Exception()))  # type: ignore[method-assign]
    relay._bell.wait = lambda seconds: _raise(Once())  # type: ignore[method-assign]
    with pytest.raises(Once):
        relay.run()
    outbox_table().create(engine)
    writer = Broadcaster({"a": NOBODY, "b": NOBODY}, default="a", delivery=Outbox(engine))
    writer.broadcast(EVENT).via("a", "b").to_everyone()
    relay.run_once()
    engine.dispose()


def a_relays_ear() -> None:
    Listening(lambda: _raise(ConnectionError(CANARY)), (ConnectionError,)).wait(0)


def _raise(error: Exception) -> Any:
    raise error


def _refuses() -> Held:
    driver = Held(released=True)
    driver.outcomes["ping"] = BadRequestError("no", status=400)
    return driver


def a_circuit() -> None:
    driver = Held(released=True)
    driver.once["ping"] = ConnectError("nobody")
    guarded = Guarded(driver, breaker=Breaker(failures=1, cooldown=1e-9))
    for _ in range(2):
        guarded.send([message("ping")._replace(data=json.dumps(PAYLOAD))])


def a_hook() -> None:
    Broadcaster(NullDriver(), hooks=Broken()).broadcast(EVENT).to_everyone()


def what_watches() -> None:
    settle([Watched.of(message("ping")._replace(data=CANARY), lambda: _raise(KeyError("x")))])


def a_store_of_repeats() -> None:
    store = RedisRepeats(f"redis://:{CANARY}@127.0.0.1:{free_port()}/0")
    with Broadcaster(NullDriver(), repeats=store) as broadcaster:
        broadcaster.broadcast(Typing(text=CANARY)).to_everyone()


def a_rate_limit() -> None:
    FixedWindow("1/hour", storage=f"redis://:{CANARY}@127.0.0.1:{free_port()}/0").hit("user:1")


def rules() -> None:
    channels = ChannelRegistry()

    @channels.authorize("private-room.{id}")
    def unclear(user: object, id: int) -> Any:  # noqa: A002
        return CANARY

    @channels.authorize("presence-room.{id}")
    def unwritable(user: object, id: int) -> Any:  # noqa: A002
        return PresenceMember(1, {CANARY: object()})

    broadcaster = Broadcaster(NullDriver(), channels=channels)
    for name in ("private-room.1", "presence-room.1"):
        with pytest.raises(DeniedError):
            broadcaster.authorize_channel(socket_id="1.2", channel_name=name, user=object())


def endpoints() -> None:
    refuse(DeniedError("own_channel said no"))
    refuse(InvalidUserError("an id must be there"))


def webhooks() -> None:
    handlers = WebhookHandlers()

    @handlers.on(ChannelOccupied)
    def handle(event: ChannelOccupied) -> None:
        raise KeyError("x")

    receiver = WebhookReceiver(handlers, keys=(KEY, SECRET))
    body = json.dumps({"time_ms": 1, "events": [{"name": "channel_occupied", "channel": "news"}]}).encode()
    receiver.receive(headers_for(body), body)
    receiver.receive(headers_for(body), body + CANARY.encode())


def the_embedded_server_tells() -> None:
    handlers = WebhookHandlers()

    @handlers.on(ChannelOccupied)
    def handle(event: ChannelOccupied) -> None:
        raise KeyError("x")

    async def telling() -> None:
        teller = Teller(handlers, KEY, now=lambda: 1.0)
        teller.serve_on(asyncio.get_running_loop())
        teller.tell([ChannelOccupied(channel="news")])
        await teller.settle(5)

    asyncio.run(telling())


def a_fallback() -> None:
    fallbacks = Fallbacks()
    fallbacks.when_offline(Channel, name="email_them")(lambda missed: None)
    Broadcaster(NullDriver(), when_offline=fallbacks).broadcast(EVENT).to_everyone()


def the_log_driver() -> None:
    Broadcaster(LogDriver()).broadcast(EVENT).to_everyone()


def an_unwise_setting() -> None:
    PusherDriver(app_id="1", key="app-key", secret=f"secret-{CANARY}", verify=False)


SCENES: list[Callable[..., None]] = [
    reports,
    after_commit,
    an_event_loop_that_ends,
    debounces,
    background,
    a_queues_worker,
    a_claim,
    a_relay,
    a_relays_ear,
    a_circuit,
    a_hook,
    what_watches,
    a_store_of_repeats,
    a_rate_limit,
    rules,
    endpoints,
    webhooks,
    the_embedded_server_tells,
    a_fallback,
    the_log_driver,
    an_unwise_setting,
]


class Keeping(logging.Handler):
    def __init__(self, kept: list[logging.LogRecord]) -> None:
        super().__init__()
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        self._kept.append(record)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[logging.LogRecord]:
    """Return what all of it logs, at every level."""
    kept: list[logging.LogRecord] = []
    logger, handler = logging.getLogger("broadcastkit"), Keeping(kept)
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    for scene in SCENES:
        scene(*([tmp_path_factory.mktemp("outbox")] if scene is a_relay else []))
    logger.removeHandler(handler)
    logger.setLevel(before)
    return kept


def test_every_call_was_made(records: list[logging.LogRecord]) -> None:
    """So that what the others say of records is said of each."""
    made = {(Path(record.pathname).relative_to(SOURCE).as_posix(), record.lineno) for record in records}
    missed = [
        f"{file}:{call.lineno}"
        for file, call in CALLS
        if file not in ELSEWHERE
        and not any((file, line) in made for line in range(call.lineno, (call.end_lineno or call.lineno) + 1))
    ]
    assert missed == []


def test_no_line_shows_a_payload_a_secret_or_a_signature(records: list[logging.LogRecord]) -> None:
    """But for the payload that the log driver writes at DEBUG, which is what it is for."""
    formatter = logging.Formatter("%(message)s")
    shown = [
        record for record in records if not (record.name == "broadcastkit.log" and record.levelno == logging.DEBUG)
    ]
    assert len(records) - len(shown) == 1
    for record in shown:
        written = formatter.format(record) + "".join(repr(value) for value in vars(record).values())
        assert CANARY not in written, record.name
        assert "auth_signature" not in written, record.name


def test_the_attributes_have_names_that_nobody_else_uses(records: list[logging.LogRecord]) -> None:
    usual = vars(logging.makeLogRecord({})).keys() | {"message", "asctime"}
    for record in records:
        own = vars(record).keys() - usual
        assert own, record.getMessage()
        assert [name for name in own if not name.startswith("broadcast_")] == []


# -- the page ----------------------------------------------------------------------------------------------------------


def table(heading: str) -> list[list[str]]:
    """Return the rows of the first table after some words of the reference page."""
    page = (ROOT / "docs" / "reference" / "observability.md").read_text(encoding="utf-8")
    after = page.partition(heading)[2]
    lines = after[after.index("\n|") :].strip().partition("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_page_tells_of_every_logger_and_level() -> None:
    told = {(logger.strip("`"), level) for logger, levels, _ in table("## Loggers") for level in levels.split(", ")}
    levels = {"exception": "ERROR", "log": "ERROR"}
    loggers = {path: _logger_of(SOURCE / path) for path, _ in CALLS}
    written = {
        (loggers[path], levels.get(name, name.upper()))
        for path, call in CALLS
        if path not in {"delivery/telling.py", "drivers/log.py"}
        if isinstance(call.func, ast.Attribute) and (name := call.func.attr)
    }

    assert told == written | {("broadcastkit.log", "INFO"), ("broadcastkit.log", "DEBUG")}


def _logger_of(path: Path) -> str:
    found = re.search(r'getLogger\("([\w.]+)"\)', path.read_text(encoding="utf-8"))
    return "broadcastkit" if found is None else found[1]  # that of the broadcaster for which something is logged


def test_the_page_tells_of_every_attribute(records: list[logging.LogRecord]) -> None:
    told = {name.strip(" `") for names, _ in table("Each record has attributes") for name in names.split(",")}

    assert told == {name for record in records for name in vars(record) if name.startswith("broadcast_")}
