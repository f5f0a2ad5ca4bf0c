"""The command line: what it says, and what it never says."""

from __future__ import annotations

import importlib
import json
import socket
import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcastkit import __version__, cli
from broadcastkit.cli import serve
from broadcastkit.errors import ConfigurationError
from broadcastkit.server import EmbeddedServer
from tests.interop.servers import LOOPBACK, free_port

Run = Callable[..., tuple[int, str, str]]
SECRET = "s3cr3t-of-the-app"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command; returns its exit status and what it wrote to stdout and stderr."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["broadcastkit", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        assert SECRET not in out + err
        return int(ended.value.code or 0), out, err

    return call


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[EmbeddedServer, str, int]]:
    """Stand in for the running of a server, and keep what would be run."""
    calls: list[tuple[EmbeddedServer, str, int]] = []
    monkeypatch.setattr(serve, "_run", lambda server, host, port, *, as_json: calls.append((server, host, port)))
    return calls


def test_says_its_version(run: Run) -> None:
    assert run("--version") == (0, f"broadcastkit {__version__}\n", "")


def test_explains_itself(run: Run) -> None:
    assert "serve" in run("--help")[1]
    assert "--app" in run("serve", "--help")[1]


def test_without_typer_it_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("broadcastkit.cli.commands", "broadcastkit.cli.serve"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "typer", None)
    status, _, err = run("serve")
    assert (status, err) == (
        2,
        "broadcastkit: the broadcastkit command needs typer: run `pip install 'broadcastkit[cli]'`\n",
    )


def test_another_import_error_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "broadcastkit.cli.commands")
    monkeypatch.setitem(sys.modules, "broadcastkit.cli.serve", None)
    with pytest.raises(ImportError, match=r"broadcastkit\.cli\.serve"):
        cli.main()


@pytest.mark.parametrize("package", ["uvicorn", "websockets"])
def test_without_a_server_it_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    status, _, err = run("serve", "--port", "0", "--app", f"1:key:{SECRET}")
    assert (status, err) == (
        2,
        f"broadcastkit: broadcastkit serve needs {package}: run `pip install 'broadcastkit[server]'`\n",
    )


