"""The fake for `unittest`, in every kind of test case."""

from __future__ import annotations

from contextlib import AbstractContextManager
from unittest import TestCase, TestResult

from broadcastkit.testing.broadcasts import Broadcasts
from broadcastkit.testing.fake import fake_broadcasts

__all__ = ["BroadcastTestCase"]


class BroadcastTestCase(TestCase):
    """A test case in which nothing is sent, and `self.broadcasts` records what would have been.

    Use it alone, or beside another kind, in any order:

        class ShopTests(BroadcastTestCase, IsolatedAsyncioTestCase): ...
        class ShopTests(BroadcastTestCase, django.test.TestCase): ...

    Each test has a record of its own, from before `setUp` to after the last cleanup; a `setUp` of yours need not call
    this one's. What is done once for the class, as Django's `setUpTestData`, comes earlier: see `suppress`.
    """

    broadcasts: Broadcasts

    def fake_broadcasts(self) -> AbstractContextManager[Broadcasts]:
        """Return the fake for one test; override it to name broadcasters of your own, or another profile."""
        return fake_broadcasts()

    def run(self, result: TestResult | None = None) -> TestResult | None:
        """Run the test inside the fake."""
        with self.fake_broadcasts() as self.broadcasts:
            return super().run(result)

    def debug(self) -> None:
        """Run the test inside the fake, without collecting errors."""
        with self.fake_broadcasts() as self.broadcasts:
            super().debug()
