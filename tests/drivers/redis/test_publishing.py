"""Publishing to a real Redis: what arrives, and what is said when it does not."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from broadcastkit.core.message import Message
from broadcastkit.core.retry import Retry
from broadcastkit.drivers.base import Sent
from broadcastkit.errors import (
    BadCredentialsError,
    BadRequestError,
    ConnectError,
    ForbiddenError,
    NoReplyError,
)
from tests.drivers.redis.subscriber import Subscriber
from tests.interop.redis_servers import RedisServer, answers, redis_server, wait_until
from tests.interop.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.drivers.redis.colours import Colour

pytestmark = pytest.mark.real

SECRET = "t0psecret"
FENCE = Message("fence", ("fence",), "{}")
ONCE = Retry(attempts=1)


def message(name: str, *channels: str, data: str = "{}", exclude: str | None = None) -> Message:
    return Message(name, channels or ("news",), data, exclude)


@pytest.fixture
def heard(redis_shared: RedisServer, prefix: str) -> Iterator[Subscriber]:
    with Subscriber(redis_shared.client(), prefix) as subscriber:
        yield subscriber


def test_what_is_published_is_laravels_text_below_the_prefix(
    colour: Colour, redis_shared: RedisServer, prefix: str, heard: Subscriber
) -> None:
    driver = colour.driver(redis_shared.url, prefix=prefix)

    sent = colour.send(driver, message("a", data='{"id":5,"by":"Zoë ✓"}'), message("b", exclude="h3nA_-d"))

    assert list(sent) == [Sent(1), Sent(1)]
    assert heard.next() == ("news", '{"event":"a","data":{"id":5,"by":"Zoë ✓"},"socket":null}')
    assert heard.next() == ("news", '{"event":"b","data":{},"socket":"h3nA_-d"}')


def test_many_messages_to_many_channels_in_order(
    colour: Colour, redis_shared: RedisServer, prefix: str, heard: Subscriber
) -> None:
    driver = colour.driver(redis_shared.url, prefix=prefix)
    names = [f"channel-{number}" for number in range(300)]

    colour.send(driver, message("a", "x"), message("b", "x", *names), message("c", "x"), FENCE)

    assert heard.events_until("fence") == [("a", "x"), ("b", "x"), *(("b", name) for name in names), ("c", "x")]


def test_many_messages_are_one_round_trip(colour: Colour, redis_shared: RedisServer, prefix: str) -> None:
    """Redis itself counts: it reads what is pipelined at once."""
    with redis_shared.client() as admin:
        driver = colour.driver(redis_shared.url, prefix=prefix)
        colour.send(driver, message("a", "x", "y"))
        before = int(admin.info("stats")["total_reads_processed"])

        colour.send(driver, *(message("a", "x", "y") for _ in range(50)))

        # and one to ask
        assert int(admin.info("stats")["total_reads_processed"]) - before <= 3


def test_a_server_that_is_not_there(colour: Colour) -> None:
    port = free_port()
    driver = colour.driver(f"redis://app:{SECRET}@127.0.0.1:{port}", retry=Retry(attempts=2, base=0.0))

    (outcome,) = colour.send(driver, message("a"))

    assert isinstance(outcome, ConnectError)
    assert str(outcome).startswith(f"event 'a' was not published by redis://127.0.0.1:{port}: ")
    assert SECRET not in f"{driver!r}{outcome}{outcome.__cause__!r}"


def test_a_server_that_is_killed_and_comes_back(colour: Colour, tmp_path: Path, prefix: str) -> None:
    port = free_port()
    driver = colour.driver(f"redis://127.0.0.1:{port}", prefix=prefix)
    with redis_server(tmp_path, port=port):
        assert colour.send(driver, message("before")) == [Sent(1)]

    (outcome,) = colour.send(driver, message("meanwhile"))
    assert isinstance(outcome, ConnectError)

    with redis_server(tmp_path, port=port) as server, Subscriber(server.client(), prefix) as heard:
        assert colour.send(driver, message("after"), FENCE) == [Sent(1), Sent(1)]
        assert heard.events_until("fence") == [("after", "news")]


def test_a_connection_that_broke_is_made_again_within_one_send(
    colour: Colour, redis_shared: RedisServer, prefix: str, heard: Subscriber
) -> None:
    driver = colour.driver(redis_shared.url, prefix=prefix)
    colour.send(driver, message("before"))
    with redis_shared.client() as admin:
        admin.client_kill_filter(_type="normal", skipme=True)

    assert colour.send(driver, message("after"), FENCE) == [Sent(1), Sent(1)]
    assert heard.events_until("fence") == [("before", "news"), ("after", "news")]


def test_a_server_that_does_not_answer_in_time(colour: Colour, tmp_path: Path) -> None:
    with redis_server(tmp_path) as server, server.client() as admin:
        driver = colour.driver(server.url, timeout=0.2)
        assert colour.send(driver, message("before")) == [Sent(1)]
        admin.client_pause(60_000, all=False)

        (outcome,) = colour.send(driver, message("a"))

        assert isinstance(outcome, NoReplyError)
        admin.client_unpause()


def test_a_closed_driver_connects_again(colour: Colour, redis_shared: RedisServer, prefix: str) -> None:
    driver = colour.driver(redis_shared.url, prefix=prefix)
    for _ in range(2):
        assert colour.send(driver, message("a")) == [Sent(1)]
        colour.close(driver)
        colour.close(driver)


def test_a_unix_socket(colour: Colour, tmp_path: Path) -> None:
    socket = tmp_path / "redis.sock"
    with redis_server(tmp_path, "--unixsocket", str(socket)):
        assert colour.send(colour.driver(f"unix://{socket}"), message("a")) == [Sent(1)]


# -- who may -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server with a password, and users who may publish everything, one channel, and no scripts."""
    folder = tmp_path_factory.mktemp("guarded")
    with redis_server(folder, "--requirepass", SECRET) as server, server.client(password=SECRET) as admin:
        password = f">{SECRET}"
        admin.execute_command("ACL", "SETUSER", "one", "on", password, "+@all", "resetchannels", "&allowed")
        admin.execute_command("ACL", "SETUSER", "plain", "on", password, "allchannels", "-@all", "+publish")
        admin.execute_command("ACL", "SETUSER", "mute", "on", password, "allchannels", "-@all", "+ping")
        yield server


