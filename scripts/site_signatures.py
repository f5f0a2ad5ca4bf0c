"""What griffe cannot see in the sources, for the generated reference.

Typed channels and events are made from the annotated fields of their class: griffe knows that of dataclasses only. And
a docstring that sends its reader to a twin, `See PusherDriver.send`, becomes a link.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from griffe import (
    Attribute,
    Class,
    Expr,
    ExprCall,
    ExprKeyword,
    Extension,
    Function,
    Parameter,
    ParameterKind,
    Parameters,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from griffe import Module

__all__ = ["Broadcastkit"]

_SOURCE = Parameter("source", annotation="object", kind=ParameterKind.positional_only, default="...")
_TWIN = re.compile(r"See (?P<cls>[A-Z]\w+)\.(?P<name>\w+)")
_BASES = {
    "broadcastkit.channels.base.Channel": (),
    "broadcastkit.events.base.Event": (_SOURCE,),
}


class Broadcastkit(Extension):
    """Gives every typed channel and event the constructor that it has, and links twins."""

    def on_package(self, *, pkg: Module, **_: object) -> None:
        """Look through all classes of a package that was read."""
        known = {cls.name: cls.path for cls in _classes(pkg)}
        for cls in _classes(pkg):
            _add_constructor(cls)
            _link_twins(cls, known)


def _add_constructor(cls: Class) -> None:
    mro = [cls, *cls.mro()]
    base = next((parent.path for parent in mro[1:] if parent.path in _BASES), None)
    fields = None if base is None else _fields(mro, base)
    if base is not None and fields:
        cls.set_member("__init__", _constructor(cls, *_BASES[base], *fields.values()))


def _link_twins(cls: Class, known: dict[str, str]) -> None:
    for member in cls.members.values():
        found = None if member.is_alias or member.docstring is None else _TWIN.match(member.docstring.value)
        if found is not None:
            there = cls.parent[found["cls"]].path if found["cls"] in cls.parent.members else known[found["cls"]]
            link = f"See [{found['cls']}.{found['name']}][{there}.{found['name']}]"
            member.docstring.value = link + member.docstring.value[found.end() :]


def _classes(inside: Module | Class) -> Iterator[Class]:
    for member in list(inside.members.values()):
        if not member.is_alias and (member.is_class or member.is_module):
            if member.is_class:
                yield member
            yield from _classes(member)


def _fields(mro: list[Class], base: str) -> dict[str, Parameter]:
    own = mro[: [cls.path for cls in mro].index(base)]
    return {
        name: Parameter(name, annotation=member.annotation, kind=ParameterKind.keyword_only, default=_default(member))
        for cls in reversed(own)
        for name, member in cls.members.items()
        if _is_field(member)
    }


def _is_field(member: object) -> bool:
    # griffe unwraps ClassVar: what is left of it is this label
    return (
        isinstance(member, Attribute)
        and member.annotation is not None
        and not member.name.startswith("_")
        and "instance-attribute" in member.labels
    )


def _default(member: Attribute) -> str | Expr | None:
    value = member.value
    if not isinstance(value, ExprCall) or str(value.function) != "Field":
        return value
    given = {part.name: part.value for part in value.arguments if isinstance(part, ExprKeyword)}
    made = given.get("default_factory")
    return f"{made}()" if made is not None else given.get("default")


def _constructor(cls: Class, *parameters: Parameter) -> Function:
    self = Parameter("self", kind=ParameterKind.positional_only)
    return Function("__init__", parent=cls, parameters=Parameters(self, *parameters), returns="None")
