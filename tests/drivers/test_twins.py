"""X and AsyncX are one thing in two colours: same methods, same parameters, same words."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any

import pytest

from broadcastkit import AsyncBroadcaster, Broadcaster, aio, default
from broadcastkit.drivers import DRIVERS, driver_class
from broadcastkit.drivers.base import AsyncDriver, Driver
from broadcastkit.drivers.guarded import AsyncGuarded, Guarded
from broadcastkit.drivers.pusher import AsyncPusherDriver, PusherDriver
from broadcastkit.drivers.pusher.http import AsyncTransport, Transport
from broadcastkit.drivers.serviceless import AsyncServiceless, Serviceless
from broadcastkit.testing.stand_in import AsyncFakeDriver, FakeDriver

DRIVER_TWINS = [(driver_class(name, asynchronous=False), driver_class(name, asynchronous=True)) for name in DRIVERS]
TWINS: list[tuple[type[Any], type[Any]]] = [
    *DRIVER_TWINS,
    (Driver, AsyncDriver),
    (Guarded, AsyncGuarded),
    (Broadcaster, AsyncBroadcaster),
    (Serviceless, AsyncServiceless),
    (FakeDriver, AsyncFakeDriver),
    (Transport, AsyncTransport),
]
# the sync colour only: nothing waits in the other one
SYNC_ONLY = {"blocking"}
COLOURED = {"close": "aclose", "__enter__": "__aenter__", "__exit__": "__aexit__"}
INHERITED = {name for name in dir(object) if name != "__init__"}


def members(cls: type[Any]) -> dict[str, Any]:
    """Return the public members of a class, and its constructor."""
    return {
        name: member
        for name, member in inspect.getmembers_static(cls)
        if name not in INHERITED
        and (not name.startswith("_") or name in {"__init__", *COLOURED, *COLOURED.values()})
        and not (inspect.isclass(cls) and getattr(cls, "_is_protocol", False) and name == "__init__")
    }


def function(member: Any) -> Any:
    return member.__func__ if isinstance(member, classmethod) else member


def parameters(member: Any) -> list[tuple[str, Any, Any]]:
    found = inspect.signature(function(member)).parameters.values()
    return [(parameter.name, parameter.kind, parameter.default) for parameter in found]


@pytest.mark.parametrize(("sync", "asynchronous"), TWINS, ids=lambda cls: str(cls.__name__))
def test_twins_have_the_same_methods_with_the_same_parameters(sync: type[Any], asynchronous: type[Any]) -> None:
    blocking, awaited = members(sync), members(asynchronous)

    expected = {COLOURED.get(name, name) for name in blocking if not (name in SYNC_ONLY and name not in awaited)}
    assert expected == set(awaited)
    for name, member in blocking.items():
        twin = awaited.get(COLOURED.get(name, name))
        if not callable(function(member)) or twin is None:
            continue
        assert parameters(member) == parameters(twin), name


@pytest.mark.parametrize(("sync", "asynchronous"), DRIVER_TWINS, ids=lambda cls: str(cls.__name__))
def test_a_driver_has_what_its_protocol_asks_for(sync: type[Any], asynchronous: type[Any]) -> None:
    for cls, protocol in ((sync, Driver), (asynchronous, AsyncDriver)):
        for name, member in members(protocol).items():
            found = inspect.getattr_static(cls, name)
            if not callable(member):
                continue
            assert parameters(found) == parameters(member), name
            assert inspect.iscoroutinefunction(found) == inspect.iscoroutinefunction(member), name


def test_the_two_shells_of_the_pusher_driver_differ_in_their_colour_only() -> None:
    """Without `async`, `await` and the names of the colours, the code is the same."""
    assert uncoloured(PusherDriver) == uncoloured(AsyncPusherDriver)


def uncoloured(cls: type[Any]) -> str:
    """Return the code of a class without docstrings and without its colour."""
    tree = Bleach().visit(ast.parse(textwrap.dedent(inspect.getsource(cls))))
    text = ast.unparse(tree).replace("anyio.sleep", "time.sleep").replace("aclose", "close")
    return text.replace("async_transport", "sync_transport").replace("Async", "")


class Bleach(ast.NodeTransformer):
    """Takes the colour out of code, and what was written only because of it."""

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        fields: dict[str, Any] = {name: getattr(node, name, None) for name in ast.FunctionDef._fields}
        plain = ast.FunctionDef(**fields)
        return self.visit_FunctionDef(ast.copy_location(plain, node))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        self._inline(node)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.generic_visit(node)
        node.body = [part for part in node.body if not isinstance(part, ast.Expr)]
        return node

    def visit_Await(self, node: ast.Await) -> ast.AST:
        self.generic_visit(node)
        return node.value

    def _inline(self, node: ast.FunctionDef) -> None:
        """`reply = x; return f(reply)`, where a line with `await` in it would be too long, is `return f(x)`."""
        match node.body:
            case [ast.Assign([ast.Name(name)], value), ast.Return(ast.Call(func, [ast.Name(used)], keywords))] if (
                name == used
            ):
                node.body = [ast.Return(ast.Call(func, [value], keywords))]


def test_both_modules_have_the_same_words() -> None:
    for name in aio.__all__:
        assert parameters(getattr(aio, name)) == parameters(getattr(default, name))
