"""Flask: the shared behaviour, and what only Flask has: settings, Flask-Login, forms that were read before."""

from __future__ import annotations

import gc
import importlib
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import flask_login
import httpx
import pytest
from flask import Flask, Response, abort, g, jsonify, request, stream_with_context
from werkzeug.local import LocalProxy
from werkzeug.wrappers import Request as WsgiRequest

from broadcastkit import AnonymousEvent, Broadcaster, ChannelRegistry, PrivateChannel, broadcast, configure, default
from broadcastkit.channels import UserChannel
from broadcastkit.drivers.memory import MemoryDriver
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.errors import ConfigurationError, MissingDependencyError
from broadcastkit.integrations import flask as integration
from broadcastkit.integrations.answers import BODY_LIMIT
from broadcastkit.integrations.flask import Broadcasting
from broadcastkit.socket_id import current_socket_id
from broadcastkit.testing import Broadcasts, fake_broadcasts
from tests.integrations.application import (
    ADA,
    BLOCKING_PLACES,
    KEY,
    SECRET,
    USERS,
    Site,
    UnauthenticatedError,
    User,
    foreign,
    who,
)
from tests.integrations.behaviour import (
    AUTH,
    FORM,
    SOCKET,
    USER_AUTH,
    AuthorizeBehaviour,
    HostileBehaviour,
    LimitBehaviour,
    SignInBehaviour,
    SocketIdBehaviour,
    TenantBehaviour,
    asking,
)
from tests.integrations.wsgi_client import Answered, Environ, WsgiTransport


@pytest.fixture(autouse=True)
def _nothing_configured() -> Iterator[None]:
    default.reset()
    yield
    default.reset()


def current_user() -> User | None:
    try:
        return who(request.headers.get("X-User"))
    except UnauthenticatedError:
        abort(401)


def site_app(site: Site) -> Flask:
    app = Flask("site")
    app.testing = True
    source = site.blocking_source(lambda: request.headers.get("X-Tenant"))
    Broadcasting(app, source, user=current_user, **site.blocking_options())

    @app.get("/socket-id/<place>")
    def socket_id(place: str) -> Response:
        return jsonify(socket_id=BLOCKING_PLACES[place](site.meeting))

    @app.get("/socket-id/background")
    def background() -> Response:
        response = jsonify({})
        response.call_on_close(site.note)
        return response

    return app


class InFlask:
    """`Broadcasting(app, …)`, asked by Flask's own test client."""

    places = frozenset(BLOCKING_PLACES)

    def transport(self, site: Site) -> httpx.AsyncBaseTransport:
        client = site_app(site).test_client()

        def answer(environ: Environ) -> Answered:
            with client.open(WsgiRequest(environ), buffered=True) as response:
                return response.status, [*response.headers.items()], response.data

        return WsgiTransport(answer)


class TestAuthorize(AuthorizeBehaviour):
    integration = InFlask()


class TestSignIn(SignInBehaviour):
    integration = InFlask()


class TestLimit(LimitBehaviour):
    integration = InFlask()


class TestTenant(TenantBehaviour):
    integration = InFlask()


class TestSocketId(SocketIdBehaviour):
    integration = InFlask()


class TestHostile(HostileBehaviour):
    integration = InFlask()


# -- settings ----------------------------------------------------------------------------------------------------------


PUSHER = {"driver": "pusher", "app_id": "1", "key": KEY, "secret": SECRET}
SIGNED = foreign().authenticate("private-user.1", SOCKET)


def own_channels() -> ChannelRegistry:
    channels = ChannelRegistry()

    @channels.authorize(UserChannel)
    def own_channel(user: User, channel: UserChannel) -> bool:
        return user.id == channel.user_id

    return channels


def app_with(settings: object, **options: Any) -> Flask:
    app = Flask("site")
    app.testing = True
    app.config["BROADCASTING"] = settings
    given: dict[str, Any] = {"channels": own_channels(), "user": lambda: ADA}
    Broadcasting(**(given | options)).init_app(app)
    return app


def ask(app: Flask, fields: dict[str, str] | None = None, path: str = AUTH) -> tuple[int, Any]:
    answer = app.test_client().post(path, data=asking("private-user.1") if fields is None else fields)
    return answer.status_code, answer.json


@pytest.mark.parametrize(
    "settings",
    [
        PUSHER,
        {"default": "live", "connections": {"live": PUSHER, "quiet": {"driver": "null"}}},
        f"http://{KEY}:{SECRET}@127.0.0.1:6001/apps/1",
    ],
    ids=["one connection", "several", "URL"],
)
def test_the_setting_makes_the_broadcaster(settings: object) -> None:
    app = app_with(settings)

    assert ask(app) == (200, SIGNED)
    assert default.default_broadcaster().channels.rules


def test_without_a_setting_the_environment_makes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"CONNECTION": "pusher"}.items():
        monkeypatch.setenv(f"BROADCAST_{name}", value)
    for name, value in {"ID": "1", "KEY": KEY, "SECRET": SECRET}.items():
        monkeypatch.setenv(f"PUSHER_APP_{name}", value)

    assert ask(app_with(None)) == (200, SIGNED)


