"""Receivers of webhooks over real HTTP: behind gunicorn and behind uvicorn, with bodies whose length nobody tells."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.receivers import ADDED, BODY, LIMIT, PATH
from tests.interop.servers import free_port, running
from tests.webhooks.tools import KEY, body_of, headers_for

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
SITES = "tests.integrations.receiver_sites"
SERVERS = {
    "gunicorn": [f"{SITES}:wsgi_site", "--worker-class=gthread", "--threads=4", "--no-control-socket", "--bind"],
    "uvicorn": [f"{SITES}:asgi_site", "--lifespan=off", "--host=127.0.0.1", "--port"],
}
FRAMEWORKS = {
    "gunicorn": ["django", "django-async", "flask", "wsgi"],
    "uvicorn": ["asgi", "django", "django-async", "fastapi", "litestar", "starlette"],
}
FAILING = body_of({**ADDED, "user_id": "nobody"})


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """A server's name and its port."""
    name: str = request.param
    port = free_port()
    address = f"127.0.0.1:{port}" if name == "gunicorn" else str(port)
    command = [sys.executable, "-m", name, *SERVERS[name], address]
    log = tmp_path_factory.mktemp(name) / "log"
    with running(command, port=port, log=log, ready="/up", env={"PYTHONPATH": str(ROOT)}):
        yield name, port


def asked(port: int, path: str, body: bytes, headers: dict[str, str], *, chunked: bool) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        pieces = (body[start : start + 100] for start in range(0, len(body), 100))
        connection.request("POST", path, pieces if chunked else body, headers, encode_chunked=chunked)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
def test_each_framework_answers(server: tuple[str, int], *, chunked: bool) -> None:
    name, port = server
    # one byte too many: a client that is cut off while it sends more may not see why
    too_long = BODY.ljust(LIMIT + 1)
    headers = {"Transfer-Encoding": "chunked"} if chunked else {}
    for framework in FRAMEWORKS[name]:
        answers = [
            asked(port, f"/{framework}{PATH}", body, {**headers, **signed}, chunked=chunked)
            for body, signed in (
                (BODY, headers_for(BODY)),
                (BODY.ljust(LIMIT), headers_for(BODY.ljust(LIMIT))),
                (BODY, headers_for(BODY, KEY, "not-the-secret")),
                (too_long, headers_for(too_long)),
                (FAILING, headers_for(FAILING)),
            )
        ]

        assert answers == [
            (200, {"ok": True}),
            (200, {"ok": True}),
            (401, {"error": "bad signature"}),
            (413, {"error": "the request body is too long"}),
            (500, {"error": "a handler failed"}),
        ], framework
