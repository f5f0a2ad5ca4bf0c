"""Who a client is: the member of a presence channel, and the user of a sign-in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from broadcastkit.authorization.answers import UserGrant
from broadcastkit.core import payload
from broadcastkit.core.names import check_socket_id, check_user_id
from broadcastkit.errors import DeniedError, InvalidUserError

__all__ = ["PresenceMember", "grant_user", "member_from"]

_WATCHLIST_LIMIT = 100


class PresenceMember(NamedTuple):
    """Who a subscriber of a presence channel is to the others: an id, and what they may know.

    Laravel Echo hands a page the info only, so put the id into it too if the page is to know it; a rule that returns
    a mapping or a model with an `id` does so by itself.
    """

    id: object
    info: Mapping[str, Any] | BaseModel | None = None

    def __repr__(self) -> str:
        """Leave the info out: it is about a person."""
        return f"PresenceMember({self.id!r})"

    def as_json(self) -> str:
        """Return `channel_data`: the text that is signed and sent, `user_id` always a string.

        Raises:
            InvalidUserError: no usable id.
            InvalidPayloadError: the info cannot be written as JSON.
        """
        given, info = self
        user_id = check_user_id(given)
        if info is None:  # soketi leaves a member without info out of the others' rosters
            return f'{{"user_id":"{user_id}","user_info":{{}}}}'
        return f'{{"user_id":"{user_id}","user_info":{payload.encode(info, "the info of a presence member")}}}'


def member_from(answer: object) -> PresenceMember | None:
    """Return the member that a presence rule's answer means, or None if it means none.

    Of a mapping or model with an `id`, all of it is what the others see.
    """
    if isinstance(answer, PresenceMember):
        return answer
    if isinstance(answer, Mapping):
        return PresenceMember(answer["id"], answer) if "id" in answer else None
    if isinstance(answer, BaseModel) and "id" in type(answer).model_fields:
        return PresenceMember(vars(answer)["id"], answer)
    return None


def grant_user(*, socket_id: str, user: object | None) -> UserGrant:
    """Check a sign-in and write its `user_data`.

    `user` is any object with an `id`, of which only the id is sent; or a PresenceMember; or a mapping with `id` and
    optionally `user_info` and `watchlist` (at most 100 user ids).

    Raises:
        InvalidSocketIdError: malformed: answer 400.
        DeniedError: no user: answer 403.
        InvalidUserError: the user has no usable id, or the watchlist is too long.
    """
    check_socket_id(socket_id)
    if user is None:
        raise DeniedError("no user")
    data = _user_data(user)
    if "watchlist" in data:
        data["watchlist"] = [check_user_id(user_id) for user_id in _listed(data["watchlist"])]
        if len(data["watchlist"]) > _WATCHLIST_LIMIT:
            raise InvalidUserError(f"a watchlist holds at most {_WATCHLIST_LIMIT} user ids")
    return UserGrant(socket_id, payload.encode(data, "the user data of a sign-in"))


def _listed(watchlist: object) -> Iterable[object]:
    if isinstance(watchlist, Iterable) and not isinstance(watchlist, (str, bytes, Mapping)):
        return watchlist
    raise InvalidUserError(f"a watchlist is a list of user ids, not one {type(watchlist).__name__}")


def _user_data(user: object) -> dict[str, Any]:
    if isinstance(user, PresenceMember):
        return {"id": check_user_id(user.id)} | ({} if user.info is None else {"user_info": user.info})
    if isinstance(user, Mapping):
        extras = {key: user[key] for key in ("user_info", "watchlist") if user.get(key) is not None}
        return {"id": check_user_id(user.get("id")), **extras}
    return {"id": check_user_id(getattr(user, "id", None))}