def test_without_channels_the_configured_broadcaster_answers() -> None:
    app = app_with(None, channels=None)
    configure(PUSHER, channels=own_channels())

    assert ask(app) == (200, SIGNED)


def test_one_extension_serves_apps_with_settings_of_their_own() -> None:
    broadcasting = Broadcasting(channels=own_channels(), user=lambda: ADA)
    apps = [Flask("one"), Flask("two")]
    for app, key in zip(apps, ("one-key", "two-key"), strict=True):
        app.config["BROADCASTING"] = PUSHER | {"key": key}
        broadcasting.init_app(app)

    for app, key in zip(apps, ("one-key", "two-key"), strict=True):
        assert ask(app)[1]["auth"].partition(":")[0] == key
        with app.app_context():
            assert broadcasting.broadcaster.authorize_channel(
                socket_id=SOCKET, channel_name="private-user.1", user=ADA
            ).auth.startswith(key)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (7, "BROADCASTING must be a mapping or a URL such as 'log://', not int"),
        ({"driver": "pigeon"}, "connections.pigeon.driver"),
        ({}, "driver must be one of"),
        (PUSHER | {"port": 0}, "connections.pusher.port must be"),
        ({"driver": "pusher"}, "connections.pusher.app_id is not set, and the pusher driver needs it"),
        ("ftp://x", "a connection URL starts with"),
    ],
    ids=repr,
)
def test_a_wrong_setting_is_named_when_the_app_is_made(settings: object, message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        app_with(settings)


def test_a_setting_beside_a_broadcaster_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match=r"^BROADCASTING is set, and a broadcaster is given: give one of both$"
    ):
        app_with(PUSHER, broadcaster=Broadcaster(MemoryDriver()), channels=None)


def test_channels_beside_a_broadcaster_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^a broadcaster has its channels"):
        Broadcasting(broadcaster=Broadcaster(MemoryDriver()), channels=own_channels(), user=lambda: ADA)


def test_an_error_policy_for_what_is_made() -> None:
    errors: list[Exception] = []
    settings = PUSHER | {"host": "127.0.0.1", "port": 9, "scheme": "http"}  # the discard port: nobody listens
    app_with(settings, on_error=errors.append)

    broadcast(AnonymousEvent("ping", on="news")).to_everyone()

    assert len(errors) == 1


def test_what_an_app_made_is_closed_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[PusherDriver] = []

    def close(driver: PusherDriver) -> None:
        closed.append(driver)

    monkeypatch.setattr(PusherDriver, "close", close)
    app = app_with(PUSHER)
    made = default.default_broadcaster().driver()
    assert made not in closed

    del app
    gc.collect()

    assert made in closed


def test_what_was_given_to_an_app_stays_open() -> None:
    class Watched(MemoryDriver):
        closed = False

        def close(self) -> None:
            self.closed = True

    driver = Watched()
    app = app_with(None, broadcaster=Broadcaster(driver), channels=None)

    del app
    gc.collect()

    assert not driver.closed


# -- broadcasting ------------------------------------------------------------------------------------------------------


def tell(app: Flask) -> None:
    @app.post("/tell")
    def endpoint() -> str:
        broadcast(AnonymousEvent("told", on=PrivateChannel("news"))).to_others()
        return ""

    app.test_client().post("/tell", headers={"X-Socket-ID": "1.2"})


def test_a_view_broadcasts_over_the_apps_connection_and_leaves_out_who_asked() -> None:
    app = app_with({"driver": "memory"})
    tell(app)

    driver = default.default_broadcaster().driver()
    assert isinstance(driver, MemoryDriver)
    [message] = driver.messages
    assert (message.event, message.channels, message.exclude) == ("told", ("private-news",), "1.2")


def test_the_fake_takes_an_app_that_is_made_inside_it() -> None:
    with fake_broadcasts() as broadcasts:
        tell(app_with(PUSHER))

    assert isinstance(broadcasts, Broadcasts)
    broadcasts.assert_broadcast("told", on="private-news", times=1, to_others=True)


def test_a_streamed_answer_has_the_socket_id_and_the_next_request_has_none() -> None:
    app = app_with({"driver": "memory"})

    @app.get("/stream")
    def stream() -> Response:
        def pieces() -> Iterator[str]:
            for _ in range(2):
                yield f"{request.headers.get('X-Socket-ID')} {current_socket_id()};"

        return Response(stream_with_context(pieces()))

    client = app.test_client()
    with_id = client.get("/stream", headers={"X-Socket-ID": "1.2"})
    pieces = iter(with_id.response)
    assert (next(pieces), current_socket_id()) == (b"1.2 1.2;", None)
    with_id.close()
    assert client.get("/stream").text == "None None;None None;"


def test_the_socket_id_is_there_before_any_of_the_apps_own_handlers() -> None:
    app, seen = app_with({"driver": "memory"}), []
    app.before_request(lambda: seen.append(current_socket_id()))
    app.teardown_request(lambda error: seen.append(current_socket_id()))

    app.test_client().get("/nothing", headers={"X-Socket-ID": "1.2"})

    assert seen == ["1.2", "1.2"]


