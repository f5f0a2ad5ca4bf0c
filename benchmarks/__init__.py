"""Measurements against peers, in the same run: `make bench`. Never tests: figures depend on the machine."""
