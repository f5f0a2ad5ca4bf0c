"""The main path on PostgreSQL, which DATABASE_URL names."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.examples.artisan_jobs.test_guide import application
from tests.interop.postgres_servers import PostgresServer
from tests.interop.servers import free_port

pytestmark = pytest.mark.real
WAIT = 10.0


def test_the_main_path_on_postgresql(tmp_path: Path, postgres: PostgresServer) -> None:
    url = f"postgres://{postgres.user}@{postgres.host}:{postgres.port}/{postgres.database}"
    port = free_port()
    with application(tmp_path, {"DATABASE_URL": url, "PUSHER_PORT": str(port)}, port) as site:
        amaka, chidi, tunde = (site.sign_in(name) for name in ("amaka", "chidi", "tunde"))
        body = {"recipient_id": 3, "content": "On PostgreSQL", "message_type": "text"}
        assert site.post("/api/messages", amaka, body).status_code == 201
        assert site.get("/api/conversations", chidi).json()["data"][0]["last_message"]["content"] == "On PostgreSQL"
        assert site.post("/api/conversations/1/read", chidi).json()["message_ids"] == [2, 4]
        assert [job["title"] for job in site.get("/api/jobs?q=plumbing", chidi).json()["data"]] == ["Fix plumbing"]
        statuses = [
            site.post(path, token, body).status_code
            for path, token, body in (
                ("/api/jobs/1/applications/1/accept", amaka, None),
                ("/api/jobs/1/milestones", amaka, {"title": "Seals"}),
                ("/api/jobs/1/start", chidi, None),
                ("/api/jobs/1/progress", chidi, {"percent": 50, "note": "Half"}),
                ("/api/jobs/1/pay", amaka, None),
                ("/api/jobs/1/disputes", amaka, {"reason": "It drips."}),
                ("/api/disputes/1/resolve", tunde, {"outcome": "release"}),
                ("/api/verification", chidi, None),
                ("/api/verifications/3/approve", tunde, None),
            )
        ]
        assert statuses == [200, 201, 200, 201, 201, 201, 200, 201, 200]
        types = [one["type"] for one in site.get("/api/notifications", chidi).json()["data"]]
        assert types == ["verification_approved", "payment_released", "dispute_resolved", "payment_received"]

    with postgres.connect() as connection:
        assert connection.execute("SELECT count(*) FROM artisan_jobs_message").fetchone() == (4,)


def test_money_in_dispute_is_not_released_meanwhile(tmp_path: Path, postgres: PostgresServer) -> None:
    url = f"postgres://{postgres.user}@{postgres.host}:{postgres.port}/{postgres.database}"
    port = free_port()
    with application(tmp_path, {"DATABASE_URL": url, "PUSHER_PORT": str(port)}, port) as site:
        amaka, chidi = site.sign_in("amaka"), site.sign_in("chidi")
        site.post("/api/jobs/1/applications/1/accept", amaka)
        site.post("/api/jobs/1/start", chidi)
        payment = site.post("/api/jobs/1/pay", amaka).json()["id"]
        site.post("/api/jobs/1/complete", chidi)
        with ThreadPoolExecutor(1) as pool, postgres.connect() as watching:
            # what a dispute does, as far as its commit
            with postgres.connect() as disputing, disputing.transaction():
                disputing.execute("SELECT 1 FROM artisan_jobs_job WHERE id = 1 FOR UPDATE")
                released = pool.submit(site.post, f"/api/payments/{payment}/release", amaka)
                until_somebody_waits(watching, released)
                disputing.execute("UPDATE artisan_jobs_job SET status = 'disputed' WHERE id = 1")
            answer = released.result(WAIT)
        payments = site.get("/api/payments", amaka).json()["data"]

    assert (answer.status_code, answer.json()) == (409, {"message": "The job is disputed."})
    assert [one["escrow_status"] for one in payments if one["id"] == payment] == ["held"]


def until_somebody_waits(connection: Any, asked: Future[Any]) -> None:
    """Wait until a statement waits for another's lock, or nobody will."""
    ends = time.monotonic() + WAIT
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    while time.monotonic() < ends and not asked.done() and connection.execute(query).fetchone() == (0,):
        pass
