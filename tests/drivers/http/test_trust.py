"""Whom TLS trusts: the same as httpx, whose context is asked here too."""

from __future__ import annotations

import ssl
from pathlib import Path

import certifi
import httpx
import pytest

from broadcastkit.drivers.pusher.http.trust import context_for
from broadcastkit.errors import ConfigurationError


def trusted(context: ssl.SSLContext) -> tuple[object, ...]:
    """Return what a context checks, and whom it trusts."""
    return context.verify_mode, context.check_hostname, context.minimum_version, sorted(context.get_ca_certs(True))


@pytest.fixture(autouse=True)
def no_authorities_of_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def one_authority(tmp_path: Path) -> Path:
    """The first of certifi's authorities, in a file of its own."""
    first, end, _ = Path(certifi.where()).read_text("utf-8").partition("-----END CERTIFICATE-----\n")
    file = tmp_path / "one.pem"
    file.write_text(first + end, "utf-8")
    return file


@pytest.mark.parametrize("verify", [True, False])
def test_it_is_whom_httpx_trusts(verify: bool) -> None:
    assert trusted(context_for(verify)) == trusted(httpx.create_ssl_context(verify=verify))


def test_so_with_the_variables_that_name_others(monkeypatch: pytest.MonkeyPatch, one_authority: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(one_authority))

    context = context_for(True)

    assert len(context.get_ca_certs()) == 1
    assert trusted(context) == trusted(httpx.create_ssl_context())


def test_a_folder_of_authorities(monkeypatch: pytest.MonkeyPatch, one_authority: Path) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", str(one_authority.parent))

    context = context_for(True)

    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.get_ca_certs() == []  # those of a folder are looked up by name, when they are needed


def test_a_file_and_a_context(one_authority: Path) -> None:
    mine = ssl.create_default_context()

    assert len(context_for(str(one_authority)).get_ca_certs()) == 1
    assert context_for(mine) is mine


def test_a_file_that_holds_none(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")

    with pytest.raises(ConfigurationError, match=r"verify: the CA file '.*empty\.pem' cannot be read"):
        context_for(str(empty))
