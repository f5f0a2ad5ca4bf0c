"""`/broadcasting/auth` in FastAPI on uvicorn, under wrk: against an empty route, and one that signs with `pusher`.

python -m benchmarks.auth_endpoint
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.sink import free_port, listening
from benchmarks.timing import table

ROUNDS = 5
SECONDS = 2
CONNECTIONS = 16
ROUTES = {
    "ours, async rule": ("/broadcasting/auth", "private-user.3"),
    "ours, blocking rule in a thread": ("/broadcasting/auth", "private-own.3"),
    "an empty route": ("/empty", "private-user.3"),
    "signing with pusher": ("/pusher", "private-user.3"),
}
_SCRIPT = """
wrk.method = "POST"
wrk.body = "socket_id=1234.1234&channel_name={channel}"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
"""


def on_core(core: int) -> list[str]:
    """Return what pins a command to a core, where there are two: load and server must not take turns on one."""
    taskset = shutil.which("taskset")
    return [taskset, "-c", str(core)] if taskset is not None and (os.cpu_count() or 1) > 1 else []


def per_second(wrk: str, port: int, path: str, channel: str) -> float:
    """Return requests answered in a second; a refused one is an error."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "post.lua"
        script.write_text(_SCRIPT.format(channel=channel))
        command = [
            *on_core(0),
            wrk,
            "-t1",
            f"-c{CONNECTIONS}",
            f"-d{SECONDS}s",
            "-s",
            str(script),
            f"http://127.0.0.1:{port}{path}",
        ]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in output:
        raise RuntimeError(f"{path} refused requests")
    found = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if found is None:
        raise RuntimeError(f"wrk said nothing of requests: {output}")
    return float(found[1])


def main() -> None:
    """Print requests per second."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise RuntimeError("this benchmark needs wrk: apt-get install wrk")
    port = free_port()
    command = [
        *on_core(1),
        sys.executable,
        "-m",
        "uvicorn",
        "benchmarks.auth_app:app",
        "--port",
        str(port),
        "--log-level",
        "warning",
    ]
    with subprocess.Popen([*command, "--no-access-log"]) as server:
        try:
            listening(port, server)
            samples: dict[str, list[float]] = {name: [] for name in ROUTES}
            for _ in range(ROUNDS):
                for name, (path, channel) in ROUTES.items():
                    samples[name].append(per_second(wrk, port, path, channel))
        finally:
            server.terminate()
    rows = {name: statistics.median(values) for name, values in samples.items()}
    pairs = [("ours, async rule", "an empty route"), ("ours, async rule", "signing with pusher")]
    table(f"POST /broadcasting/auth, {CONNECTIONS} connections", rows, "req/s", better="more", pairs=pairs)


if __name__ == "__main__":
    main()
