"""In production, as deploy/ has it: supervisor's three programs, a queue in Redis, and nginx with TLS before them."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from configparser import ConfigParser
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.drivers.certificates import Certificates, make_certificates
from tests.examples.marketplace.test_live import LARAVEL_WEBSOCKETS
from tests.interop.redis_servers import redis_server
from tests.interop.servers import free_port, running

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "examples" / "marketplace" / "deploy"
PASSWORD = "correct horse battery"
PROGRAMS = {"websockets": "6001", "marketplace": "8000", "queue": ""}
NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  {sites}
}}
"""
# as the guide has it, for a server that is at /ws itself
GUIDES_LOCATION = """
server {{
  listen 127.0.0.1:{port};
  location /ws {{
    proxy_pass http://127.0.0.1:6001;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "Upgrade";
    proxy_set_header Host $host;
  }}
  location / {{ return 204; }}
}}
"""


def supervised() -> ConfigParser:
    config = ConfigParser(interpolation=None)
    config.read(DEPLOY / "supervisor.conf")
    return config


def program(name: str, folder: Path, port: int) -> list[str]:
    """Return the command of one of supervisor's programs, in another folder and at another port."""
    shell, option, script = shlex.split(supervised()[f"program:{name}"]["command"])
    usual = PROGRAMS[name]
    assert usual in script
    return [shell, option, f"cd {folder}; {script.replace(usual, str(port)) if usual else script}"]


def nginx(sites: str, folder: Path) -> list[str]:
    found = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    assert found, "nginx is missing: run `make setup`"
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, sites=sites))
    return [found, "-p", str(folder), "-c", str(folder / "nginx.conf")]


@dataclass
class Production:
    url: str
    plain_url: str
    certificates: Certificates
    environ: dict[str, str]

    def client(self, token: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, verify=self.certificates.trust, headers=headers, trust_env=False)

    def account(self, name: str, role: str) -> httpx.Client:
        """Make an account by the command, and sign in."""
        email = f"{name.lower()}@example.com"
        command = [sys.executable, "-m", "examples.marketplace.account", name, email, role]
        subprocess.run(command, cwd=ROOT, env=self.environ, input=PASSWORD, text=True, check=True)
        with self.client() as client:
            session = client.post("/api/login", json={"email": email, "password": PASSWORD}).json()
        return self.client(session["token"])


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    folder = tmp_path_factory.mktemp("srv")
    ports = {name: free_port() for name in (*PROGRAMS, "http", "https")}
    certificates = make_certificates(folder)
    url = f"https://127.0.0.1:{ports['https']}"
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server(folder))
        environ = {
            **LARAVEL_WEBSOCKETS,
            "PUSHER_PORT": str(ports["websockets"]),
            "QUEUE_CONNECTION": "redis",
            "REDIS_PORT": str(redis.port),
            "DATABASE_URL": f"sqlite+aiosqlite:///{folder}/market.sqlite3",
            "WEBSOCKET_URL": f"{url}/ws",
            "PYTHONPATH": str(ROOT),
        }
        (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in environ.items()))
        (folder / ".venv").symlink_to(sys.prefix)
        ready: dict[str, str | Callable[[], bool]] = {"websockets": "/up", "marketplace": "/api/start"}
        for name in PROGRAMS:
            # what waits for the worker is in the queue: it need not be ready
            stack.enter_context(
                running(
                    program(name, folder, ports[name]),
                    port=ports[name],
                    log=folder / f"{name}.log",
                    ready=ready.get(name, lambda: True),
                )
            )
        site = (DEPLOY / "nginx.conf").read_text()
        for shipped, here in {
            "listen 80;": f"listen 127.0.0.1:{ports['http']};",
            "listen 443 ssl;": f"listen 127.0.0.1:{ports['https']} ssl;",
            "/etc/letsencrypt/live/market.example.com/fullchain.pem": str(certificates.file),
            "/etc/letsencrypt/live/market.example.com/privkey.pem": str(certificates.file),
            "127.0.0.1:8000": f"127.0.0.1:{ports['marketplace']}",
            "127.0.0.1:6001": f"127.0.0.1:{ports['websockets']}",
        }.items():
            assert shipped in site
            site = site.replace(shipped, here)
        plain = f"http://127.0.0.1:{ports['http']}"
        stack.enter_context(
            running(
                nginx(site, folder),
                port=ports["http"],
                log=folder / "nginx.log",
                ready=lambda: answers(plain),
            )
        )
        yield Production(url, plain, certificates, environ)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code > 0
    except httpx.HTTPError:
        return False


