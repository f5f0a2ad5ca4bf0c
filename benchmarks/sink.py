"""A sink that is no bottleneck: nginx on loopback, answering `{}` to everything over kept-alive connections."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["free_port", "listening", "nginx_sink"]

_CONFIG = """
daemon off; worker_processes 1; worker_rlimit_nofile 8192; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port}; location / {{ default_type application/json; return 200 '{{}}'; }} }}
}}
"""


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listening(port: int, process: subprocess.Popen[bytes], *, seconds: float = 20.0) -> None:
    """Wait until a process of ours listens."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"nothing listens on {port}")


@contextmanager
def nginx_sink() -> Iterator[int]:
    """Run nginx for the block; gives its port."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if nginx is None:
        raise RuntimeError("this benchmark needs nginx: apt-get install nginx-light")
    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "nginx.conf").write_text(_CONFIG.format(folder=folder, port=port))
        with subprocess.Popen([nginx, "-p", name, "-c", str(folder / "nginx.conf")]) as process:
            try:
                listening(port, process)
                yield port
            finally:
                process.terminate()
                process.wait(timeout=10)
