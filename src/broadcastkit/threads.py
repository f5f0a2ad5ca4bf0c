"""Starting a thread of our own, where one can be started, and knowing that the program ends."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["at_exit", "started"]


def at_exit() -> bool:
    """Whether this is called by what `atexit` calls: a `weakref.finalize` that is made now may never be called."""
    main = threading.main_thread()
    return not main.is_alive() and threading.current_thread() is main


def started(run: Callable[[], None], name: str) -> threading.Thread | None:
    """Start a thread that the end of the program does not wait for; None where none can be started.

    The system may allow no more of them, and Python 3.12.0 to 3.12.2 start none once the main thread is over: also not
    in `atexit`, where what waits is sent. Whoever asks then does the work himself.
    """
    thread = threading.Thread(target=run, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None
    return thread
