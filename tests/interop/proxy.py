"""Runs pproxy, a proxy of HTTP and SOCKS5 at once: `python -m tests.interop.proxy 8118`.

By hand, because its own command wants an event loop that is there before there is one.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pproxy


async def serve(port: int) -> None:
    """Serve until the process is stopped; each connection through it is told on a line of its own."""
    server: Any = pproxy.Server(f"http+socks5://127.0.0.1:{port}")
    await server.start_server({"rserver": [], "verbose": lambda text: print(text, flush=True)})
    print("listening", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
