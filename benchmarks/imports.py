"""What `import broadcastkit` costs, against defining one pydantic model.

python -m benchmarks.imports
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

from benchmarks.timing import table

ROUNDS = 21
PROGRAMS = {
    "import broadcastkit": "import broadcastkit",
    "from broadcastkit import MessageSent": "from broadcastkit import MessageSent",
    "pydantic and one model": "from pydantic import BaseModel\nclass M(BaseModel):\n    id: int\n    name: str",
    "import pusher": "import pusher",
}


def main() -> None:
    """Print milliseconds, each in a fresh process with warm caches."""
    # Without cached bytecode every process would compile the package anew, and only ours: the rest is installed.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    samples: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for turn in range(ROUNDS + 1):
        for name, program in PROGRAMS.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True, env=environment)
            if turn:
                samples[name].append((time.perf_counter() - started) * 1e3)
    rows = {name: statistics.median(values) for name, values in samples.items()}
    pairs = [("import broadcastkit", "pydantic and one model")]
    table("import, whole process", rows, "ms", better="less", pairs=pairs)


if __name__ == "__main__":
    main()
