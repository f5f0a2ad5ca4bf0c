"""TLS over connections of our own; what is trusted is in test_trust, and at the driver in tests/drivers."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from broadcastkit.drivers.pusher.wire import HttpReply
from broadcastkit.errors import ConnectError, ConnectionLostError, NoReplyError
from tests.drivers.http.wires import REQUEST
from tests.drivers.scripted import OK, Answer, ScriptedServer, answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.drivers.certificates import Certificates
    from tests.drivers.http.wires import Wire

YES = HttpReply(200, b"{}")


@pytest.fixture
def secure(certificates: Certificates) -> Iterator[Callable[..., ScriptedServer]]:
    """Start servers that show a certificate for 127.0.0.1."""
    with contextlib.ExitStack() as stack:

        def start(*script: Answer) -> ScriptedServer:
            server = ScriptedServer(list(script), certificates.server)
            stack.callback(server.close)
            return server

        yield start


def test_a_connection_is_kept(ours: Wire, secure: Callable[..., ScriptedServer], certificates: Certificates) -> None:
    server = secure()
    transport = ours.to(server.url, verify=str(certificates.authority))

    assert [ours.ask(transport) for _ in range(3)] == [YES] * 3
    assert [heard.connection for heard in server.heard] == [1, 1, 1]
    ours.close(transport)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Answer(b"", "close"), ConnectionLostError),
        (Answer(b"", "reset"), ConnectionLostError),
        (Answer(OK.raw[:-1], "close"), ConnectionLostError),
        (Answer(OK.raw[:-1], "hang"), NoReplyError),
    ],
)
def test_a_fault_is_what_it_is_without_tls(
    ours: Wire,
    secure: Callable[..., ScriptedServer],
    certificates: Certificates,
    fault: Answer,
    error: type[Exception],
) -> None:
    server = secure(fault, OK)
    transport = ours.to(server.url, verify=str(certificates.authority))

    assert type(ours.failure(transport)) is error
    assert ours.ask(transport) == YES
    ours.close(transport)


def test_a_service_that_closes_after_every_answer(
    ours: Wire, secure: Callable[..., ScriptedServer], certificates: Certificates
) -> None:
    server = secure(*[answer(then="close", connection="close")] * 3)
    transport = ours.to(server.url, verify=str(certificates.authority))

    assert [ours.ask(transport) for _ in range(3)] == [YES] * 3
    assert [heard.connection for heard in server.heard] == [1, 2, 3]
    ours.close(transport)


def test_a_kept_connection_that_was_closed_meanwhile_is_not_used(
    ours: Wire, secure: Callable[..., ScriptedServer], certificates: Certificates
) -> None:
    server = secure(answer(then="close"))
    transport = ours.to(server.url, verify=str(certificates.authority))
    assert ours.ask(transport) == YES
    server.wait_until_closed()

    assert ours.ask(transport) == YES
    ours.close(transport)


def test_many_at_once(ours: Wire, secure: Callable[..., ScriptedServer], certificates: Certificates) -> None:
    transport = ours.to(secure().url, verify=str(certificates.authority))

    assert ours.at_once(transport, [REQUEST] * 30) == [YES] * 30
    ours.close(transport)


def test_an_authority_that_is_not_known(ours: Wire, secure: Callable[..., ScriptedServer]) -> None:
    server = secure()

    failed = ours.failure(ours.to(server.url))

    assert type(failed) is ConnectError
    assert "CERTIFICATE_VERIFY_FAILED" in str(failed)
    assert server.heard == []
