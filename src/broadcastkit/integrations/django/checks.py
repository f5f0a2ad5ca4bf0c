"""What `manage.py check` says of broadcasting: each finding names the setting and what it should hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name for it
from django.utils.module_loading import import_string

from broadcastkit.config import Connections, delivery_from_settings, drivers_from_settings, settings_from_env
from broadcastkit.drivers.base import Driver
from broadcastkit.errors import ConfigurationError
from broadcastkit.integrations.django import channels, conf

__all__ = ["CHECKS", "check_connections", "check_middleware", "check_rules", "check_settings"]

_MIDDLEWARE = "broadcastkit.integrations.django.middleware.SocketIdMiddleware"
_AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
_EXAMPLE = '{"driver": "pusher", "app_id": …, "key": …, "secret": …}'


def check_connections(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Find what is wrong with BROADCASTING, or without it with the environment; E001 to E004, W001."""
    del app_configs
    given = conf.setting(conf.BROADCASTING)
    if given is None:
        return _environment()
    if not isinstance(given, (str, Mapping)):
        return [_error(1, _text(conf.connections), f"BROADCASTING = {_EXAMPLE}")]
    try:
        drivers, _default = drivers_from_settings(conf.connections())
        delivery_from_settings(conf.connections())
    except ConfigurationError as error:
        hint = f"Give a URL, one connection such as {_EXAMPLE}, or a mapping with 'default' and 'connections'."
        return [_error(2, _prefixed(error), hint)]
    return list(_unusable(drivers))


def _environment() -> list[CheckMessage]:
    try:
        drivers, _default = drivers_from_settings(settings_from_env())
    except ConfigurationError as error:
        if error.setting == "BROADCAST_CONNECTION" and "is not set" in str(error):
            if conf.setting(conf.BROADCASTER) is not None:  # each tenant's own
                return []
            text = "nothing says where events go: there is neither BROADCASTING nor BROADCAST_CONNECTION"
            hint = 'Set BROADCASTING = "log://" to begin with; until then the first broadcast raises an error.'
            return [Warning(text, hint=hint, id="broadcastkit.W001")]
        return [_error(4, str(error), "Correct the environment variable, or set BROADCASTING instead.")]
    return list(_unusable(drivers, 4, ""))


def _unusable(drivers: Connections[Driver], number: int = 3, prefix: str = "BROADCASTING: ") -> Iterator[CheckMessage]:
    """Make each driver, which checks its settings and connects to nothing."""
    for name in drivers:
        try:
            drivers[name].close()
        except ConfigurationError as error:
            hint = f"Correct the settings of the connection {name!r}; a broadcast over it would raise this."
            yield _error(number, f"{prefix}{error}", hint)


def check_settings(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Find what is wrong with the settings beside BROADCASTING; E005 to E010."""
    del app_configs
    readers: list[tuple[int, Callable[[], object], str]] = [
        (5, conf.user_callback, 'BROADCASTING_USER = "accounts.tokens.user_of", or leave it out for request.user'),
        (5, conf.user_data, 'BROADCASTING_USER_DATA = "accounts.profiles.user_data", or leave it out'),
        (5, conf.choose_broadcaster, 'BROADCASTING_BROADCASTER = "tenants.live.broadcaster_of", or leave it out'),
        (6, conf.csrf, "BROADCASTING_CSRF = True has the endpoints ask for Django's CSRF token"),
        (7, conf.error_policy, 'BROADCASTING_ON_ERROR = "report" logs errors instead of raising them'),
        (8, conf.endpoints, 'BROADCASTING_RATE_LIMIT = FixedWindow("120/minute"), or leave it out'),
        (9, conf.outbox, 'BROADCASTING_OUTBOX = "default", with the app of its table, or leave it out'),
        (10, conf.when_offline, 'BROADCASTING_WHEN_OFFLINE = "shop.mails.fallbacks", or leave it out'),
    ]
    return [_error(number, text, hint) for number, read, hint in readers if (text := _text(read))]


def check_middleware(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Find middleware that is missing; W002, W004."""
    del app_configs
    found: list[CheckMessage] = []
    if not _has_middleware(_MIDDLEWARE):
        text = f"MIDDLEWARE lacks {_MIDDLEWARE}: to_others() will reach the sender too"
        found.append(Warning(text, hint="Add it to MIDDLEWARE.", id="broadcastkit.W002"))
    if conf.setting(conf.USER) is None and not _has_middleware(_AUTHENTICATION):
        text = f"there is neither {_AUTHENTICATION} nor BROADCASTING_USER: everybody is a guest"
        hint = "Add the middleware, or name a function that returns the user of a request."
        found.append(Warning(text, hint=hint, id="broadcastkit.W004"))
    return found


def check_rules(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Find rules that will not run as they are meant to; W003."""
    del app_configs
    asynchronous = [f"{rule.name} ({rule.pattern.text})" for rule in channels.rules if rule.is_async]
    if not asynchronous or conf.setting("ASGI_APPLICATION"):
        return []
    text = f"{', '.join(asynchronous)}: async, and under WSGI each question starts an event loop for it"
    hint = "Write def rules, or set ASGI_APPLICATION if the project is served under ASGI."
    return [Warning(text, hint=hint, id="broadcastkit.W003")]


CHECKS = (check_connections, check_settings, check_middleware, check_rules)


def _has_middleware(path: str) -> bool:
    """Whether the middleware is there, by its own path, another one or as a subclass."""
    for given in conf.setting("MIDDLEWARE"):
        try:
            found = import_string(given)
        except ImportError:  # Django itself will say so
            continue
        # by name: to import Django's own needs django.contrib.auth in INSTALLED_APPS
        if any(f"{cls.__module__}.{cls.__qualname__}" == path for cls in getattr(found, "__mro__", ())):
            return True
    return False


def _text(read: Callable[[], object]) -> str:
    try:
        read()
    except ConfigurationError as error:
        return str(error)
    return ""


def _prefixed(error: ConfigurationError) -> str:
    text = str(error)
    return text if text.startswith(conf.BROADCASTING) else f"BROADCASTING: {text}"


def _error(number: int, text: str, hint: str) -> CheckMessage:
    return Error(text, hint=hint, id=f"broadcastkit.E{number:03}")
