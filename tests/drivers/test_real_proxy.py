"""Through pproxy, as a forwarding proxy, a tunnel and a SOCKS proxy: of the environment, and of a client's own."""

from __future__ import annotations

import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest

from broadcastkit.drivers.base import Sent
from tests.drivers.scripted import ScriptedServer
from tests.drivers.talk import message
from tests.interop.servers import free_port, running, tail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import ModuleType

    from tests.drivers.certificates import Certificates
    from tests.drivers.colours import Colour

pytestmark = pytest.mark.real

SCHEMES = ["http", "socks5", "socks5h"]


@contextmanager
def proxy(folder: Path) -> Iterator[tuple[int, Callable[[], str]]]:
    """Run it; yields its port, and what it says of connections."""
    port, log = free_port(), folder / "proxy.log"
    command = [sys.executable, "-m", "tests.interop.proxy", str(port)]
    with running(command, port=port, log=log, ready=lambda: "listening" in tail(log)):
        yield port, lambda: tail(log)


@pytest.fixture(scope="module")
def pproxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Callable[[], str]]]:
    """One for the module."""
    with proxy(tmp_path_factory.mktemp("proxy")) as found:
        yield found


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_the_environments_proxy_is_gone_through(
    colour: Colour,
    certificates: Certificates,
    pproxy: tuple[int, Callable[[], str]],
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
    *,
    tls: bool,
) -> None:
    port, said = pproxy
    monkeypatch.setenv("all_proxy", f"{scheme}://127.0.0.1:{port}")
    with closing(ScriptedServer([], certificates.server if tls else None)) as server:
        driver = colour.driver(server.url, verify=str(certificates.authority))

        assert colour.call(driver, "send", [message()]) == [Sent(1)]
        assert server.heard[0].asked.signed_as("/apps/app-1/events")
        assert f"{scheme.removesuffix('h')} 127.0.0.1:" in said()
        assert f"-> 127.0.0.1:{server.port}" in said()


@pytest.mark.parametrize("module", [httpx, httpx2], ids=lambda module: str(module.__name__))
@pytest.mark.parametrize("scheme", SCHEMES)
def test_so_is_that_of_a_client_of_the_callers_own(
    colour: Colour,
    certificates: Certificates,
    pproxy: tuple[int, Callable[[], str]],
    scheme: str,
    module: ModuleType,
) -> None:
    port, said = pproxy
    make: Any = module.AsyncClient if colour.name == "async" else module.Client
    client = make(proxy=f"{scheme}://127.0.0.1:{port}", verify=certificates.trust)
    with closing(ScriptedServer([], certificates.server)) as server:
        driver = colour.driver(server.url, client=client)

        assert colour.call(driver, "send", [message()]) == [Sent(1)]
        assert f"-> 127.0.0.1:{server.port}" in said()
    colour.run(client.aclose() if colour.name == "async" else client.close())
