"""Every measurement: `python -m benchmarks`, or `make bench`."""

from __future__ import annotations

from benchmarks import auth_endpoint, imports, signing, triggers

if __name__ == "__main__":
    signing.authorization()
    signing.trigger()
    triggers.main()
    auth_endpoint.main()
    imports.main()
