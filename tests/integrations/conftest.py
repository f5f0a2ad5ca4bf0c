"""pytest rewrites the asserts of test modules only; the shared suites are none, and their asserts must tell too."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.integrations.behaviour", "tests.integrations.receivers")
