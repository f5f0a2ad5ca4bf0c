"""What settings.py says: `BROADCASTING`, and the settings named after it. Each is checked where it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, cast

import django.conf
from django.apps import apps
from django.db import DEFAULT_DB_ALIAS
from django.db import connections as databases
from django.utils.module_loading import import_string

from broadcastkit.authorization.rules import callback_name
from broadcastkit.broadcaster import AsyncBroadcaster, Broadcaster, ErrorPolicy
from broadcastkit.calls import is_async
from broadcastkit.config import Connections, settings_from_env, settings_from_url
from broadcastkit.default import configure
from broadcastkit.delivery.outbox import Outbox
from broadcastkit.errors import ConfigurationError
from broadcastkit.integrations import fields
from broadcastkit.integrations.django import channels
from broadcastkit.integrations.endpoints import Endpoints
from broadcastkit.integrations.wsgi import client_address
from broadcastkit.offline import Fallbacks

__all__ = [
    "BROADCASTER",
    "BROADCASTING",
    "CSRF",
    "MAX_CHANNELS",
    "ON_ERROR",
    "OUTBOX",
    "OUTBOX_NOTIFY",
    "RATE_KEY",
    "RATE_LIMIT",
    "USER",
    "USER_DATA",
    "WHEN_OFFLINE",
    "apply",
    "choose_broadcaster",
    "connections",
    "csrf",
    "current_user",
    "endpoints",
    "error_policy",
    "outbox",
    "setting",
    "user_callback",
    "user_data",
    "when_offline",
]

BROADCASTER = "BROADCASTING_BROADCASTER"
BROADCASTING = "BROADCASTING"
CSRF = "BROADCASTING_CSRF"
MAX_CHANNELS = "BROADCASTING_MAX_CHANNELS"
ON_ERROR = "BROADCASTING_ON_ERROR"
OUTBOX = "BROADCASTING_OUTBOX"
OUTBOX_NOTIFY = "BROADCASTING_OUTBOX_NOTIFY"
RATE_KEY = "BROADCASTING_RATE_KEY"
RATE_LIMIT = "BROADCASTING_RATE_LIMIT"
USER = "BROADCASTING_USER"
USER_DATA = "BROADCASTING_USER_DATA"
WHEN_OFFLINE = "BROADCASTING_WHEN_OFFLINE"


def setting(name: str, *, default: Any = None) -> Any:
    """Return what settings.py holds under a name."""
    return getattr(django.conf.settings, name, default)


def apply() -> None:
    """Have `broadcast()` and `aio.broadcast()` use what the settings say, with the project's rules.

    `after_commit` is of the default database, where no other is named.

    Wrong settings are no error here, or `manage.py check` could not name them: the first broadcast raises it.
    """
    try:
        alias = outbox()
        configure(
            connections(),
            channels=channels,
            delivery=None if alias is None else Outbox(alias, notify=bool(setting(OUTBOX_NOTIFY))),
            on_error=error_policy(),
            transaction=alias or DEFAULT_DB_ALIAS,
            when_offline=when_offline(),
        )
    except ConfigurationError as error:
        _raise_at_first_use(error)


def connections() -> Mapping[str, Any]:
    """Return the connections: those of BROADCASTING, a mapping or a URL, or without it those of the environment.

    Raises:
        ConfigurationError: neither, or nothing is configured anywhere.
    """
    given = setting(BROADCASTING)
    if given is None:
        return settings_from_env()
    if isinstance(given, str):
        try:
            return settings_from_url(given)
        except ConfigurationError as error:
            raise ConfigurationError(str(error), setting=f"{BROADCASTING}:") from None
    if not isinstance(given, Mapping):
        raise ConfigurationError(
            "must be a mapping such as {'default': 'main', 'connections': {'main': {'driver': 'log'}}} "
            f"or a connection URL such as 'log://', not {type(given).__name__}",
            setting=BROADCASTING,
        )
    return cast("Mapping[str, Any]", given)


def error_policy() -> ErrorPolicy:
    """Return what to do with errors: `"raise"`, `"report"`, or a callable, which may be named by its path."""
    given = setting(ON_ERROR, default="raise")
    if isinstance(given, str) and given in {"raise", "report"}:
        return cast("ErrorPolicy", given)
    return _callable(ON_ERROR, given, "'raise', 'report' or a callable that takes the error")


def outbox() -> str | None:
    """Return the database in whose transactions broadcasts are written, if they are."""
    given: object = setting(OUTBOX)
    if given is None:
        return None
    if given not in list(databases):
        raise ConfigurationError(f"must be the alias of a database, not {given!r}", setting=OUTBOX)
    if not apps.is_installed("broadcastkit.integrations.django.outbox"):
        raise ConfigurationError('needs INSTALLED_APPS += ["broadcastkit.integrations.django.outbox"]', setting=OUTBOX)
    return str(given)


def when_offline() -> Fallbacks | None:
    """Return the fallbacks that BROADCASTING_WHEN_OFFLINE names, if it does."""
    given, wanted = setting(WHEN_OFFLINE), "broadcastkit.offline.Fallbacks"
    if isinstance(given, str):
        given = _imported(WHEN_OFFLINE, given, f"a {wanted}")
    if given is not None and not isinstance(given, Fallbacks):
        raise ConfigurationError(f"must be a {wanted}, or its path; not {type(given).__name__}", setting=WHEN_OFFLINE)
    return given


def csrf() -> bool:
    """Whether the endpoints ask for Django's CSRF token."""
    given = setting(CSRF, default=False)
    if not isinstance(given, bool):
        raise ConfigurationError(f"must be True or False, not {type(given).__name__}", setting=CSRF)
    return given


