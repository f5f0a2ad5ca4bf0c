"""Without redis-py: the error says what to install, and a client of another package needs none."""

from __future__ import annotations

import subprocess
import sys

WITHOUT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "redis":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from broadcastkit.drivers.redis import AsyncRedisDriver, RedisDriver
from broadcastkit.errors import MissingDependencyError

for driver in (RedisDriver, AsyncRedisDriver):
    try:
        driver()
    except MissingDependencyError as error:
        print(error)

import valkey

print(RedisDriver(client=valkey.Valkey()))
"""
NEEDS = "the redis driver needs redis: run `pip install 'broadcastkit[redis]'`\n"


def test_the_error_names_the_extra_and_valkey_does_without() -> None:
    result = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False)

    assert (result.stdout, result.stderr) == (2 * NEEDS + "RedisDriver(the Valkey client given)\n", "")
