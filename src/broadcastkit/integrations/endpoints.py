"""What `/broadcasting/auth` and `/broadcasting/user-auth` do, without a framework: a body in, an answer out.

200 with JSON; 400 for a missing or malformed field; 403 for anything but a clear yes; 413 for a body that is too long;
429 for a client that asks too often. The client is told no reasons for a 403: they are in the log, at INFO on
`broadcastkit.authorization`. Who asks for several channels at once is answered with 200 and an object, in which each
name has the status and the answer that it would have had alone: what pusher-js-auth reads.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeAlias, TypeVar

from broadcastkit.authorization.rules import callback_name
from broadcastkit.broadcaster import AsyncBroadcaster, Broadcaster
from broadcastkit.calls import is_async
from broadcastkit.errors import ConfigurationError, DeniedError, InvalidSocketIdError
from broadcastkit.integrations.answers import REFUSED, Answer, refuse
from broadcastkit.integrations.fields import MAX_CHANNELS, asked_sign_in, asked_subscription
from broadcastkit.integrations.rate_limits import AsyncRateLimit, RateLimit, client_key

__all__ = ["AsyncEndpoints", "Endpoints", "UserData", "signed_in"]

RequestT = TypeVar("RequestT")

UserData: TypeAlias = Callable[[Any], object]
"""Turns the user into what a sign-in tells the service: a mapping with `id`, `user_info`, `watchlist`."""


def signed_in(user: object | None) -> object | None:
    """Return the user, or None for what frameworks have in the place of nobody: its `is_authenticated` is False."""
    return None if user is None or getattr(user, "is_authenticated", True) is False else user


LimitT = TypeVar("LimitT", RateLimit, AsyncRateLimit)


class _Endpoints(Generic[RequestT, LimitT]):
    """What an integration was told about both endpoints.

    `address` says where a request comes from, as the server saw it.

    Raises:
        ConfigurationError: an option is not what it should be; it is named.
    """

    _awaits: bool

    def __init__(
        self,
        by: str,
        address: Callable[[RequestT], str | None],
        *,
        user_data: UserData | None = None,
        max_channels: int = MAX_CHANNELS,
        rate_limit: LimitT | None = None,
        rate_key: Callable[[RequestT, Any], str] | None = None,
    ) -> None:
        if type(max_channels) is not int or max_channels < 1:
            raise ConfigurationError(f"must be a number from 1, not {max_channels!r}", setting="max_channels")
        self._check_limit(by, rate_limit)
        if rate_key is not None and (rate_limit is None or is_async(rate_key)):
            why = "is for a rate_limit, and there is none" if rate_limit is None else "is called, not awaited: use def"
            raise ConfigurationError(why, setting="rate_key")
        self._user_data = user_data
        self._max_channels = max_channels
        self._rate_limit: LimitT | None = rate_limit
        self._rate_key = rate_key or (lambda request, user: client_key(user, address(request)))

    def _check_limit(self, by: str, rate_limit: Any) -> None:
        if rate_limit is None:
            return
        hit = getattr(rate_limit, "hit", None)
        wanted = "AsyncFixedWindow" if self._awaits else "FixedWindow"
        if not callable(hit):
            kind = type(rate_limit).__name__
            raise ConfigurationError(f"must be one such as {wanted}('120/minute'), not {kind}", setting="rate_limit")
        if is_async(hit) is not self._awaits:
            does = "awaits" if self._awaits else "cannot await"
            raise ConfigurationError(f"{by} {does} its rate limit: use {wanted}, not {callback_name(hit)}")

    def _told(self, user: object) -> object:
        return user if self._user_data is None else self._user_data(user)


class Endpoints(_Endpoints[RequestT, RateLimit]):
    """Answers for an integration that cannot await."""

    _awaits = False

    def authorize_channel(
        self, broadcaster: Broadcaster | None, content_type: str, body: bytes, user: object | None, request: RequestT
    ) -> Answer:
        """Answer a client that wants to subscribe to a channel, or to several; without a broadcaster, with a no."""
        try:
            if broadcaster is None:
                raise _nobody_answers()
            socket_id, name = asked_subscription(
                content_type, body, max_channels=self._max_channels, needs_socket_id=broadcaster.needs_socket_id()
            )
            known = signed_in(user)
            if self._rate_limit is not None:
                wait = self._rate_limit.hit(self._rate_key(request, known), _cost(name))
                if wait is not None:
                    return _too_often(wait)
            if isinstance(name, list):
                return _together((one, _one(broadcaster, socket_id, one, known)) for one in name)
            auth = broadcaster.authorize_channel(socket_id=socket_id, channel_name=name, user=known)
        except REFUSED as error:
            return refuse(error)
        return Answer(200, auth.to_json())

    def authenticate_user(
        self, broadcaster: Broadcaster | None, content_type: str, body: bytes, user: object | None, request: RequestT
    ) -> Answer:
        """Answer a client that wants to sign in."""
        try:
            if broadcaster is None:
                raise _nobody_answers()
            socket_id = asked_sign_in(content_type, body)
            known = signed_in(user)
            if self._rate_limit is not None:
                wait = self._rate_limit.hit(self._rate_key(request, known))
                if wait is not None:
                    return _too_often(wait)
            told = None if known is None else self._told(known)
            auth = broadcaster.authenticate_user(socket_id=socket_id, user=told)
        except REFUSED as error:
            return refuse(error)
        return Answer(200, auth.to_json())


class AsyncEndpoints(_Endpoints[RequestT, AsyncRateLimit]):
    """The awaited twin of Endpoints."""

    _awaits = True

    async def authorize_channel(
        self,
        broadcaster: AsyncBroadcaster | None,
        content_type: str,
        body: bytes,
        user: object | None,
        request: RequestT,
    ) -> Answer:
        """See Endpoints.authorize_channel.

        Of several channels one is asked after the other: what a user brings along, such as a session of a database,
        seldom bears two questions at once.
        """
        try:
            if broadcaster is None:
                raise _nobody_answers()
            socket_id, name = asked_subscription(
                content_type, body, max_channels=self._max_channels, needs_socket_id=broadcaster.needs_socket_id()
            )
            known = signed_in(user)
            if self._rate_limit is not None:
                wait = await self._rate_limit.hit(self._rate_key(request, known), _cost(name))
                if wait is not None:
                    return _too_often(wait)
            if isinstance(name, list):
                return _together([(one, await _async_one(broadcaster, socket_id, one, known)) for one in name])
            auth = await broadcaster.authorize_channel(socket_id=socket_id, channel_name=name, user=known)
        except REFUSED as error:
            return refuse(error)
        return Answer(200, auth.to_json())

    async def authenticate_user(
        self,
        broadcaster: AsyncBroadcaster | None,
        content_type: str,
        body: bytes,
        user: object | None,
        request: RequestT,
    ) -> Answer:
        """See Endpoints.authenticate_user."""
        try:
            if broadcaster is None:
                raise _nobody_answers()
            socket_id = asked_sign_in(content_type, body)
            known = signed_in(user)
            if self._rate_limit is not None:
                wait = await self._rate_limit.hit(self._rate_key(request, known))
                if wait is not None:
                    return _too_often(wait)
            told = None if known is None else self._told(known)
            auth = await broadcaster.authenticate_user(socket_id=socket_id, user=told)
        except REFUSED as error:
            return refuse(error)
        return Answer(200, auth.to_json())


def _one(broadcaster: Broadcaster, socket_id: str | None, name: str, user: object | None) -> Answer:
    try:
        auth = broadcaster.authorize_channel(socket_id=socket_id, channel_name=name, user=user)
    except InvalidSocketIdError:
        raise  # it is that of the whole request
    except REFUSED as error:
        return refuse(error)
    return Answer(200, auth.to_json())


async def _async_one(broadcaster: AsyncBroadcaster, socket_id: str | None, name: str, user: object | None) -> Answer:
    try:
        auth = await broadcaster.authorize_channel(socket_id=socket_id, channel_name=name, user=user)
    except InvalidSocketIdError:
        raise
    except REFUSED as error:
        return refuse(error)
    return Answer(200, auth.to_json())


def _together(answers: Iterable[tuple[str, Answer]]) -> Answer:
    # joined as bytes: what was signed stays as it was written
    parts = [b'%b:{"status":%d,"data":%b}' % (json.dumps(name).encode(), one.status, one.body) for name, one in answers]
    return Answer(200, b"{%b}" % b",".join(parts))


def _cost(name: str | list[str]) -> int:
    return len(name) if isinstance(name, list) else 1


def _too_often(wait: float) -> Answer:
    return Answer(429, b'{"error":"too many requests"}', (("Retry-After", str(max(1, math.ceil(wait)))),))


def _nobody_answers() -> DeniedError:
    return DeniedError("no broadcaster was chosen for the request")