def current_user(request: Any) -> Any:
    """Return who asks: what BROADCASTING_USER says, else `request.user`; None for nobody."""
    callback = user_callback()
    return getattr(request, "user", None) if callback is None else callback(request)


def user_callback() -> Callable[[Any], Any] | None:
    """Return what BROADCASTING_USER names."""
    given = setting(USER)
    return None if given is None else _callable(USER, given, "a function that takes the request and returns the user")


def user_data() -> Callable[[Any], object]:
    """Return what BROADCASTING_USER_DATA names, or what tells a service the user's key and nothing else."""
    given = setting(USER_DATA)
    if given is None:
        return _key_only
    return _callable(USER_DATA, given, "a function that takes the user and returns a mapping with 'id'")


def choose_broadcaster() -> Callable[[Any], Any] | None:
    """Return what BROADCASTING_BROADCASTER names, or None where one broadcaster answers every request."""
    given = setting(BROADCASTER)
    if given is None:
        return None
    return _callable(BROADCASTER, given, "a function that takes the request and returns its broadcaster")


def endpoints() -> Endpoints[Any]:
    """Return the endpoints, as the settings want them.

    Raises:
        ConfigurationError: BROADCASTING_MAX_CHANNELS, BROADCASTING_RATE_LIMIT or BROADCASTING_RATE_KEY is wrong.
    """
    limit, key = setting(RATE_LIMIT), setting(RATE_KEY)
    if isinstance(limit, str):
        limit = _imported(RATE_LIMIT, limit, "a rate limit such as FixedWindow('120/minute')")
    if key is not None:
        key = _callable(RATE_KEY, key, "a function that takes the request and the user and returns a key")
    try:
        return Endpoints(
            "Django",
            lambda request: client_address(request.META),
            user_data=_user_data,
            max_channels=setting(MAX_CHANNELS, default=fields.MAX_CHANNELS),
            rate_limit=limit,
            rate_key=key,
        )
    except ConfigurationError as error:
        if not error.setting:
            raise ConfigurationError(f"is wrong: {error}", setting=RATE_LIMIT) from None
        text = str(error).removeprefix(error.setting).strip()
        raise ConfigurationError(text, setting=f"BROADCASTING_{error.setting.upper()}") from None


def _user_data(user: Any) -> object:
    return user_data()(user)  # looked up when it is needed: another check tells of it


def _key_only(user: Any) -> object:
    # a model's key is its `pk`, whatever the field is called
    return {"id": user.pk} if hasattr(user, "pk") else user


def _callable(name: str, given: Any, wanted: str) -> Callable[..., Any]:
    if isinstance(given, str):
        given = _imported(name, given, wanted)
    if not callable(given):
        raise ConfigurationError(f"must be {wanted}, or its path; not {type(given).__name__}", setting=name)
    if is_async(given):
        # it is called in the request's own thread, where it may query the database
        raise ConfigurationError(f"must be {wanted}; {callback_name(given)} is async: use def", setting=name)
    return cast("Callable[..., Any]", given)


def _imported(name: str, path: str, wanted: str) -> Any:
    try:
        return import_string(path)
    except ImportError as error:
        raise ConfigurationError(f"must be {wanted}, or its path ({error})", setting=name) from None


def _raise_at_first_use(error: ConfigurationError) -> None:
    def fail() -> NoReturn:
        raise error.with_traceback(None)

    configure(Broadcaster(Connections({BROADCASTING: fail}), channels=channels))
    configure(AsyncBroadcaster(Connections({BROADCASTING: fail}), channels=channels))
