"""A client of the caller's own, of httpx and of httpx2; and what anybody's log says of a broadcast."""

from __future__ import annotations

import gzip
import logging
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import httpx2
import pytest

from broadcastkit.core.retry import Retry
from broadcastkit.drivers.base import Sent
from broadcastkit.drivers.log import LogDriver
from broadcastkit.errors import ConnectError, ConnectionLostError, NoReplyError
from tests.drivers.scripted import OK, Answer, ScriptedServer, answer
from tests.drivers.talk import message
from tests.interop.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from tests.drivers.colours import Colour

    Scripted = Callable[..., ScriptedServer]

ONCE = Retry(attempts=1)
AT_ONCE = Retry(base=0)
PAYLOAD = "a payload that is nobody's business"


class Own(NamedTuple):
    """A client that the caller made."""

    colour: Colour
    module: ModuleType
    client: Any


@pytest.fixture(params=[httpx, httpx2], ids=lambda module: str(module.__name__))
def own(request: pytest.FixtureRequest, colour: Colour) -> Iterator[Own]:
    """Each library's client, in each colour."""
    asynchronous = colour.name == "async"
    timeout = request.param.Timeout(5.0, read=0.2)
    make = request.param.AsyncClient if asynchronous else request.param.Client
    client = make(timeout=timeout, headers={"x-mine": "yes"})
    yield Own(colour, request.param, client)
    colour.run(client.aclose() if asynchronous else client.close())


def send(own: Own, server_url: str, **options: Any) -> list[Any]:
    driver = own.colour.driver(server_url, client=own.client, **options)
    outcomes: list[Any] = own.colour.call(driver, "send", [message("ping", data=f'"{PAYLOAD}"')])
    return outcomes


def test_it_is_used_as_it_is_and_gets_the_same_request(own: Own, scripted: Scripted) -> None:
    server = scripted()

    assert send(own, server.url) == [Sent(1)]

    (heard,) = server.heard
    assert heard.header("x-mine") == "yes"
    assert heard.header("content-type") == "application/json"
    assert heard.header("content-length") == str(len(heard.body))
    assert heard.header("transfer-encoding") is None
    assert heard.asked.signed_as("/apps/app-1/events")
    assert heard.asked.body["data"] == f'"{PAYLOAD}"'


def test_a_question_goes_through_it_too(own: Own, scripted: Scripted) -> None:
    server = scripted(answer(body=b'{"channels":[]}'))
    driver = own.colour.driver(server.url, client=own.client)

    assert own.colour.call(driver, "channels_info", prefix="a,b&c", info=("user_count",)) == {}

    (heard,) = server.heard
    assert heard.body == b""
    assert "body_md5" not in heard.asked.query
    assert heard.asked.query["filter_by_prefix"] == "a,b&c"
    assert heard.asked.signed_as("/apps/app-1/channels")


def test_it_stays_open_when_the_driver_is_closed(own: Own, scripted: Scripted) -> None:
    server = scripted()
    driver = own.colour.driver(server.url, client=own.client)

    own.colour.close(driver)

    assert not own.client.is_closed
    assert own.colour.call(driver, "send", [message()]) == [Sent(1)]
    assert own.colour.run(own.client.get(server.url)).status_code == 200


FAILURES: dict[str, tuple[Answer, type[Exception]]] = {
    "closed": (Answer(b"", "close"), ConnectionLostError),
    "reset": (Answer(b"", "reset"), ConnectionLostError),
    "half": (Answer(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{", "close"), ConnectionLostError),
    "no answer in time": (Answer(b"", "hang"), NoReplyError),
    "an encoding that is none": (answer(200, b"not gzip", content_encoding="gzip"), ConnectionLostError),
}


@pytest.mark.parametrize(("failure", "error"), FAILURES.values(), ids=FAILURES)
def test_its_errors_become_ours(own: Own, scripted: Scripted, failure: Answer, error: type[Exception]) -> None:
    (outcome,) = send(own, scripted(failure).url, retry=ONCE)

    assert type(outcome) is error


def test_nobody_listens(own: Own) -> None:
    (outcome,) = send(own, f"http://127.0.0.1:{free_port()}", retry=ONCE)

    assert type(outcome) is ConnectError


def test_one_that_is_closed_is_the_callers_mistake_and_no_failure_of_the_service(own: Own, scripted: Scripted) -> None:
    server = scripted()
    own.colour.run(own.client.aclose() if own.colour.name == "async" else own.client.close())

    with pytest.raises(RuntimeError, match="closed"):
        send(own, server.url)
    assert server.heard == []


def test_a_failure_is_tried_again(own: Own, scripted: Scripted) -> None:
    server = scripted(Answer(b"", "close"), answer(429, retry_after="0"), OK)

    assert send(own, server.url, retry=AT_ONCE) == [Sent(1)]
    assert len(server.heard) == 3


def test_a_compressed_answer_is_read(own: Own, scripted: Scripted) -> None:
    server = scripted(answer(200, gzip.compress(b'{"channels":{"news":{}}}'), content_encoding="gzip"))
    driver = own.colour.driver(server.url, client=own.client)

    assert list(own.colour.call(driver, "channels_info")) == ["news"]


# -- logs --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """Log everything there is to log, and return all of it: texts, arguments and extra fields."""
    caplog.set_level(logging.DEBUG)

    def text() -> str:
        return "\n".join(f"{record.getMessage()} {record.args!r} {vars(record)!r}" for record in caplog.records)

    return text


def private_parts(server: ScriptedServer) -> list[str]:
    """Return what must not be in a log: the secret, each signature and the payload."""
    signatures = [heard.asked.query["auth_signature"] for heard in server.heard]
    return ["secret-1", PAYLOAD, "auth_signature", "body_md5", *signatures]


def test_no_log_has_a_signature_a_secret_or_a_payload(
    colour: Colour, scripted: Scripted, logged: Callable[[], str]
) -> None:
    server = scripted(OK, answer(401, b"no"), Answer(b"", "close"))
    driver = colour.driver(server.url, retry=AT_ONCE)
    for _ in range(3):
        colour.call(driver, "send", [message(data=f'"{PAYLOAD}"')])

    text = logged()
    assert [part for part in private_parts(server) if part in text] == []


def test_nor_has_the_log_of_a_client_of_the_callers_own(
    own: Own, scripted: Scripted, logged: Callable[[], str]
) -> None:
    server = scripted(OK)

    send(own, server.url)

    text = logged()
    assert f"HTTP Request: POST {server.url}/apps/app-1/events" in text, "the request is logged, without its query"
    assert [part for part in private_parts(server) if part in text] == []


def test_the_log_driver_writes_payloads_at_debug_only(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    LogDriver().send([message(data=f'"{PAYLOAD}"')])

    assert {record.levelname for record in caplog.records if PAYLOAD in record.getMessage()} == {"DEBUG"}


def test_neither_driver_nor_error_shows_what_is_private(colour: Colour, scripted: Scripted) -> None:
    server = scripted(answer(401, b"no"), Answer(b"", "close"))
    driver = colour.driver(server.url, retry=ONCE)
    outcomes = [colour.call(driver, "send", [message(data=f'"{PAYLOAD}"')])[0] for _ in range(2)]

    shown = [repr(driver), str(driver), *(f"{error!r} {error} {vars(error)}" for error in outcomes)]
    shown += [repr(error.__cause__) for error in outcomes]
    assert [part for part in [*private_parts(server), "key-1"] for text in shown if part in text] == []
    assert repr(driver) == f"{type(driver).__name__}('app-1' at {server.url})"
