"""`broadcastkit doctor`: each thing that can be wrong is found, and the setting that would mend it is named."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.sync.server import ServerConnection, serve

from broadcastkit.cli import checks
from tests.cli.conftest import RunCommand, environment_of
from tests.interop.redis_servers import redis_server
from tests.interop.servers import LOOPBACK, PusherServer, free_port
from tests.server.tools import APP

ALL = ["settings", "host", "clock", "app and secret", "key"]


def findings(out: str, connection: int = 0) -> dict[str, tuple[bool, str]]:
    """What is said of each thing, from --json."""
    return {
        check["about"]: (check["ok"], check["says"]) for check in json.loads(out)["connections"][connection]["checks"]
    }


def test_all_is_well(command: RunCommand, server: PusherServer) -> None:
    status, out, err = command("doctor")
    assert (status, err) == (0, "All is well.\n")
    assert out.splitlines()[0] == "pusher (the default)"
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["ok"] * 5
    assert f"complete: app app-id with key app-key at http://{server.host}:{server.port}\n" in out


def test_json(command: RunCommand, server: PusherServer) -> None:
    status, out, err = command("doctor", "--json")
    assert (status, err, out.count("\n")) == (0, "", 1)
    document = json.loads(out)
    assert document["ok"] is True
    (report,) = document["connections"]
    assert {key: value for key, value in report.items() if key != "checks"} == {
        "connection": "pusher",
        "default": True,
        "ok": True,
    }
    assert [check["about"] for check in report["checks"]] == ALL
    assert all(check.keys() == {"about", "ok", "says"} for check in report["checks"])


def test_a_url(command: RunCommand, address: PusherServer) -> None:
    assert command("doctor", "--url", address.url).status == 0
    status, out, _ = command("doctor", "--json", "--url", address.url.replace(APP.secret, "hunter2"))
    assert status == 1
    assert "secret in the URL and key in the URL must be those of app app-id" in findings(out)["app and secret"][1]


@pytest.mark.parametrize(
    ("changed", "wrong", "said"),
    [
        (
            {"APP_SECRET": "hunter2"},
            ["app and secret"],
            "PUSHER_APP_SECRET and PUSHER_APP_KEY must be those of app app-id",
        ),
        ({"APP_ID": "nobody"}, ["app and secret"], "no app nobody there"),
        ({"APP_KEY": "unknown"}, ["app and secret", "key"], "PUSHER_APP_SECRET and PUSHER_APP_KEY must be those"),
        ({"PATH": "/nowhere"}, ["app and secret", "key"], "look at PUSHER_APP_ID and PUSHER_PATH"),
    ],
)
def test_what_the_service_refuses(  # noqa: PLR0917
    command: RunCommand,
    address: PusherServer,
    monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, str],
    wrong: list[str],
    said: str,
) -> None:
    for name, value in environment_of(address, **changed).items():
        monkeypatch.setenv(name, value)
    status, out, _ = command("doctor", "--json")
    found = findings(out)
    assert status == 1
    assert [about for about, (ok, _) in found.items() if not ok] == wrong
    assert said in found[wrong[0]][1]
    assert command("doctor")[::2] == (1, "Not all is well.\n")


def test_a_key_that_only_clients_are_refused_for_is_named(
    command: RunCommand, server: PusherServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUSHER_APP_KEY", "unknown")
    assert findings(command("doctor", "--json").out)["key"][1].endswith(": look at PUSHER_APP_KEY")


# -- settings


def test_nothing_is_configured(command: RunCommand) -> None:
    status, out, err = command("doctor")
    assert (status, out) == (2, "")
    assert err.startswith("broadcastkit: BROADCAST_CONNECTION is not set: ")
    status, out, err = command("doctor", "--json")
    assert (status, err) == (2, "")
    document = json.loads(out)
    assert (document["ok"], document["connections"]) == (False, [])
    assert document["problem"].startswith("BROADCAST_CONNECTION is not set: ")


@pytest.mark.parametrize("name", ["ID", "KEY", "SECRET"])
def test_a_variable_that_is_missing(
    command: RunCommand, server: PusherServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"PUSHER_APP_{name}", "")
    status, _, err = command("doctor")
    assert (status, err) == (2, f"broadcastkit: PUSHER_APP_{name} is not set, and the pusher connection needs it\n")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PUSHER_HOST", "https://k:hunter2@host", "PUSHER_HOST must be a host name"),
        ("PUSHER_APP_KEY", "k:hunter2", "PUSHER_APP_KEY must be printable ASCII"),
        (
            "PUSHER_PROFILE",
            "mercure",
            "PUSHER_PROFILE must be one of pusher, reverb, soketi, anycable, ably, not 'mercure'",
        ),
    ],
)
def test_a_setting_that_is_wrong(  # noqa: PLR0917
    command: RunCommand, server: PusherServer, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    status, out, _ = command("doctor", "--json")
    found = findings(out)
    assert (status, list(found)) == (2, ["settings"])
    assert said in found["settings"][1]


def test_another_connection_that_is_wrong(
    command: RunCommand, server: PusherServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVERB_APP_ID", "1")
    status, out, _ = command("doctor", "--json")
    assert status == 2
    assert [one["connection"] for one in json.loads(out)["connections"]] == ["pusher", "reverb"]
    assert all(ok for ok, _ in findings(out).values())
    assert not findings(out, 1)["settings"][0]
    assert command("doctor", "--connection", "pusher").status == 0


def test_a_connection_that_is_not_there(command: RunCommand, server: PusherServer) -> None:
    status, _, err = command("doctor", "--connection", "absent")
    assert (status, err) == (
        2,
        "broadcastkit: there is no connection 'absent'; there are: log, null, memory, pusher\n",
    )


@pytest.mark.parametrize("name", ["log", "null", "memory"])
def test_a_connection_without_a_service(command: RunCommand, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("BROADCAST_CONNECTION", name)
    status, out, _ = command("doctor", "--json")
    assert status == 0
    assert findings(out) == {
        "settings": (True, "complete; it has no service behind it, and no client will hear anything")
    }


# -- the host


def use(monkeypatch: pytest.MonkeyPatch, port: int, **changed: str) -> None:
    server = PusherServer(LOOPBACK, port, APP.id, APP.key, APP.secret)
    for name, value in environment_of(server, **changed).items():
        monkeypatch.setenv(name, value)


def host(command: RunCommand, *arguments: str) -> str:
    """What is said of a host that cannot be reached; nothing else is looked at then."""
    status, out, _ = command("doctor", "--json", *arguments)
    found = findings(out)
    assert (status, list(found)) == (1, ["settings", "host"])
    assert not found["host"][0]
    return found["host"][1]


def test_nothing_listens(command: RunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    use(monkeypatch, port)
    assert host(command) == (
        f"nothing listens on 127.0.0.1 port {port}: start the service, or look at PUSHER_HOST and PUSHER_PORT"
    )


def test_a_host_that_is_not_known(command: RunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, 80, HOST="nowhere.invalid")  # a name that no resolver knows, by RFC 2606
    assert host(command).endswith(": look at PUSHER_HOST")


@pytest.mark.parametrize("name", ["x" * 64 + ".example", "api..example"])
def test_a_host_that_is_no_name(command: RunCommand, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    use(monkeypatch, 80, HOST=name)
    status, out, _ = command("doctor", "--json")
    passed, said = findings(out)["settings"]
    assert (status, passed) == (2, False)
    assert "PUSHER_HOST must be a host name" in said


def test_plain_text_where_tls_is_expected(
    command: RunCommand, server: PusherServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUSHER_SCHEME", "https")
    assert host(command).endswith(": is PUSHER_SCHEME http?")


@contextlib.contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Accept connections one after another and do something with each."""
    with socket.create_server((LOOPBACK, 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, contextlib.suppress(OSError):
                        answer(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def garbage(connection: socket.socket) -> None:
    connection.recv(1000)
    connection.sendall(b"\x15\x03\x01\x1b[2J\r\n\r\n")


def hang_up(connection: socket.socket) -> None:
    connection.recv(1000)


@pytest.mark.parametrize("answer", [garbage, hang_up])
def test_what_speaks_no_http(
    command: RunCommand, monkeypatch: pytest.MonkeyPatch, answer: Callable[[socket.socket], None]
) -> None:
    with answering(answer) as port:
        use(monkeypatch, port)
        assert host(command).endswith("look at PUSHER_PORT; is PUSHER_SCHEME https?")


def test_what_never_answers(command: RunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((LOOPBACK, 0)) as silent:
        use(monkeypatch, silent.getsockname()[1])
        assert "has not answered within 0.2 s" in host(command, "--timeout", "0.2")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate that nobody trusts, for 127.0.0.1, and its key, in one file."""
    return _certificate(tmp_path / "self-signed.pem")


def _certificate(path: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(LOOPBACK))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


@contextlib.contextmanager
def http_server(headers: dict[str, str], status: int = 401, certificate: Path | None = None) -> Iterator[int]:
    """Answer every request alike."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response_only(status)
            for name, value in {"Content-Length": "0", "Connection": "close", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Print nothing."""

    class Quiet(HTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that does not trust the certificate leaves; print nothing."""

    with Quiet((LOOPBACK, 0), Handler) as served:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            served.socket = context.wrap_socket(served.socket, server_side=True)
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        try:
            yield served.server_address[1]
        finally:
            served.shutdown()
            thread.join()


def test_a_certificate_that_is_not_trusted(
    command: RunCommand, monkeypatch: pytest.MonkeyPatch, certificate: Path
) -> None:
    with http_server({}, certificate=certificate) as port:
        use(monkeypatch, port, SCHEME="https")
        assert "shows a certificate that is not trusted (self" in host(command)
        with monkeypatch.context() as trusting:
            trusting.setenv("SSL_CERT_FILE", str(certificate))
            found = findings(command("doctor", "--json").out)
            assert found["host"] == (True, "answers")
            # the driver trusts it too
            assert found["app and secret"][1].startswith("refused")
        monkeypatch.setenv("PUSHER_VERIFY_PEER", "false")
        unproven = "answers; its certificate is not checked (PUSHER_VERIFY_PEER)"
        assert findings(command("doctor", "--json").out)["host"] == (True, unproven)


# -- the clock


@pytest.mark.parametrize(
    ("minutes", "ok", "said"),
    [
        (-9, True, "9 min apart; signatures may be 600 s old"),
        (9, True, "9 min apart; signatures may be 600 s old"),
        (-11, False, "this machine is 11 min ahead of the service, which refuses what is signed more than 600 s off"),
        (25 * 60 + 1, False, "this machine is 1 d 1 h behind the service"),
    ],
)
def test_the_clock(command: RunCommand, monkeypatch: pytest.MonkeyPatch, minutes: int, ok: bool, said: str) -> None:
    now = 1_700_000_000.0
    # not time.time itself: the embedded server of other tests tells its time by it
    monkeypatch.setattr(checks, "time", SimpleNamespace(time=lambda: now))
    date = format_datetime(datetime.fromtimestamp(now + 60 * minutes, UTC), usegmt=True)
    with http_server({"Date": date}) as port:
        use(monkeypatch, port)
        found = findings(command("doctor", "--json").out)
    assert found["clock"][0] is ok
    assert found["clock"][1].startswith(said)
    assert ("set the clock first" in found["app and secret"][1]) is not ok


@pytest.mark.parametrize("headers", [{}, {"Date": "yesterday"}, {"Date": "\x1b[2J"}])
def test_a_service_that_does_not_tell_its_time(
    command: RunCommand, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    with http_server(headers) as port:
        use(monkeypatch, port)
        found = findings(command("doctor", "--json").out)
    assert found["clock"] == (True, "not checked: the service does not tell its time")


def test_an_answer_that_is_none_of_the_api(command: RunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    with http_server({"Location": "https://example.com/hunter"}, status=302) as port:
        use(monkeypatch, port)
        status, out, _ = command("doctor", "--json")
    found = findings(out)
    assert (status, found["host"][0]) == (1, True)
    assert not found["app and secret"][0]
    assert "HTTP 302" in found["key"][1]


def test_a_client_that_is_never_greeted(command: RunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(connection: ServerConnection) -> None:
        with contextlib.suppress(Exception):
            connection.recv()

    with serve(wait, LOOPBACK, 0) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        try:
            use(monkeypatch, served.socket.getsockname()[1])
            out = command("doctor", "--json", "--timeout", "0.5").out
        finally:
            served.shutdown()
            thread.join()
    assert findings(out)["key"] == (False, "the server has not greeted a client within 0.5 s")


def test_without_websockets_it_says_what_to_install(
    command: RunCommand, server: PusherServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "websockets.exceptions", None)
    status, out, _ = command("doctor", "--json")
    assert (status, findings(out)) == (
        2,
        {"settings": (False, "broadcastkit doctor needs websockets: run `pip install 'broadcastkit[cli]'`")},
    )


# -- Redis


@pytest.mark.real
def test_redis(command: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROADCAST_CONNECTION", "redis")
    with redis_server(tmp_path) as redis:
        monkeypatch.setenv("REDIS_URL", redis.url)
        status, out, _ = command("doctor", "--json")
        assert (status, [ok for ok, _ in findings(out).values()]) == (0, [True, True])
    status, out, _ = command("doctor", "--json")
    assert status == 1
    assert not findings(out)["publishing"][0]


def test_redis_without_its_password_in_sight(command: RunCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROADCAST_CONNECTION", "redis")
    monkeypatch.setenv("REDIS_URL", f"redis://user:hunter2@127.0.0.1:{free_port()}/0")
    assert command("doctor").status == 1
    assert command("send", "--event", "a", "--channel", "x").status == 1
