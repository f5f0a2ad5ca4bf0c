"""Without redis-py: one server needs none, nor does another package's client; a cluster does, and the error says so."""

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
    print(driver())
    for where in ({"cluster": ["h:1"]}, {"sentinels": ["h:1"]}):
        try:
            driver(**where)
        except MissingDependencyError as error:
            print(error)

import valkey

print(RedisDriver(client=valkey.Valkey()))
"""
NEEDS = "the redis driver with cluster= or sentinels= needs redis: run `pip install 'broadcastkit[redis]'`\n"


def test_one_server_needs_no_package_and_of_others_the_error_names_the_extra() -> None:
    result = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False)

    shown = "".join(f"{name}(redis://127.0.0.1:6379)\n{2 * NEEDS}" for name in ("RedisDriver", "AsyncRedisDriver"))
    assert (result.stdout, result.stderr) == (shown + "RedisDriver(the Valkey client given)\n", "")
