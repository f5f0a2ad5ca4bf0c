"""HTTP/2, which a client of the caller's own may speak: to hypercorn, over TLS, with the embedded server behind it."""

from __future__ import annotations

import json
import socket
import sys
from typing import TYPE_CHECKING

import httpx
import httpx2
import pytest
from websockets.sync.client import connect

from broadcastkit.core.retry import Retry
from broadcastkit.drivers.base import ChannelInfo, Sent
from tests.drivers.talk import message
from tests.interop.clients import TIMEOUT
from tests.interop.servers import free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

    from tests.drivers.certificates import Certificates
    from tests.drivers.colours import Colour

pytestmark = pytest.mark.real


@pytest.fixture
def port(certificates: Certificates, tmp_path: Path) -> Iterator[int]:
    """Run hypercorn; yields its port."""
    port, file = free_port(), str(certificates.file)
    command = [sys.executable, "-m", "hypercorn", "--bind", f"127.0.0.1:{port}", "--certfile", file, "--keyfile", file]

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    with running([*command, "tests.interop.heard_over:app"], port=port, log=tmp_path / "hypercorn.log", ready=listens):
        yield port


@pytest.mark.parametrize("module", [httpx, httpx2], ids=lambda module: str(module.__name__))
def test_a_client_that_speaks_it_sends_all_over_one_connection(
    colour: Colour, module: ModuleType, certificates: Certificates, port: int
) -> None:
    make = module.AsyncClient if colour.name == "async" else module.Client
    client = make(http2=True, verify=certificates.trust, limits=module.Limits(max_connections=1))
    # one attempt: what a client or hypercorn loses is an outcome, with its cause, and not a second request
    driver = colour.driver(f"https://127.0.0.1:{port}", client=client, retry=Retry(attempts=1))
    address = f"wss://127.0.0.1:{port}/app/key-1?protocol=7&client=test&version=1"
    with connect(address, ssl=certificates.trust) as listener:
        listener.recv(TIMEOUT)
        listener.send('{"event":"pusher:subscribe","data":{"channel":"news"}}')
        listener.recv(TIMEOUT)

        several = [[message("ping", data=f'{{"n":{n}}}')] for n in range(9)]
        if colour.name == "async":
            sent = colour.at_once(driver, several)
        else:  # not from several threads: one round in a hundred httpcore 1.0.9 then loses the streams of all but one
            sent = [colour.call(driver, "send", messages) for messages in several]
        info = colour.call(driver, "channel_info", "news", info=("subscription_count",))
        events = [json.loads(listener.recv(TIMEOUT)) for _ in range(9)]
    heard = httpx.get(f"https://127.0.0.1:{port}/heard", verify=certificates.trust).json()
    colour.run(client.aclose() if colour.name == "async" else client.close())

    assert sent == [[Sent(1)]] * 9
    assert info == ChannelInfo(occupied=True, subscription_count=1)
    assert sorted(json.loads(event["data"])["n"] for event in events) == list(range(9))
    assert [(version, path) for version, _, path in heard] == [
        *[("2", "/apps/app-1/events")] * 9,
        ("2", "/apps/app-1/channels/news"),
    ]
    assert len({connection for _, connection, _ in heard}) == 1
