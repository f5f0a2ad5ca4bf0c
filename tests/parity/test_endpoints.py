"""`Broadcast::routes()` and what belongs to it; tests/integrations/behaviour.py has the rest, for every framework."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults

import pytest
import typer

from broadcastkit import Broadcaster, ChannelRegistry
from broadcastkit.cli.commands import commands
from broadcastkit.integrations.rate_limits import FixedWindow
from broadcastkit.integrations.wsgi import BroadcastingApp
from tests.parity.tools import Service

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

# what Laravel answers to this one was captured
ASKED = {"socket_id": "1.2", "channel_name": "private-true"}
SIGNED = {"auth": "key:d9d5c2193502bc5e724f7b05c99c635096171813cad166b64093bafea7215954"}


def broadcaster_of(service: Service) -> Broadcaster:
    channels = ChannelRegistry()
    channels.authorize("private-true")(lambda user: True)
    return Broadcaster(service.driver, channels=channels)


def site(*, user: object | None = 42, **options: Any) -> BroadcastingApp:
    known: dict[str, Any] = {"broadcaster": broadcaster_of(Service()), "user_data": lambda user: {"id": user}}
    return BroadcastingApp(**known | options, user=lambda environ: user)


def ask(
    application: BroadcastingApp, path: str, fields: dict[str, str], *, method: str = "POST", host: str = "shop.test"
) -> tuple[str, Any]:
    body = urlencode(fields).encode()
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "HTTP_HOST": host,
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    setup_testing_defaults(environ)
    statuses: list[str] = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        statuses.append(status)

    chunks = application(environ, start_response)
    return statuses[0], json.loads(b"".join(chunks))


def test_broadcast_routes() -> None:
    assert ask(site(), "/auth", ASKED) == ("200 OK", SIGNED)


def test_broadcast_routes_for_several_channels() -> None:
    """One request of a page that comes back; each name is answered for itself."""
    fields = {"socket_id": "1.2", "channel_name[0]": "private-true", "channel_name[1]": "private-other"}

    status, answer = ask(site(), "/auth", fields)

    assert (status, answer["private-true"]) == ("200 OK", {"status": 200, "data": SIGNED})
    assert answer["private-other"]["status"] == 403


def test_broadcast_user_routes() -> None:
    status, answer = ask(site(), "/user-auth", {"socket_id": "1.2"})

    assert (status, answer["user_data"]) == ("200 OK", '{"id":"42"}')
    assert answer["auth"].startswith("key:")


def test_throttle() -> None:
    limited = site(rate_limit=FixedWindow("1/minute"))

    assert [ask(limited, "/auth", ASKED)[0] for _ in range(2)] == ["200 OK", "429 Too Many Requests"]


def test_set_pusher() -> None:
    """Credentials by request, for tenants; in Laravel a worker keeps the client of the first."""
    tenants = {
        host: broadcaster_of(Service(key=key)) for host, key in {"a.test": "key-of-a", "b.test": "key-of-b"}.items()
    }
    shared = site(broadcaster=lambda environ: tenants[environ["HTTP_HOST"]])

    answers = [ask(shared, "/auth", ASKED, host=host)[1]["auth"].partition(":")[0] for host in tenants]

    assert answers == ["key-of-a", "key-of-b"]


@pytest.mark.parametrize(
    ("fields", "user", "status"),
    [
        (ASKED, None, "403 Forbidden"),
        (ASKED | {"channel_name": "private-other"}, 42, "403 Forbidden"),
        (ASKED | {"channel_name": "public"}, 42, "403 Forbidden"),
        # in Laravel: 403 without a reason, and three times 500
        ({"socket_id": "1.2"}, 42, "400 Bad Request"),
        ({"channel_name": "private-true"}, 42, "400 Bad Request"),
        (ASKED | {"socket_id": "1.2:presence-x"}, 42, "400 Bad Request"),
        (ASKED | {"channel_name": "private-a b"}, 42, "400 Bad Request"),
    ],
)
def test_broadcast_routes_refuse(fields: dict[str, str], user: object | None, status: str) -> None:
    assert ask(site(user=user), "/auth", fields)[0] == status


def test_broadcast_routes_are_for_post() -> None:
    assert ask(site(), "/auth", ASKED, method="GET")[0] == "405 Method Not Allowed"


def test_reverb_start() -> None:
    group: Any = typer.main.get_command(commands)

    assert {"serve", "rules", "send", "doctor"} <= set(group.commands)