@pytest.mark.parametrize("user", ["", "default", "plain"])
def test_with_the_password(colour: Colour, guarded: RedisServer, user: str) -> None:
    driver = colour.driver(f"redis://{user}:{SECRET}@{guarded.host}:{guarded.port}")

    assert colour.send(driver, message("a"), message("b", "x", "y"), message("c")) == [Sent(1)] * 3
    assert SECRET not in repr(driver)


@pytest.mark.parametrize("userinfo", ["", f":not-{SECRET}@", f"nobody:{SECRET}@"])
def test_without_it(colour: Colour, guarded: RedisServer, userinfo: str) -> None:
    driver = colour.driver(f"redis://{userinfo}{guarded.host}:{guarded.port}")

    for outcome in colour.send(driver, message("a"), message("b", "x", "y")):
        assert isinstance(outcome, BadCredentialsError)
        assert SECRET not in f"{outcome}{outcome.__cause__!r}"


def test_one_channel_that_is_forbidden_touches_no_other(colour: Colour, guarded: RedisServer) -> None:
    driver = colour.driver(f"redis://one:{SECRET}@{guarded.host}:{guarded.port}")
    messages = message("a", "allowed"), message("b", "allowed", "forbidden"), message("c", "forbidden")

    fine, partly, none = colour.send(driver, *messages)

    assert fine == Sent(1)
    assert isinstance(partly, ForbiddenError)
    assert partly.delivered == ("allowed",)
    assert isinstance(none, ForbiddenError)
    assert none.delivered == ()


def test_a_user_who_may_not_publish(colour: Colour, guarded: RedisServer) -> None:
    driver = colour.driver(f"redis://mute:{SECRET}@{guarded.host}:{guarded.port}")

    for outcome in colour.send(driver, message("a", data='"private"'), message("b", "x", "y")):
        assert isinstance(outcome, ForbiddenError)
        assert "private" not in str(outcome)


def test_a_database_that_is_not_there(colour: Colour, redis_shared: RedisServer) -> None:
    (outcome,) = colour.send(colour.driver(f"{redis_shared.url}/99"), message("a"))

    assert isinstance(outcome, BadRequestError)
    assert "DB index is out of range" in str(outcome)


def test_a_server_without_the_command_is_not_quoted(colour: Colour, tmp_path: Path) -> None:
    """Redis shows the arguments of a command that it does not know."""
    with redis_server(tmp_path, "--rename-command", "PUBLISH", "") as server:
        data = json.dumps(SECRET)
        for outcome in colour.send(colour.driver(server.url), message("a", data=data), message("b", data=data)):
            assert isinstance(outcome, BadRequestError)
            assert "unknown command" in str(outcome)
            assert SECRET not in f"{outcome!r}{outcome}{outcome.response_text}{outcome.__cause__!r}"


# -- TLS ---------------------------------------------------------------------------------------------------------------


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "redis")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    crt, pem = folder / "redis.crt", folder / "redis.key"
    crt.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return crt, pem


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A server with TLS only: its URL, and the file that says to trust it."""
    folder = tmp_path_factory.mktemp("tls")
    crt, pem = certificate(folder)
    port = free_port()
    options: tuple[str, ...] = ("--tls-port", str(port), "--tls-cert-file", str(crt), "--tls-key-file", str(pem))
    options += ("--tls-ca-cert-file", str(crt), "--tls-auth-clients", "no")
    server = RedisServer(port)

    def ready() -> bool:
        return answers(server.client(ssl=True, ssl_ca_certs=str(crt)))

    with redis_server(folder, *options, port=0, ready=ready):
        yield f"rediss://127.0.0.1:{port}", str(crt)


def test_tls(colour: Colour, tls: tuple[str, str]) -> None:
    url, ca = tls

    assert colour.send(colour.driver(url, verify=ca), message("a")) == [Sent(1)]
    assert colour.send(colour.driver(url, verify=False), message("a")) == [Sent(1)]


@pytest.mark.parametrize("scheme", ["rediss", "redis"])
def test_tls_that_is_not_trusted_or_not_spoken(colour: Colour, tls: tuple[str, str], scheme: str) -> None:
    url, _ = tls
    driver = colour.driver(url.replace("rediss", scheme), retry=ONCE)

    (outcome,) = colour.send(driver, message("a"))

    assert outcome != Sent(1)
    if scheme == "rediss":
        assert isinstance(outcome, ConnectError)
        assert "certificate verify failed" in str(outcome).lower()


UNUSED = """
import os, sys
from broadcastkit.drivers.redis import RedisDriver

driver = RedisDriver(port=int(sys.argv[1]))
driver.close()
assert os.getpid() not in driver._transport._processes
assert "redis" not in sys.modules
"""


def test_nothing_is_imported_or_connected_before_it_is_needed() -> None:
    """An unused connection costs nothing; the port is one that nobody listens on."""
    command = [sys.executable, "-c", UNUSED, str(free_port())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 0, done.stderr


def test_the_tools_say_what_they_waited_for() -> None:
    with pytest.raises(TimeoutError, match=r"within 0\.01 s, not: rain"):
        wait_until(lambda: False, "rain", timeout=0.01)
