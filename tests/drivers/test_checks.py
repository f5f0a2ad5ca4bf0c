"""Checks of settings that several drivers have; tests/config goes through them driver by driver."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit.core.retry import Retry
from broadcastkit.drivers.checks import (
    check_flag,
    check_host,
    check_port,
    check_retry,
    check_seconds,
    check_text,
    check_verify,
    instead_of,
)
from broadcastkit.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_right_is_returned(tmp_path: Path) -> None:
    file, context, retry = tmp_path / "ca.pem", ssl.create_default_context(), Retry(attempts=1)
    file.touch()

    assert check_text("path", "") == ""
    assert (check_port("port", 1), check_port("port", 65535)) == (1, 65535)
    assert (check_flag("tls", True), check_flag("tls", False)) == (True, False)
    assert (check_seconds("timeout", 1), check_seconds("timeout", 0.5)) == (1, 0.5)
    assert (check_verify(False, tls=True), check_verify(str(file), tls=True)) == (False, str(file))
    assert check_verify(context, tls=True, contexts=True) is context
    assert check_retry(retry) is retry
    assert check_retry(None) == Retry()
    assert check_retry({"attempts": 5}) == Retry(attempts=5)


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("push.example.com", "push.example.com"),
        ("my_service-1", "my_service-1"),
        ("example.com.", "example.com."),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("2001:DB8::ffff:192.0.2.1", "2001:DB8::ffff:192.0.2.1"),
        ("::", "::"),
    ],
)
def test_hosts(value: str, host: str) -> None:
    assert check_host("host", value) == host


@pytest.mark.parametrize(
    "value",
    [
        *("", ":::", "[::1", "::1]", "[]", "[h]", "[127.0.0.1]", "[[::1]]", "1::2::3", "h:80", "127.0.0.1:80"),
        *(
            "[::1]:80",
            "a..b",
            "a" * 64,
            "a." * 127,
            "exa mple",
            "h/x",
            "h?x",
            "fe80::1%eth0",
            "\u0660.\u0661",
            "h\n",
            "::1\n",
        ),
    ],
)
def test_what_is_no_host_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        check_host("address", value)

    assert error.value.setting == "address"
    assert str(error.value) == f"address must be a host name or address without scheme, port or path, not {value!r}"


@pytest.mark.parametrize("value", [None, "1", True, 0, -1, float("nan")])
def test_what_is_no_time_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^timeout must be a number of seconds over 0, not "):
        check_seconds("timeout", value)


def test_a_file_is_not_looked_for_where_it_is_not_needed(tmp_path: Path) -> None:
    missing = str(tmp_path / "no-such.pem")

    assert check_verify(missing, tls=False) == missing
    with pytest.raises(ConfigurationError, match=r"^verify must be the path of a CA file, and there is none at '"):
        check_verify(missing, tls=True)


def test_a_context_is_for_drivers_that_take_one() -> None:
    with pytest.raises(
        ConfigurationError, match=r"^verify must be True, False or the path of a CA file, not SSLContext$"
    ):
        check_verify(ssl.create_default_context(), tls=True)


def test_what_may_have_a_secret_in_it_is_not_shown() -> None:
    assert instead_of("https") == ", not 'https'"
    assert instead_of(None) == ", not None"
    assert instead_of("https://k:s@h") == ""
