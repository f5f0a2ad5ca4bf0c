"""Every measurement, each in a process of its own: `python -m benchmarks`, or `make bench`. ARGS may name some."""

from __future__ import annotations

import subprocess
import sys
import time

# `triggers` is not among them: one of the clients that it compares may abort its process at the end
PARTS = ("deliveries", "publishing", "commits", "soak", "signing", "auth_endpoint", "imports")


def main() -> int:
    """Run the parts that the command line names, or all; returns how many did not end well."""
    failed: list[str] = []
    for part in sys.argv[1:] or PARTS:
        began = time.monotonic()
        print(f"\n== {part}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{part}"], check=False).returncode:
            failed.append(part)
        print(f"== {part}: {time.monotonic() - began:.0f} s", flush=True)
    if failed:
        print(f"\nnot as it should be: {', '.join(failed)}")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
