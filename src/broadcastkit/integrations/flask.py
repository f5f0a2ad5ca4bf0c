"""Flask: an extension with both endpoints, the user of your login, and the socket id of each request."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from broadcastkit.authorization import ChannelRegistry
from broadcastkit.broadcaster import Broadcaster, ErrorPolicy
from broadcastkit.default import configure
from broadcastkit.errors import ConfigurationError, MissingDependencyError
from broadcastkit.integrations.answers import AUTH, BODY_LIMIT, JSON_HEADERS, TOO_LONG, USER_AUTH, Answer
from broadcastkit.integrations.broadcasters import blocking_broadcaster, require_sync
from broadcastkit.integrations.endpoints import Endpoints, UserData
from broadcastkit.integrations.fields import MAX_CHANNELS
from broadcastkit.integrations.rate_limits import RateLimit
from broadcastkit.integrations.webhooks import WebhookReceiver, require_receiver
from broadcastkit.integrations.wsgi import SocketIdMiddleware, client_address

try:
    from flask import Blueprint, Flask, Response, current_app, request
    from werkzeug.exceptions import RequestEntityTooLarge
    from werkzeug.local import LocalProxy
except ImportError:
    raise MissingDependencyError("Flask", "flask", "broadcastkit.integrations.flask") from None

__all__ = ["Broadcasting", "SocketIdMiddleware", "webhook_blueprint"]

_BY = "Flask"
_SETTING = "BROADCASTING"


class Broadcasting:
    """The Flask extension.

        broadcasting = Broadcasting(channels=channels, user=lambda: current_user)   # Flask-Login's

        def create_app():
            app = Flask(__name__)
            app.config["BROADCASTING"] = {"driver": "pusher", …}                    # or a URL
            broadcasting.init_app(app)

    `user` is called in the request and returns the user, or None for a guest; Flask-Login's anonymous user counts as
    none. What it raises (`abort(401)`) is the answer. The broadcaster is the one given, or what a given function
    chooses, which is called in each request; or else made for each app, with `channels`, `on_error` and `transaction`
    (`db.session` of Flask-SQLAlchemy), from its `BROADCASTING` setting or the environment; or, without `channels` and
    the setting, the configured one. `user_data` may turn the user into what a sign-in tells the service (by default the
    `id`, and nothing else). One request may ask for up to `max_channels` channels. With a `rate_limit` requests are
    counted for each user, or for a guest's address; `rate_key` may name another key, given the user. Of two in one app,
    for two kinds of users, one needs another `url_prefix` and `name`.

    Raises:
        ConfigurationError: a rule or one of these callables is `async`, here or when a rule is registered later.
    """

    def __init__(
        self,
        app: Flask | None = None,
        broadcaster: Broadcaster | Callable[[], Broadcaster | None] | None = None,
        *,
        user: Callable[[], Any],
        user_data: UserData | None = None,
        max_channels: int = MAX_CHANNELS,
        rate_limit: RateLimit | None = None,
        rate_key: Callable[[Any], str] | None = None,
        channels: ChannelRegistry | None = None,
        on_error: ErrorPolicy = "raise",
        transaction: object | None = None,
        url_prefix: str = "/broadcasting",
        name: str = "broadcasting",
    ) -> None:
        require_sync(_BY, broadcaster, user, user_data, rate_key)
        if channels is not None:
            if broadcaster is not None:
                raise ConfigurationError("a broadcaster has its channels: give one of both, not both")
            channels.require_sync(_BY)
        self._broadcaster = broadcaster
        self._user = user
        self._endpoints: Endpoints[Any] = Endpoints(
            _BY,
            _address_of,
            user_data=user_data,
            max_channels=max_channels,
            rate_limit=rate_limit,
            rate_key=None if rate_key is None else lambda _, user: rate_key(user),
        )
        self._options: dict[str, Any] = {"channels": channels, "on_error": on_error, "transaction": transaction}
        # no root path: it has no templates and no static files to look for
        self.blueprint: Blueprint = Blueprint(name, __name__, url_prefix=url_prefix, root_path="")
        self.blueprint.add_url_rule(AUTH, "auth", self._auth, methods=["POST"])
        self.blueprint.add_url_rule(USER_AUTH, "user_auth", self._user_auth, methods=["POST"])
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Serve the endpoints in an app, and know the socket id of its requests.

        The app's broadcaster becomes the one behind `broadcast()`. One that was made from its settings is closed with
        the app, at the latest when the process ends.

        Raises:
            ConfigurationError: the setting is wrong, or there is one beside a broadcaster.
        """
        broadcaster = self._broadcaster_of(app)
        app.register_blueprint(self.blueprint)
        app.extensions[self.blueprint.name] = broadcaster
        if not isinstance(app.wsgi_app, SocketIdMiddleware):
            app.wsgi_app = SocketIdMiddleware(app.wsgi_app)  # type: ignore[method-assign]
        if isinstance(broadcaster, Broadcaster):
            configure(broadcaster)

    @property
    def broadcaster(self) -> Broadcaster:
        """The current app's broadcaster, for a process with more than one app; otherwise `broadcast()` will do.

        Where a function chooses, the one for the current request.

        Raises:
            LookupError: that function chose none.
        """
        found = blocking_broadcaster(_BY, current_app.extensions[self.blueprint.name])
        if found is None:
            raise LookupError("no broadcaster was chosen for this request")
        return found

    def _broadcaster_of(self, app: Flask) -> Any:
        settings = app.config.get(_SETTING)
        if self._broadcaster is not None:
            if settings is not None:
                raise ConfigurationError("is set, and a broadcaster is given: give one of both", setting=_SETTING)
            return self._broadcaster
        if settings is None and self._options["channels"] is None:
            return None
        made = self._made(settings)
        made.driver()  # a setting that is wrong is said now, and not in the first request
        weakref.finalize(app, made.close)  # the end of an app is nothing that Flask would tell of
        return made

    def _made(self, settings: object) -> Broadcaster:
        if settings is None:
            return Broadcaster.from_env(**self._options)
        if isinstance(settings, str):
            return Broadcaster.from_url(settings, **self._options)
        if isinstance(settings, Mapping):
            return Broadcaster.from_settings(settings, **self._options)
        kind = type(settings).__name__
        raise ConfigurationError(f"must be a mapping or a URL such as 'log://', not {kind}", setting=_SETTING)

    def _auth(self) -> Response:
        return self._respond(self._endpoints.authorize_channel)

    def _user_auth(self) -> Response:
        return self._respond(self._endpoints.authenticate_user)

    def _respond(self, answer_to: Callable[[Broadcaster | None, str, bytes, object | None, Any], Answer]) -> Response:
        body = _body()
        if body is None:
            return _response(TOO_LONG)
        broadcaster = blocking_broadcaster(_BY, current_app.extensions[self.blueprint.name])
        user = self._user()
        if isinstance(user, LocalProxy):
            user = user._get_current_object()  # noqa: SLF001 - werkzeug documents it: only this tells None
        return _response(answer_to(broadcaster, request.headers.get("Content-Type", ""), body, user, request))


