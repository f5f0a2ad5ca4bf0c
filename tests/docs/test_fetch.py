"""The lines of JavaScript that put the socket id into every fetch, run against a real server."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from broadcastkit.integrations.asgi import SocketIdMiddleware
from broadcastkit.socket_id import current_socket_id
from tests.docs.pages import PAGES
from tests.interop.servers import asgi_server

pytestmark = pytest.mark.real

PAGE = next(page for page in PAGES if page.name == "docs/how-to/socket-id.md")

# What a browser has and node has not; then a page that is not connected, is connected, and talks to another site.
SCRIPT = """
import { sendSocketId } from "./socket_id.mjs";

const [own, other] = process.argv.slice(2);
globalThis.window = globalThis;
globalThis.location = new URL(own);
let socketId;
sendSocketId({ socketId: () => socketId });

const seen = [];
const ask = async (...request) => seen.push(await (await fetch(...request)).json());
await ask(`${own}/`);
socketId = "123.456";
await ask(`${own}/`);
await ask(`${own}/`, { method: "POST", body: "text", headers: { "X-Own": "kept" } });
await ask(new Request(`${own}/`, { method: "POST", body: "text" }));
socketId = "123.457";
await ask(new URL(own));
await ask(`${other}/`);
console.log(JSON.stringify(seen));
"""


async def seen(request: Request) -> JSONResponse:
    body = (await request.body()).decode()
    return JSONResponse([request.method, current_socket_id(), body, request.headers.get("x-own")])


def test_every_fetch_to_the_own_server_says_who_is_asking(tmp_path: Path) -> None:
    [module] = [fence for fence in PAGE.of("javascript") if fence.file == "socket_id.mjs"]
    (tmp_path / "socket_id.mjs").write_text(module.text, encoding="utf-8")
    (tmp_path / "page.mjs").write_text(SCRIPT, encoding="utf-8")
    app = SocketIdMiddleware(Starlette(routes=[Route("/", seen, methods=["GET", "POST"])]))
    with asgi_server(app) as own, asgi_server(app) as other:
        urls = [f"http://127.0.0.1:{port}" for port in (own, other)]
        result = subprocess.run(
            ["node", str(tmp_path / "page.mjs"), *urls], capture_output=True, text=True, timeout=30, check=False
        )

    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == [
        ["GET", None, "", None],
        ["GET", "123.456", "", None],
        ["POST", "123.456", "text", "kept"],
        ["POST", "123.456", "text", None],
        ["GET", "123.457", "", None],
        ["GET", None, "", None],
    ]