def test_the_module_runs_too(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(cli, "main", lambda: calls.append("ran"))
    sys.modules.pop("broadcastkit.cli.__main__", None)
    importlib.import_module("broadcastkit.cli.__main__")
    assert calls == ["ran"]


# -- what is served


def test_serves_the_apps_that_are_given(run: Run, served: list[tuple[EmbeddedServer, str, int]]) -> None:
    run("serve", "--app", f"1:key-1:{SECRET}", "--app", f"2:key-2:{SECRET}:with:colons", "--port", "7001")
    ((server, host, port),) = served
    assert (host, port) == ("127.0.0.1", 7001)
    assert [(app.id, app.key, app.client_events) for app in server.apps] == [
        ("1", "key-1", "members"),
        ("2", "key-2", "members"),
    ]
    assert server.apps[1].secret == f"{SECRET}:with:colons"


def test_serves_the_app_of_the_environment(
    run: Run, served: list[tuple[EmbeddedServer, str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("ID", "7"), ("KEY", "seven"), ("SECRET", SECRET)):
        monkeypatch.setenv(f"PUSHER_APP_{name}", value)
    run("serve")
    assert [(app.id, app.key, app.secret) for app in served[0][0].apps] == [("7", "seven", SECRET)]
    run("serve", "--app", f"1:one:{SECRET}")
    assert [app.id for app in served[1][0].apps] == ["1"]


@pytest.mark.parametrize("missing", ["ID", "KEY", "SECRET"])
def test_an_empty_variable_is_an_absent_one(
    run: Run, served: list[tuple[EmbeddedServer, str, int]], monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in ("ID", "KEY", "SECRET"):
        monkeypatch.setenv(f"PUSHER_APP_{name}", "" if name == missing else "7")
    status, _, err = run("serve")
    assert status == 2
    assert "PUSHER_APP_ID, PUSHER_APP_KEY and PUSHER_APP_SECRET" in err
    assert served == []


def test_options(run: Run, served: list[tuple[EmbeddedServer, str, int]]) -> None:
    run(
        *("serve", "--app", f"1:key:{SECRET}", "--no-client-events", "--max-connections", "5", "--max-data", "50000"),
        *("--max-members", "7", "--activity-timeout", "30", "--allow-origin", "a.example", "--allow-origin", "*.b.c"),
    )
    ((server, _, _),) = served
    assert server.apps[0].client_events == "none"
    limits = server.limits
    assert (limits.connections, limits.event_data_size, limits.presence_members) == (5, 50_000, 7)
    assert (limits.activity_timeout, limits.allowed_origins) == (30.0, ("a.example", "*.b.c"))
    # what is allowed must fit into what carries it, escaped
    assert limits.frame_size >= 100_000
    assert limits.request_size >= 10 * 2 * 50_000


@pytest.mark.parametrize(
    "app",
    [
        *("", ":", SECRET, f"1:{SECRET}", f"::{SECRET}", f":key:{SECRET}", f"1::{SECRET}", "1:key:"),
        *(f"a b:key:{SECRET}", f"1:k y:{SECRET}"),
    ],
)
def test_an_app_that_is_wrong(run: Run, served: list[tuple[EmbeddedServer, str, int]], app: str) -> None:
    status, _, err = run("serve", "--app", app)
    assert status == 2
    assert err.startswith("broadcastkit: ")
    assert err.count("\n") == 1
    assert served == []


def test_the_same_app_twice(run: Run, served: list[tuple[EmbeddedServer, str, int]]) -> None:
    status, _, err = run("serve", "--app", f"1:a:{SECRET}", "--app", f"1:b:{SECRET}")
    assert (status, err) == (2, "broadcastkit: two apps of an embedded server have the same id or key\n")


@given(st.text())
def test_no_error_shows_a_part_of_an_app(text: str) -> None:
    if text.count(":") > 1 and all(text.split(":", 2)):
        assert ":".join(serve.parse_app(text)) == text
        return
    with pytest.raises(ConfigurationError) as caught:
        serve.parse_app(text)
    assert str(caught.value) == "--app takes id:key:secret, three parts with colons between"


# -- where


def test_a_port_that_is_taken(run: Run) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        status, _, err = run("serve", "--port", str(port), "--app", f"1:key:{SECRET}")
    assert status == 2
    assert err.startswith(f"broadcastkit: cannot listen on 127.0.0.1 port {port}: ")


@pytest.mark.parametrize(
    ("host", "shown", "warns"),
    [("127.0.0.1", "127.0.0.1", False), ("localhost", "127.0.0.1", False), ("0.0.0.0", "0.0.0.0", True)],
)
def test_warns_where_others_can_reach_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, host: str, shown: str, warns: bool
) -> None:
    class Runner:
        def run(self, sockets: list[socket.socket]) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(serve, "_runner", lambda server, started: started() or Runner())
    port = free_port()
    status, out, err = run("serve", "--host", host, "--port", str(port), "--app", f"1:key:{SECRET}")
    assert (status, out) == (0, f"Serving 1 (key key) at ws://{shown}:{port}; stop with Ctrl-C.\n")
    assert (f"Warning: {shown}:{port} can be reached from other machines" in err) is warns


def test_programs_are_told_where_it_listens(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        serve, "_runner", lambda server, started: started() or SimpleNamespace(run=lambda sockets: None)
    )
    port = free_port()

    status, out, _ = run("serve", "--json", "--port", str(port), "--app", f"1:one:{SECRET}", "--app", f"2:two:{SECRET}")

    assert status == 0
    assert json.loads(out) == {
        "host": "127.0.0.1",
        "port": port,
        "apps": [{"id": "1", "key": "one"}, {"id": "2", "key": "two"}],
    }


class Listener(socket.socket):
    """As if bound to IPv6, which not every machine has."""

    def getsockname(self) -> tuple[str, int, int, int]:
        return "::1", 6001, 0, 0


def test_addresses_of_both_families() -> None:
    assert serve._is_loopback("::1")
    assert not serve._is_loopback("::")
    with Listener() as listener:
        assert serve._address(listener) == "[::1]:6001"
