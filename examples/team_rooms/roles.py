"""What one may do in a room: an owner everything, a moderator looks after people, a member writes, a guest reads."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["ROLES", "Role", "may_add", "may_change", "may_remove", "may_write"]

Role = Literal["guest", "member", "moderator", "owner"]
ROLES: tuple[Role, ...] = get_args(Role)
_RANK: dict[str, int] = {role: rank for rank, role in enumerate(ROLES)}


def may_write(role: str) -> bool:
    return role != "guest"


def may_add(actor: str, role: str) -> bool:
    """Whether somebody may bring others in with a role; an owner may with any, a moderator with a lower one."""
    return actor == "owner" or (actor == "moderator" and _RANK[role] < _RANK[actor])


def may_remove(actor: str, subject: str) -> bool:
    """Whether somebody may send another one away; owners leave by themselves."""
    return subject != "owner" and may_add(actor, subject)


def may_change(actor: str, subject: str, role: str) -> bool:
    """Whether somebody may turn another's role into this one."""
    return may_remove(actor, subject) and may_add(actor, role)