# -- the user ----------------------------------------------------------------------------------------------------------


class Account(flask_login.UserMixin):  # type: ignore[misc]
    def __init__(self, user: User) -> None:
        self.id = user.id


@pytest.fixture
def login_app() -> Flask:
    """An app of Flask-Login, with a cookie session."""
    app = app_with(PUSHER, user=lambda: flask_login.current_user)
    app.secret_key = "not of this world"

    def load(user_id: str) -> Account | None:
        return next((Account(user) for user in USERS.values() if str(user.id) == user_id), None)

    flask_login.LoginManager(app).user_loader(load)

    @app.post("/login")
    def login() -> str:
        flask_login.login_user(Account(USERS[request.form["name"]]))
        return ""

    return app


def test_flask_logins_user_is_asked_for(login_app: Flask) -> None:
    client = login_app.test_client()
    client.post("/login", data={"name": "ada"})

    own = client.post(AUTH, data=asking("private-user.1"))
    other = client.post(AUTH, data=asking("private-user.2"))
    signed_in = client.post(USER_AUTH, data={"socket_id": SOCKET})

    assert (own.status_code, own.json) == (200, SIGNED)
    assert other.status_code == 403
    assert signed_in.json == foreign().authenticate_user(SOCKET, {"id": "1"})


def test_flask_logins_anonymous_user_is_nobody(login_app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "broadcastkit.authorization"):
        assert ask(login_app)[0] == 403
        assert ask(login_app, {"socket_id": SOCKET}, USER_AUTH)[0] == 403

    assert caplog.text.count("no user") == 2


def test_a_proxy_is_seen_through() -> None:
    # or None behind one would be somebody
    nobody, ada = (app_with(PUSHER, user=lambda: LocalProxy(lambda: g.get("user"))) for _ in range(2))
    ada.before_request(lambda: setattr(g, "user", ADA))

    assert ask(nobody)[0] == 403
    assert ask(ada) == (200, SIGNED)


def user_from_form() -> User | None:
    return who(request.form.get("token"))


@pytest.mark.parametrize("content_type", [FORM, "multipart/form-data"])
@pytest.mark.parametrize("first", [False, True], ids=["read by the loader", "read before the view"])
def test_the_form_may_be_read_by_others(content_type: str, first: bool) -> None:
    app = app_with(PUSHER, user=user_from_form)
    if first:
        app.before_request(lambda: str(request.form) and None)
    fields = asking("private-user.1") | {"token": "ada"}

    answer = app.test_client().post(AUTH, data=fields, content_type=content_type)

    # multipart is no form of pusher-js's: it is read only where the application did
    assert answer.status_code == (200 if first or content_type == FORM else 400)


def test_a_form_that_was_read_before_is_no_longer_than_others() -> None:
    app = app_with(PUSHER)
    app.before_request(lambda: str(request.form) and None)

    assert ask(app, asking("private-user.1") | {"padding": "x" * BODY_LIMIT})[0] == 413


def test_the_apps_own_limit_does_not_loosen_ours() -> None:
    app = app_with(PUSHER)
    app.config["MAX_CONTENT_LENGTH"] = 100 * BODY_LIMIT

    assert ask(app, asking("private-user.1") | {"padding": "x" * BODY_LIMIT})[0] == 413


def test_the_prefix_is_free() -> None:
    app = app_with(PUSHER, url_prefix="/api/v1/rt")

    assert ask(app, path="/api/v1/rt/auth") == (200, SIGNED)
    assert ask(app)[0] == 404


# -- async -------------------------------------------------------------------------------------------------------------


async def later(user: object = None) -> bool:
    return True


def test_an_async_rule_is_refused_by_name_now_and_later() -> None:
    channels = ChannelRegistry()
    channels.authorize("private-a")(later)
    with pytest.raises(ConfigurationError, match=r"^Flask is sync and cannot await later \(private-a\); use def$"):
        Broadcasting(channels=channels, user=lambda: ADA)
    with pytest.raises(ConfigurationError, match=r"^Flask is sync and cannot await later \(private-a\); use def$"):
        Broadcasting(broadcaster=Broadcaster(MemoryDriver(), channels=channels), user=lambda: ADA)

    afterwards = own_channels()
    Broadcasting(channels=afterwards, user=lambda: ADA)
    with pytest.raises(ConfigurationError, match=r"^Flask is sync and cannot await later \(private-b\); use def$"):
        afterwards.authorize("private-b")(later)


@pytest.mark.parametrize("options", [{"user": later}, {"user": lambda: ADA, "user_data": later}])
def test_an_async_callable_is_refused_by_name(options: dict[str, Callable[..., Any]]) -> None:
    with pytest.raises(ConfigurationError, match=r"^Flask is sync and cannot await later; use def$"):
        Broadcasting(**options)  # type: ignore[arg-type]


# -- without Flask -----------------------------------------------------------------------------------------------------


def test_its_absence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flask", None)
    monkeypatch.delitem(sys.modules, integration.__name__)

    with pytest.raises(MissingDependencyError, match=re.escape("pip install 'broadcastkit[flask]'")):
        importlib.import_module(integration.__name__)