def receive(socket: ClientConnection, event: str) -> Any:
    """Return the data of the next event of this name, whatever comes before it."""
    while True:
        frame = json.loads(socket.recv(timeout=15))
        if frame["event"] == event:
            return json.loads(frame["data"])


def test_a_message_goes_through_all_of_it(production: Production) -> None:
    with production.account("Eve", "seller") as eve, production.account("Bob", "buyer") as bob:
        draft = {"title": "Globe", "category": "Lighting", "description": "Of glass.", "price_cents": 4_500}
        listing = eve.post("/api/listings", json=draft).json()
        begun = bob.post("/api/conversations", json={"listing_id": listing["id"], "content": "Is it heavy?"}).json()
        channel = f"private-conversation.{begun['id']}"

        live = eve.get("/api/start").json()["live"]
        assert live.items() >= {"wsHost": "127.0.0.1", "wsPath": "/ws", "forceTLS": True}.items()
        url = f"wss://{live['wsHost']}:{live['wssPort']}{live['wsPath']}/app/{live['key']}?protocol=7"
        with connect(url, ssl=production.certificates.trust, proxy=None) as socket:
            socket_id = receive(socket, "pusher:connection_established")["socket_id"]
            fields = {"socket_id": socket_id, "channel_name": channel}
            auth = eve.post("/broadcasting/auth", data=fields).json()
            socket.send(json.dumps({"event": "pusher:subscribe", "data": {"channel": channel, **auth}}))
            receive(socket, "pusher_internal:subscription_succeeded")
            sent = bob.post(f"/api/conversations/{begun['id']}/messages", json={"content": "Or light?"}).json()
            heard = [receive(socket, "message.sent")]
            if heard[0]["content"] == "Is it heavy?":  # the worker had only begun
                heard.append(receive(socket, "message.sent"))
            assert heard[-1] == sent

        with production.account("Root", "admin") as root:
            seen = root.get("/laravel-websockets/statistics").json()
        assert (seen["driver"], seen["queue"], seen["errors"]) == ("pusher", "redis", [])
        # the workers have counted
        assert seen["sent"]["message.sent"] == 2


def test_nobody_comes_without_tls(production: Production) -> None:
    answer = httpx.get(f"{production.plain_url}/api/start", trust_env=False)
    assert (answer.status_code, answer.headers["Location"].split(":")[0]) == (301, "https")
    with production.client() as client:
        assert "max-age" in client.get("/api/start").headers["Strict-Transport-Security"]


def test_the_http_api_of_the_websocket_server_is_not_for_strangers(production: Production) -> None:
    with production.client() as client:
        assert client.get("/ws/apps/local/channels").status_code == 404
        assert client.get("/ws/up").json() == {"health": "OK"}


def test_an_account_has_a_password_and_one_address(production: Production) -> None:
    def add(email: str, password: str) -> str:
        command = [sys.executable, "-m", "examples.marketplace.account", "Al", email, "buyer"]
        ran = subprocess.run(
            command, cwd=ROOT, env=production.environ, input=password, capture_output=True, text=True, check=False
        )
        assert ran.returncode == (1 if ran.stderr else 0)
        return ran.stderr

    assert add("al@example.com", "short") == "A password has at least 12 characters.\n"
    assert add("Al@example.com", PASSWORD) == ""
    assert add("al@example.com", PASSWORD) == "There is an account for al@example.com.\n"


def test_the_location_of_the_guide_in_front_of_the_application(database_url: str, tmp_path: Path) -> None:
    port, proxy = free_port(), free_port()
    command = [sys.executable, "-m", "examples.marketplace"]
    environ = {"PORT": str(port), "DATABASE_URL": database_url}
    site = GUIDES_LOCATION.format(port=proxy).replace("127.0.0.1:6001", f"127.0.0.1:{port}")
    with ExitStack() as stack:
        stack.enter_context(running(command, port=port, log=tmp_path / "log", ready="/api/start", env=environ))
        plain = f"http://127.0.0.1:{proxy}"
        stack.enter_context(
            running(nginx(site, tmp_path), port=proxy, log=tmp_path / "nginx.log", ready=lambda: answers(plain))
        )
        with connect(f"ws://127.0.0.1:{proxy}/ws/app/marketplace-key?protocol=7", proxy=None) as socket:
            assert receive(socket, "pusher:connection_established")["activity_timeout"] > 0


@pytest.mark.parametrize("name", PROGRAMS)
def test_supervisor_keeps_each_program_running(name: str) -> None:
    said = supervised()[f"program:{name}"]
    expected = {"numprocs": "1", "autostart": "true", "autorestart": "true", "user": "www-data"}
    assert expected.items() <= dict(said).items()
