"""The small pure parts: rates, the cache, handshakes, settings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcastkit.errors import ConfigurationError
from broadcastkit.server import App, Limits
from broadcastkit.server.cache import EventCache
from broadcastkit.server.effects import Close
from broadcastkit.server.handshake import origin_allowed, refuse_handshake
from broadcastkit.server.rate import RateLimit
from tests.server.tools import APP

# -- rates


def test_a_rate_allows_a_burst_and_then_its_average() -> None:
    rate = RateLimit(per_second=2.0, burst=3.0, now=100.0)
    assert [rate.allows(100.0) for _ in range(4)] == [True, True, True, False]
    assert [rate.allows(100.4), rate.allows(100.5), rate.allows(100.5)] == [False, True, False]
    assert [rate.allows(200.0) for _ in range(4)] == [True, True, True, False]


@given(st.lists(st.floats(0, 1_000), max_size=50))
def test_a_rate_is_never_exceeded(times: list[float]) -> None:
    rate = RateLimit(per_second=1.0, burst=2.0, now=0.0)
    # also with a clock that steps back
    assert sum(rate.allows(now) for now in sorted(times)) <= 2 + max(times, default=0)


def test_a_clock_that_steps_back_takes_nothing_away() -> None:
    rate = RateLimit(per_second=1.0, burst=2.0, now=100.0)
    assert rate.allows(50.0)
    assert rate.allows(50.0)
    assert not rate.allows(50.0)


# -- the cache


def test_the_cache_keeps_the_last_event_for_its_time() -> None:
    cache = EventCache(size=10, ttl=60)
    cache.put("x", "frame 1", "1", 0.0)
    cache.put("x", "frame 2", "2", 10.0)
    cached = cache.get("x", 69.9)
    assert cached is not None
    assert (cached.frame, cached.data, cached.expires) == ("frame 2", "2", 70.0)
    assert cache.get("x", 70.0) is None
    assert cache.get("y", 0.0) is None


def test_the_oldest_event_makes_room() -> None:
    cache = EventCache(size=2, ttl=60)
    for now, channel in enumerate("xyxz"):
        cache.put(channel, channel, channel, now)
    assert [channel for channel in "xyz" if cache.get(channel, 4.0)] == ["x", "z"]


def test_what_is_too_old_is_dropped() -> None:
    cache = EventCache(size=10, ttl=60)
    cache.put("x", "", "", 0.0)
    cache.put("y", "", "", 30.0)
    cache.put("z", "", "", 70.0)
    assert len(cache) == 2


# -- handshakes

QUERY = {"protocol": "7", "client": "js", "version": "8.6.0"}


def refuse(
    app: App | None = APP, query: dict[str, str] = QUERY, origin: str | None = None, **limits: object
) -> int | None:
    made = Limits(connections=2, **limits)  # type: ignore[arg-type]
    close = refuse_handshake(app, made, query, origin, connections=1)
    assert close is None or len(close.reason.encode()) <= 123
    return None if close is None else close.code


@pytest.mark.parametrize("version", ["5", "6", "7"])
def test_a_client_may_connect(version: str) -> None:
    assert refuse(query={"protocol": version}) is None


def test_an_unknown_app_is_4001() -> None:
    assert refuse(None) == 4001


def test_a_disabled_app_is_4003() -> None:
    assert refuse(App("1", "key", "secret", enabled=False)) == 4003


def test_a_full_app_is_4004() -> None:
    assert refuse_handshake(APP, Limits(connections=1), QUERY, None, connections=1) == Close(
        4004, "The app has as many connections as it may have"
    )


@pytest.mark.parametrize("version", ["4", "8", "x", "07", "7.0", "\u0667"])
def test_another_version_is_4007(version: str) -> None:
    assert refuse(query={"protocol": version}) == 4007


@pytest.mark.parametrize("query", [{}, {"protocol": ""}])
def test_no_version_is_4008(query: dict[str, str]) -> None:
    assert refuse(query=query) == 4008


def test_another_origin_is_4009() -> None:
    assert refuse(origin="https://evil.example", allowed_origins=("example.org",)) == 4009


@pytest.mark.parametrize(
    ("origin", "entry", "allowed"),
    [
        (None, "example.org", True),
        ("https://example.org", "example.org", True),
        ("http://EXAMPLE.org:8080", "example.org", True),
        ("https://example.org", "https://example.org", True),
        ("https://example.org", "https://example.org/", True),
        ("http://example.org", "https://example.org", False),
        ("https://example.org:8443", "https://example.org", False),
        ("https://a.example.org", "*.example.org", True),
        ("https://a.b.example.org", "*.example.org", True),
        ("https://example.org", "*.example.org", False),
        ("https://evilexample.org", "*.example.org", False),
        ("https://evilexample.org", "example.org", False),
        ("https://example.org.evil.com", "example.org", False),
        ("https://example.org@evil.com", "example.org", False),
        ("https://evil.com/example.org", "example.org", False),
        ("null", "example.org", False),
        ("", "example.org", False),
        ("https://[", "example.org", False),
        ("example.org", "example.org", False),
    ],
)
def test_origins(origin: str | None, entry: str, allowed: bool) -> None:
    assert origin_allowed(origin, (entry,)) is allowed
    assert origin_allowed(origin, None)
    assert origin_allowed(origin, ()) is (origin is None)


# -- settings


def test_an_app_does_not_show_its_secret() -> None:
    assert repr(APP) == "App(id='app-id', key='app-key', client_events='members', enabled=True)"
    assert "app-secret" not in repr(APP.signer)


@pytest.mark.parametrize("app_id", ["", "a b", "a/b", "ü", "a\n", "a:b"])
def test_ids_that_no_path_could_hold(app_id: str) -> None:
    with pytest.raises(ConfigurationError, match="app id"):
        App(app_id, "key", "secret")


def test_keys_and_secrets_are_those_of_signing() -> None:
    with pytest.raises(ConfigurationError):
        App("1", "a:b", "secret")
    with pytest.raises(ConfigurationError, match="secret"):
        App("1", "key", "")


def test_client_events_has_two_values() -> None:
    with pytest.raises(ConfigurationError, match="'members' or 'none', not 'all'"):
        App("1", "key", "secret", client_events="all")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "limits",
    [
        {"connections": 0},
        {"activity_timeout": -1.0},
        {"cache_ttl": float("nan")},
        {"requests_per_second": 0},
        {"channel_name_length": 165},
        {"event_name_length": 201},
        {"user_id_length": 129},
        {"allowed_origins": "example.org"},
    ],
)
def test_a_limit_that_cannot_be_one_is_named(limits: dict[str, object]) -> None:
    (name,) = limits
    with pytest.raises(ConfigurationError, match=f"^{name} ") as caught:
        Limits(**limits)  # type: ignore[arg-type]
    assert caught.value.setting == name
