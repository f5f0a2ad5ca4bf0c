"""Between here and the service: proxies that the environment names, and certificates."""

from __future__ import annotations

import ssl
import sys
import traceback
from typing import TYPE_CHECKING

import httpx
import pytest

from broadcastkit.core.retry import Retry
from broadcastkit.drivers.base import Sent
from broadcastkit.errors import ConfigurationError, ConnectError
from tests.drivers.scripted import ScriptedServer
from tests.drivers.talk import message
from tests.interop.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.drivers.certificates import Certificates
    from tests.drivers.colours import Colour

    Scripted = Callable[..., ScriptedServer]

ONCE = Retry(attempts=1)


# -- proxies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_a_proxy_of_the_environment_is_used(
    colour: Colour, scripted: Scripted, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    proxy = scripted()
    monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
    # a name that only the proxy could know
    driver = colour.driver("http://service.invalid:8080", retry=ONCE)

    assert colour.call(driver, "send", [message()]) == [Sent(1)]

    (heard,) = proxy.heard
    assert heard.target.startswith("http://service.invalid:8080/apps/app-1/events?auth_key=key-1&")
    assert heard.header("host") == "service.invalid:8080"
    assert heard.asked.signed_as("/apps/app-1/events")


def test_a_proxy_with_a_password_gets_it(colour: Colour, scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = scripted()
    monkeypatch.setenv("http_proxy", f"http://user:pass@127.0.0.1:{proxy.port}")

    assert colour.call(colour.driver("http://service.invalid"), "send", [message()]) == [Sent(1)]
    assert proxy.heard[0].header("proxy-authorization") == "Basic dXNlcjpwYXNz"


def test_a_proxy_may_be_named_without_a_scheme_as_curl_takes_it(
    colour: Colour, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = scripted()
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{proxy.port}")

    assert colour.call(colour.driver("http://service.invalid"), "send", [message()]) == [Sent(1)]
    assert len(proxy.heard) == 1


def test_a_socks_proxy_without_socksio_says_what_to_install(colour: Colour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv("all_proxy", "socks5://user:proxy-password@127.0.0.1:1080")
    driver = colour.driver("http://service.invalid", retry=ONCE)

    with pytest.raises(ConfigurationError, match=r"ALL_PROXY\) is a SOCKS .* `pip install 'httpx\[socks\]'`") as raised:
        colour.call(driver, "send", [message()])

    assert "proxy-password" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    "address", ["ftp://user:proxy-password@127.0.0.1", "http://user:proxy-password@[::1", "http://h:x"]
)
def test_a_proxy_of_no_known_kind_is_refused(colour: Colour, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("all_proxy", address)
    driver = colour.driver("http://service.invalid", retry=ONCE)

    with pytest.raises(ConfigurationError, match=r"ALL_PROXY.* none that can be used: http://, https://, ") as raised:
        colour.call(driver, "send", [message()])

    assert "proxy-password" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("exempt", ["127.0.0.1", "example.com,127.0.0.1", "*"])
def test_a_host_that_needs_no_proxy_is_asked_directly(
    colour: Colour, scripted: Scripted, monkeypatch: pytest.MonkeyPatch, exempt: str
) -> None:
    proxy, server = scripted(), scripted()
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("no_proxy", exempt)

    assert colour.call(colour.driver(server.url), "send", [message()]) == [Sent(1)]
    assert len(server.heard) == 1
    assert proxy.heard == []


def test_a_proxy_for_another_scheme_is_not_used(
    colour: Colour, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, server = scripted(), scripted()
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")

    assert colour.call(colour.driver(server.url), "send", [message()]) == [Sent(1)]
    assert proxy.heard == []


def test_a_proxy_that_is_not_there(colour: Colour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")

    (outcome,) = colour.call(colour.driver("http://service.invalid", retry=ONCE), "send", [message()])

    assert type(outcome) is ConnectError


# -- certificates ------------------------------------------------------------------------------------------------------


@pytest.fixture
def secure(certificates: Certificates) -> Iterator[ScriptedServer]:
    server = ScriptedServer([], certificates.server)
    yield server
    server.close()


def send(colour: Colour, server: ScriptedServer, **options: object) -> object:
    outcomes = colour.call(colour.driver(server.url, retry=ONCE, **options), "send", [message()])
    return outcomes[0]


def test_a_certificate_of_an_unknown_authority_is_refused_and_nothing_is_sent(
    colour: Colour, secure: ScriptedServer
) -> None:
    outcome = send(colour, secure)

    assert type(outcome) is ConnectError
    assert "CERTIFICATE_VERIFY_FAILED" in str(outcome)
    assert secure.heard == []


def test_the_authoritys_file_makes_it_known(colour: Colour, secure: ScriptedServer, certificates: Certificates) -> None:
    assert send(colour, secure, verify=str(certificates.authority)) == Sent(1)
    assert secure.heard[0].asked.signed_as("/apps/app-1/events")


def test_so_does_an_ssl_context(colour: Colour, secure: ScriptedServer, certificates: Certificates) -> None:
    assert send(colour, secure, verify=ssl.create_default_context(cafile=certificates.authority)) == Sent(1)


def test_a_certificate_for_another_name_is_refused(
    colour: Colour, certificates: Certificates, secure: ScriptedServer
) -> None:
    server = ScriptedServer([], certificates.elsewhere)

    outcome = send(colour, server, verify=str(certificates.authority))
    server.close()

    assert type(outcome) is ConnectError
    assert server.heard == []


def test_verification_can_be_turned_off(colour: Colour, secure: ScriptedServer) -> None:
    assert send(colour, secure, verify=False) == Sent(1)


def test_an_authoritys_file_that_is_not_there_is_named(colour: Colour, secure: ScriptedServer, tmp_path: Path) -> None:
    missing = str(tmp_path / "no-such.pem")

    with pytest.raises(
        ConfigurationError, match=r"^verify must be the path of a CA file, and there is none at '.*no-such\.pem'$"
    ):
        send(colour, secure, verify=missing)


def test_a_client_of_the_callers_own_verifies_as_it_was_made_to(
    colour: Colour, secure: ScriptedServer, certificates: Certificates
) -> None:
    context = ssl.create_default_context(cafile=certificates.authority)

    if colour.name == "async":
        client = httpx.AsyncClient(verify=context)
        assert send(colour, secure, client=client) == Sent(1)
        colour.run(client.aclose())
    else:
        with httpx.Client(verify=context) as blocking:
            assert send(colour, secure, client=blocking) == Sent(1)


def test_http_needs_no_certificates(colour: Colour, scripted: Scripted) -> None:
    # `verify` is not even looked at
    assert send(colour, scripted(), verify="/no/such/file") == Sent(1)
