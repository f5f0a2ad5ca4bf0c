"""Settings of the Pusher driver: each wrong one is named, with what it should hold, and no secret is ever shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit.drivers.pusher import AsyncPusherDriver, Profile, PusherDriver
from broadcastkit.drivers.pusher.endpoint import Endpoint, settings_from_url
from broadcastkit.drivers.pusher.profiles import PROFILES
from broadcastkit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD: dict[str, Any] = {"app_id": "app-1", "key": "key-1", "secret": "s3cret"}


def endpoint(**settings: Any) -> Endpoint:
    given: dict[str, Any] = {
        "app_id": "1",
        "cluster": "mt1",
        "host": None,
        "port": None,
        "scheme": "https",
        "path": "",
        "profile": PROFILES["pusher"],
    }
    return Endpoint.make(**given | settings)


@pytest.mark.parametrize(
    ("settings", "origin"),
    [
        ({}, "https://api-mt1.pusher.com:443"),
        ({"cluster": "eu"}, "https://api-eu.pusher.com:443"),
        ({"profile": PROFILES["ably"]}, "https://rest-pusher.ably.io:443"),
        ({"profile": PROFILES["ably"], "host": "push.example.com"}, "https://push.example.com:443"),
        ({"cluster": "eu", "host": "push.example.com"}, "https://push.example.com:443"),
        ({"host": "127.0.0.1", "scheme": "http"}, "http://127.0.0.1:80"),
        ({"host": "127.0.0.1", "scheme": "http", "port": 6001}, "http://127.0.0.1:6001"),
        ({"host": "::1", "port": 8080}, "https://[::1]:8080"),
        ({"host": "[::1]", "port": 8080}, "https://[::1]:8080"),
    ],
)
def test_where_a_service_is(settings: dict[str, Any], origin: str) -> None:
    assert endpoint(**settings).origin == origin


@pytest.mark.parametrize(
    ("path", "requested"), [("", ""), ("/", ""), ("ws", "/ws"), ("/ws", "/ws"), ("/ws/", "/ws"), ("a/b", "/a/b")]
)
def test_a_path_prefix(path: str, requested: str) -> None:
    assert endpoint(path=path).paths("/events") == (f"{requested}/apps/1/events", "/apps/1/events")
    signing = endpoint(path=path, host="127.0.0.1", profile=PROFILES["soketi"])
    assert signing.paths("/events") == (f"{requested}/apps/1/events",) * 2


def test_an_app_id_may_be_a_number() -> None:
    assert endpoint(app_id=1001).app_id == "1001"


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"app_id": ""}, "app_id", "must be a str of letters, digits"),
    ({"app_id": None}, "app_id", "must be a str, not NoneType"),
    ({"app_id": True}, "app_id", "must be a str, not bool"),
    ({"key": None}, "key", "must be printable ASCII"),
    ({"secret": None}, "secret", "must not be empty"),
    ({"cluster": None}, "cluster", "must be a str, not NoneType"),
    ({"path": None}, "path", "must be a str, not NoneType"),
    ({"host": 127}, "host", "must be a str, not int"),
    ({"host": "https://k:s3cret@push.example.com"}, "host", "must be a host name or address without scheme"),
    ({"app_id": "a/b"}, "app_id", "must be a str of letters, digits"),
    ({"app_id": "a\n"}, "app_id", "must be a str of letters, digits"),
    ({"key": ""}, "key", "must be printable ASCII"),
    ({"key": "a:b"}, "key", "must be printable ASCII"),
    ({"key": "a b"}, "key", "must be printable ASCII"),
    ({"secret": ""}, "secret", "must not be empty"),
    ({"cluster": "EU west"}, "cluster", "must be a name such as 'mt1'"),
    ({"cluster": ""}, "cluster", "must be a name such as 'mt1'"),
    ({"host": ""}, "host", "must be a host name or address"),
    ({"host": "https://push.example.com"}, "host", "must be a host name or address"),
    ({"host": "push.example.com/ws"}, "host", "must be a host name or address"),
    *(
        ({"host": host}, "host", f"must be a host name or address without scheme, port or path, not {host!r}")
        for host in (
            ":::",
            "[::1",
            "::1]",
            "[]",
            "[h]",
            "[[::1]]",
            "1::2::3",
            "h:80",
            "127.0.0.1:80",
            "[::1]:80",
            "a..b",
        )
    ),
    ({"port": 0}, "port", "must be a number from 1 to 65535"),
    ({"port": 65536}, "port", "must be a number from 1 to 65535"),
    ({"port": "443"}, "port", "must be a number from 1 to 65535"),
    ({"port": True}, "port", "must be a number from 1 to 65535"),
    ({"scheme": "ws"}, "scheme", "must be 'http' or 'https'"),
    ({"path": "/ws?x"}, "path", "must be a prefix such as '/ws'"),
    ({"path": "/a b"}, "path", "must be a prefix such as '/ws'"),
    ({"profile": "mercure"}, "profile", "must be one of pusher, reverb, soketi, anycable, ably, not 'mercure'"),
    ({"profile": "soketi"}, "host", "is needed: soketi is where you run it"),
    ({"profile": "reverb"}, "host", "is needed: reverb is where you run it"),
    ({"profile": "anycable"}, "host", "is needed: anycable is where you run it"),
    ({"encryption_master_key": "not base64!"}, "encryption_master_key", "is not base64"),
    ({"encryption_master_key": "c2hvcnQ="}, "encryption_master_key", "must decode to 32 bytes, not 5"),
]


@pytest.mark.parametrize("make", [PusherDriver, AsyncPusherDriver])
@pytest.mark.parametrize(("changed", "setting", "said"), WRONG)
def test_a_wrong_setting_is_named(
    make: Callable[..., object], changed: dict[str, Any], setting: str, said: str
) -> None:
    with pytest.raises(ConfigurationError) as error:
        make(**GOOD | changed)

    assert error.value.setting == setting
    assert str(error.value).startswith(f"{setting} {said}")
    assert "s3cret" not in str(error.value)


def test_a_profile_of_ones_own_is_taken_as_it_is() -> None:
    driver = PusherDriver(**GOOD, profile=Profile("dedicated", data_limit=20_000))

    assert repr(driver) == "PusherDriver('app-1' at https://api-mt1.pusher.com:443)"


# -- URLs --------------------------------------------------------------------------------------------------------------

ADDRESSES: list[tuple[str, dict[str, Any]]] = [
    ("https://k:s@api-eu.pusher.com/apps/3", {"scheme": "https", "host": "api-eu.pusher.com", "path": ""}),
    ("http://k:s@127.0.0.1:6001/apps/3", {"scheme": "http", "host": "127.0.0.1", "port": 6001, "path": ""}),
    ("http://k:s@h/ws/apps/3", {"scheme": "http", "host": "h", "path": "/ws"}),
    ("http://k:s@h/ws/apps/3/", {"scheme": "http", "host": "h", "path": "/ws"}),
    ("pusher://k:s@h:8080/3", {"scheme": "https", "host": "h", "port": 8080, "path": ""}),
    ("pusher://k:s@h:8080/3?scheme=http", {"scheme": "http", "host": "h", "port": 8080, "path": ""}),
    ("pusher://k:s@h/ws/3", {"scheme": "https", "host": "h", "path": "/ws"}),
    ("pusher://k:s@/3?cluster=eu", {"scheme": "https", "cluster": "eu", "path": ""}),
    ("pusher://k:s@h/3?profile=soketi", {"scheme": "https", "host": "h", "profile": "soketi", "path": ""}),
    ("http://k:s@[::1]:8080/apps/3", {"scheme": "http", "host": "::1", "port": 8080, "path": ""}),
]


@pytest.mark.parametrize(("url", "settings"), ADDRESSES)
def test_a_url_has_all_settings(url: str, settings: dict[str, Any]) -> None:
    assert settings_from_url(url) == {"app_id": "3", "key": "k", "secret": "s", **settings}
    PusherDriver.from_url(url)


def test_parts_of_a_url_are_unescaped() -> None:
    found = settings_from_url("https://k%2B1:s%40%2F%3A%25@host/apps/a%2D1")

    assert (found["key"], found["secret"], found["app_id"]) == ("k+1", "s@/:%", "a-1")


def test_arguments_win_over_the_url() -> None:
    driver = PusherDriver.from_url("https://k:s@host:8080/apps/3", port=9090, host="other")

    assert "https://other:9090" in repr(driver)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://k:t0psecret@host/3", "must start with https://, http:// or pusher://, not 'redis'"),
        ("https://host/apps/3?t0psecret", "needs key and secret"),
        ("https://t0psecret@host/apps/3", "needs key and secret"),
        ("https://:t0psecret@host/apps/3", "needs key and secret"),
        ("https://k:t0psecret@host/3", "ends in /apps/app-id"),
        ("https://k:t0psecret@host/apps/", "ends in /apps/app-id"),
        ("https://k:t0psecret@host/myapps/3", "ends in /apps/app-id"),
        ("https://k:t0psecret@host:port/apps/3", "url must have a port from 1 to 65535"),
        ("https://k:t0psecret@host:99999/apps/3", "url must have a port from 1 to 65535"),
        ("pusher://k:t0psecret@host", "app_id must be"),
        ("pusher://k:t0psecret@host/3?verify=no", "url takes the options cluster, profile, scheme and no others"),
        ("https://k:t0psecret[@host/apps/3", "url cannot be read"),
        ("https://k:t0psecret\u2100@host/apps/3", "url cannot be read"),
    ],
)
def test_a_wrong_url_is_explained_without_showing_it(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as error:
        PusherDriver.from_url(url)

    assert "t0psecret" not in str(error.value)
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__ or error.value.__context__ is None
