"""Drivers of other packages: found by name when they are asked for, and named when they cannot be used."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit import AsyncBroadcaster, Broadcaster
from broadcastkit.drivers import driver_class, is_driver, outside
from broadcastkit.drivers.log import LogDriver
from broadcastkit.errors import ConfigurationError, MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DRIVER = """
from broadcastkit.drivers.null import AsyncNullDriver, NullDriver


class _Tin:
    variables = {"TIN_LABEL": "label", "TIN_SIZE": "size"}

    def __init__(self, *, label, size=1):
        self.label, self.size = label, size

    @classmethod
    def from_url(cls, url, **options):
        return cls(**{"label": url, **options})


class TinDriver(_Tin, NullDriver):
    pass


class AsyncTinDriver(_Tin, AsyncNullDriver):
    pass


class BareDriver(NullDriver):
    pass


class AsyncBareDriver(AsyncNullDriver):
    pass
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Return what installs a package with entry points, as pip leaves it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def install(
        entry_points: str, *, package: str = "broadcast-tin", module: str = "tin", source: str = DRIVER
    ) -> None:
        info = tmp_path / f"{package.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[broadcastkit.drivers]\n{entry_points}\n", encoding="utf-8")
        (tmp_path / f"{module}.py").write_text(source, encoding="utf-8")

    yield install
    for name in set(sys.modules) - before:
        if not name.startswith("broadcastkit"):
            del sys.modules[name]


def test_a_name_is_a_class_and_its_twin(install: Callable[..., None]) -> None:
    install("tin = tin:TinDriver")

    assert is_driver("tin")
    assert "tin" not in sys.modules
    assert driver_class("tin", asynchronous=False).__name__ == "TinDriver"
    assert driver_class("tin", asynchronous=True).__name__ == "AsyncTinDriver"


def test_it_is_a_connection_like_any_other(install: Callable[..., None]) -> None:
    install("tin = tin:TinDriver\nbare = tin:BareDriver")
    settings = {"default": "a", "connections": {"a": {"driver": "tin", "label": "x"}, "b": {"driver": "bare"}}}

    driver: Any = Broadcaster.from_settings(settings).driver()

    assert (type(driver).__name__, driver.label) == ("TinDriver", "x")
    assert type(AsyncBroadcaster.from_settings(settings).driver("b")).__name__ == "AsyncBareDriver"


@pytest.mark.parametrize("url", ["tin://here", "tin+tls://here?x=1", "TIN://here"])
def test_a_url_with_its_name_is_its_own_to_read(install: Callable[..., None], url: str) -> None:
    install("tin = tin:TinDriver")

    driver: Any = Broadcaster.from_url(url).driver()

    assert driver.label == url


def test_one_that_takes_no_url_takes_its_bare_name(install: Callable[..., None]) -> None:
    install("bare = tin:BareDriver")

    assert type(Broadcaster.from_url("bare://").driver()).__name__ == "BareDriver"
    with pytest.raises(ConfigurationError, match=r"^connections\.bare\.url is not for the bare driver$"):
        Broadcaster.from_url("bare://here").driver()


@pytest.mark.parametrize("cls", [Broadcaster, AsyncBroadcaster])
def test_the_environment_has_its_variables_as_texts(install: Callable[..., None], cls: Any) -> None:
    install("tin = tin:TinDriver")

    driver = cls.from_env({"BROADCAST_CONNECTION": "tin", "TIN_LABEL": "x", "TIN_SIZE": "7", "OTHER": "y"}).driver()

    assert (driver.label, driver.size) == ("x", "7")
    with pytest.raises(ConfigurationError, match=r"^TIN_LABEL is not set, and the tin driver needs it$"):
        cls.from_env({"BROADCAST_CONNECTION": "tin", "TIN_LABEL": ""}).driver()


def test_the_names_of_ours_are_refused_to_others(install: Callable[..., None]) -> None:
    install("log = tin:TinDriver\ntin = tin:TinDriver")

    assert driver_class("log", asynchronous=False) is LogDriver
    with pytest.raises(ConfigurationError, match=r"socketio, log \(refused to broadcast-tin 1\.0: taken\), tin$"):
        driver_class("can", asynchronous=False)


def test_two_of_one_name_are_both_refused(install: Callable[..., None]) -> None:
    install("tin = tin:TinDriver")
    install("tin = can:TinDriver", package="broadcast-can", module="can")

    with pytest.raises(ConfigurationError) as error:
        driver_class("tin", asynchronous=False)
    assert str(error.value) == (
        "driver 'tin' is ambiguous: broadcast-can 1.0 and broadcast-tin 1.0 both register it; keep one"
    )


@pytest.mark.parametrize(
    ("entry_point", "source", "said"),
    [
        ("tin:TinDriver", "1 / 0", "importing tin raises ZeroDivisionError: division by zero"),
        (
            "tin:TinDriver",
            "import nowhere_at_all",
            "importing tin raises ModuleNotFoundError: No module named 'nowhere",
        ),
        ("tin:TinDriver", "def (", "importing tin raises SyntaxError: "),
        ("gone:TinDriver", DRIVER, "importing gone raises ModuleNotFoundError: No module named 'gone'"),
        ("tin:CanDriver", DRIVER, "tin has no class 'CanDriver' with a send()"),
        ("tin:TinDriver", "class TinDriver: pass", "tin has no class 'TinDriver' with a send()"),
        ("tin:TinDriver", "def TinDriver(): pass", "tin has no class 'TinDriver' with a send()"),
    ],
)
def test_one_that_is_broken_is_named_with_its_package(
    install: Callable[..., None], entry_point: str, source: str, said: str
) -> None:
    install(f"tin = {entry_point}", source=source)

    with pytest.raises(ConfigurationError) as error:
        Broadcaster.from_settings({"connections": {"main": {"driver": "tin", "label": "x"}}}).driver()

    assert str(error.value).startswith(f"connections.main.driver 'tin' of broadcast-tin 1.0 cannot be used: {said}")
    assert error.value.setting == "connections.main.driver"
    assert (error.value.__cause__ is not None) == said.startswith("importing")


def test_one_of_a_single_colour_says_which_is_missing(install: Callable[..., None]) -> None:
    source = "from broadcastkit.drivers.null import NullDriver\nclass TinDriver(NullDriver): pass\n"
    install("tin = tin:TinDriver", source=source)

    Broadcaster.from_url("tin://").driver()
    with pytest.raises(ConfigurationError, match="tin has no class 'AsyncTinDriver' with a send"):
        AsyncBroadcaster.from_url("tin://").driver()


def test_one_that_lacks_an_extra_says_so_itself(install: Callable[..., None]) -> None:
    source = "from broadcastkit.errors import MissingDependencyError\nraise MissingDependencyError('x', 'y', 'tin')"
    install("tin = tin:TinDriver", source=source)

    with pytest.raises(MissingDependencyError, match=r"^tin needs x: run"):
        driver_class("tin", asynchronous=False)


def test_ours_are_found_without_a_look_at_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(**_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(outside, "entry_points", look)

    for broadcaster in (
        Broadcaster.from_env({"BROADCAST_CONNECTION": "log"}),
        Broadcaster.from_url("null://"),
        Broadcaster.from_settings({"driver": "memory"}),
    ):
        broadcaster.driver()