def webhook_blueprint(
    receiver: WebhookReceiver, *, path: str = "/broadcasting/webhooks", name: str = "broadcasting_webhooks"
) -> Blueprint:
    """Return a blueprint that takes the service's webhooks at `POST /broadcasting/webhooks`.

    With Flask-WTF, `csrf.exempt(blueprint)`: what comes is signed. Of two in one app, one needs another `name`.
    """
    require_receiver("webhook_blueprint of Flask", receiver, WebhookReceiver)
    blueprint = Blueprint(name, __name__, root_path="")

    @blueprint.post(path)
    def webhook() -> Response:
        return _response(receiver.receive(request.headers, _body(receiver.body_limit)))

    return blueprint


def _body(limit: int = BODY_LIMIT) -> bytes | None:
    """Return the body, or None if it is too long; also if something of the app has read the form before us."""
    # one more than ours: a body in chunks that is longer, werkzeug cuts off at its limit and says nothing
    request.max_content_length = limit + 1
    try:
        body = request.get_data()
    except RequestEntityTooLarge:
        return None
    if not body and request.form:
        body = urlencode([*request.form.items(multi=True)]).encode()
    return body if len(body) <= limit else None


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, [*JSON_HEADERS.items(), *answer.headers])


def _address_of(_: Any) -> str | None:
    return client_address(request.environ)
