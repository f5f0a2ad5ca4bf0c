"""What the tests of the commands share: running one, and an embedded server that it can reach."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from broadcastkit import cli
from broadcastkit.server import App, EmbeddedServer
from tests.interop.servers import LOOPBACK, PusherServer, asgi_server
from tests.server.tools import APP

__all__ = ["SECRETS", "Result", "RunCommand", "environment_of"]

# Of the embedded server, and those that tests give in their place: no output may hold one of them.
SECRETS = (APP.secret, "s3cr3t", "hunter2")


class Result(NamedTuple):
    """What a command came to."""

    status: int
    out: str
    err: str


RunCommand = Callable[..., Result]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunCommand:
    """Run the command in this process; whatever it prints holds no secret."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["broadcastkit", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        for secret in SECRETS:
            assert secret not in out + err
        return Result(int(ended.value.code or 0), out, err)

    return run


def environment_of(server: PusherServer, **changed: str) -> dict[str, str]:
    """The variables for a server; `changed` are others than its own, without the `PUSHER_`."""
    variables = {
        "APP_ID": server.app_id,
        "APP_KEY": server.key,
        "APP_SECRET": server.secret,
        "HOST": server.host,
        "PORT": str(server.port),
        "SCHEME": "http",
        **changed,
    }
    return {"BROADCAST_CONNECTION": "pusher", **{f"PUSHER_{name}": value for name, value in variables.items()}}


@pytest.fixture(scope="module")
def embedded() -> EmbeddedServer:
    return EmbeddedServer(App(APP.id, APP.key, APP.secret))


@pytest.fixture(scope="module")
def address(embedded: EmbeddedServer) -> Iterator[PusherServer]:
    """The embedded server, from a thread of this process."""
    with asgi_server(embedded) as port:
        yield PusherServer(LOOPBACK, port, APP.id, APP.key, APP.secret)


@pytest.fixture
def server(address: PusherServer, monkeypatch: pytest.MonkeyPatch) -> PusherServer:
    """The same, and the environment says so."""
    for name, value in environment_of(address).items():
        monkeypatch.setenv(name, value)
    return address
