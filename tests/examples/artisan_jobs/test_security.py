"""What must not be possible: other people's things, other people's roles, other people's words."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from broadcastkit import Broadcaster
from broadcastkit.integrations.rate_limits import FixedWindow
from broadcastkit.testing import Broadcasts
from examples.artisan_jobs import live, seed
from examples.artisan_jobs.models import AccessToken, Job, Message, User
from tests.examples.artisan_jobs.application import PASSWORD, SOCKET, World

# -- who one is --------------------------------------------------------------------------------------------------------


def test_a_token_signs_in_until_it_is_given_back(world: World) -> None:
    answer = Client().post(
        "/api/login", {"email": "Amaka@mysharpjob.test", "password": PASSWORD}, content_type="application/json"
    )
    token = answer.json()["token"]
    headers = {"Authorization": f"Bearer {token}"}

    assert (answer.status_code, answer.json()["token_type"], answer.json()["user"]["role"]) == (200, "Bearer", "client")
    assert "sessionid" not in answer.cookies
    assert Client().get("/api/me", headers=headers).json()["email"] == "amaka@mysharpjob.test"
    assert Client().post("/api/logout", headers=headers).status_code == 204
    assert Client().get("/api/me", headers=headers).status_code == 401


def test_only_the_digest_of_a_token_is_kept(world: World) -> None:
    kept = [str(value) for row in AccessToken.objects.values() for value in row.values()]

    assert world.amaka.token not in kept
    assert hashlib.sha256(world.amaka.token.encode()).hexdigest() in kept


def test_a_token_expires(world: World) -> None:
    AccessToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    answer = world.amaka.get("/api/me")

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert world.amaka.listen("private-user.1").status_code == 401


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer ", "Basic YTpi", "wrong"])
def test_a_wrong_token_is_no_session(world: World, header: str) -> None:
    client = Client()
    client.force_login(world.amaka.user)

    assert client.get("/api/me").status_code == 200
    assert client.get("/api/me", headers={"Authorization": header}).status_code == 401
    fields = {"socket_id": SOCKET, "channel_name": "private-user.1"}
    assert client.post("/broadcasting/auth", fields, headers={"Authorization": header}).status_code == 401


def test_the_page_signs_in_with_a_session(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    # a page begins with this
    client.get("/api/session")
    token = client.cookies["csrftoken"].value
    body = {"email": "amaka@mysharpjob.test", "password": PASSWORD}

    def post(path: str, **headers: str) -> Any:
        return client.post(
            path, body if path.endswith("session") else {}, content_type="application/json", headers=headers
        )

    assert post("/api/session").status_code == 403
    signed_in = post("/api/session", **{"X-CSRFToken": token})
    assert (signed_in.status_code, signed_in.json()["name"]) == (200, "Amaka")
    assert signed_in.cookies["sessionid"]["httponly"]
    assert signed_in.cookies["sessionid"]["samesite"] == "Lax"
    assert client.get("/api/session").json()["user"]["name"] == "Amaka"
    # signing in has changed the token
    token = client.cookies["csrftoken"].value
    assert post("/api/messages/typing").status_code == 403
    assert post("/api/logout", **{"X-CSRFToken": token}).status_code == 204
    assert client.get("/api/session").json()["user"] is None


@pytest.mark.parametrize("path", ["/api/session", "/api/login"])
@pytest.mark.parametrize(
    ("email", "password"), [("amaka@mysharpjob.test", "wrong"), ("nobody@mysharpjob.test", PASSWORD)]
)
def test_a_wrong_password_and_nobody_look_the_same(world: World, path: str, email: str, password: str) -> None:
    answer = Client().post(path, {"email": email, "password": password}, content_type="application/json")

    assert (answer.status_code, answer.json()) == (422, {"message": "These credentials do not match our records."})


def test_passwords_cannot_be_tried_out(world: World) -> None:
    body = {"email": "amaka@mysharpjob.test", "password": "a guess"}
    with override_settings(SIGN_IN_LIMIT=FixedWindow("3/minute")):
        statuses = [Client().post("/api/login", body, content_type="application/json").status_code for _ in range(4)]

    assert statuses == [422, 422, 422, 429]


def test_nor_at_the_door_of_djangos_admin(world: World) -> None:
    def guess(password: str) -> int:
        form = {"username": "tunde@mysharpjob.test", "password": password}
        return int(Client().post("/admin/login/", form).status_code)

    with override_settings(SIGN_IN_LIMIT=FixedWindow("3/minute")):
        statuses = [guess(password) for password in ("a", "b", "c", PASSWORD)]

    # who is let in is sent on
    assert statuses == [200, 200, 200, 200]
    assert guess(PASSWORD) == 302


def test_nor_one_password_with_everybodys_name(world: World) -> None:
    def guess(number: int) -> int:
        body = {"email": f"{number}@mysharpjob.test", "password": "a guess"}
        return int(Client().post("/api/login", body, content_type="application/json").status_code)

    with override_settings(SIGN_IN_LIMIT_OF_ADDRESS=FixedWindow("3/minute")):
        assert [guess(number) for number in range(4)] == [422, 422, 422, 429]


def test_a_new_password_ends_tokens_as_it_ends_sessions(world: World) -> None:
    world.amaka.user.set_password("with a saw")
    world.amaka.user.save()

    assert world.amaka.get("/api/me").status_code == 401
    assert world.amaka.listen("private-user.1").status_code == 401
    assert world.john.get("/api/me").status_code == 200


def test_tokens_that_have_expired_are_not_kept(world: World) -> None:
    AccessToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    body = {"email": "amaka@mysharpjob.test", "password": PASSWORD}

    assert Client().post("/api/login", body, content_type="application/json").status_code == 200

    assert AccessToken.objects.filter(user=world.amaka.user).count() == 1


def test_who_was_put_out_is_out(world: World) -> None:
    User.objects.filter(pk=1).update(is_active=False)

    assert world.amaka.get("/api/me").status_code == 401
    body = {"email": "amaka@mysharpjob.test", "password": PASSWORD}
    assert Client().post("/api/login", body, content_type="application/json").status_code == 422
    assert world.chidi.send(world.amaka, "Hello?").status_code == 422
    assert "Amaka" not in world.chidi.get("/api/people").content.decode()


EVERYTHING = [
    ("GET", "/api/me"),
    ("POST", "/api/logout"),
    ("GET", "/api/people"),
    ("POST", "/api/messages"),
    ("POST", "/api/messages/typing"),
    ("GET", "/api/messages/unread"),
    ("GET", "/api/conversations"),
    ("GET", "/api/conversations/1/messages"),
    ("POST", "/api/conversations/1/read"),
    ("GET", "/api/attachments/1"),
    ("GET", "/api/jobs"),
    ("POST", "/api/jobs"),
    ("GET", "/api/jobs/1"),
    ("POST", "/api/jobs/1/apply"),
    ("POST", "/api/jobs/1/applications/1/accept"),
    ("POST", "/api/jobs/1/start"),
    ("POST", "/api/jobs/1/milestones"),
    ("PATCH", "/api/jobs/1/milestones/1"),
    ("POST", "/api/jobs/1/progress"),
    ("POST", "/api/jobs/1/complete"),
    ("POST", "/api/jobs/1/pay"),
    ("POST", "/api/jobs/1/disputes"),
    ("GET", "/api/payments"),
    ("POST", "/api/payments/1/release"),
    ("GET", "/api/disputes"),
    ("POST", "/api/disputes/1/resolve"),
    ("POST", "/api/verification"),
    ("GET", "/api/verifications"),
    ("POST", "/api/verifications/3/approve"),
    ("GET", "/api/notifications"),
    ("POST", "/api/notifications/read"),
    ("POST", "/api/notifications/00000000-0000-0000-0000-000000000000/read"),
]


@pytest.mark.parametrize(("method", "path"), EVERYTHING)
def test_nothing_without_signing_in(world: World, method: str, path: str) -> None:
    assert world.stranger.ask(method, path, {}).status_code == 401
    assert world.amaka.ask("DELETE", path).status_code == 405


# -- what one may do ---------------------------------------------------------------------------------------------------

BY_ROLE = {
    "/api/jobs": {"client"},
    "/api/jobs/1/apply": {"artisan"},
    "/api/jobs/1/start": {"artisan"},
    "/api/jobs/1/complete": {"artisan"},
    "/api/jobs/1/progress": {"artisan"},
    "/api/jobs/1/applications/1/accept": {"client"},
    "/api/jobs/1/pay": {"client"},
    "/api/payments/1/release": {"client"},
    "/api/disputes/1/resolve": {"admin"},
    "/api/verification": {"artisan"},
    "/api/verifications/4/approve": {"admin"},
}


@pytest.mark.parametrize("path", BY_ROLE)
@pytest.mark.parametrize("role", ["client", "artisan", "admin"])
def test_each_role_does_its_own(world: World, path: str, role: str) -> None:
    someone = {"client": world.amaka, "artisan": world.chidi, "admin": world.tunde}[role]

    assert (someone.post(path).status_code == 403) == (role not in BY_ROLE[path])


OTHERS = [
    ("john", "GET", "", None),
    ("ngozi", "GET", "", None),
    ("john", "POST", "/applications/1/accept", None),
    ("ngozi", "POST", "/start", None),
    ("ngozi", "POST", "/complete", None),
    ("ngozi", "POST", "/apply", {"note": "Me!"}),
    ("john", "POST", "/milestones", {"title": "a"}),
    ("ngozi", "POST", "/milestones", {"title": "a"}),
    ("tunde", "POST", "/milestones", {"title": "a"}),
    ("john", "PATCH", "/milestones/1", {"status": "done"}),
    ("ngozi", "POST", "/progress", {"percent": 1, "note": "a"}),
    ("john", "POST", "/pay", None),
    ("john", "POST", "/disputes", {"reason": "a"}),
]


@pytest.mark.parametrize("asked", OTHERS)
def test_others_jobs_are_not_there(world: World, broadcasts: Broadcasts, asked: tuple[str, str, str, Any]) -> None:
    who, method, path, body = asked
    world.assigned().milestone_set.create(title="Seals")

    answer = world.everybody()[who].ask(method, f"/api/jobs/1{path}", {} if body is None else body)

    assert (answer.status_code, answer.json()) == (404, {"message": "There is nothing here."})
    assert not broadcasts.recorded


def test_nobody_releases_others_money(world: World) -> None:
    world.assigned("completed")
    world.amaka.post("/api/jobs/1/pay")

    assert world.john.post("/api/payments/1/release").status_code == 404
    assert world.chidi.post("/api/payments/1/release").status_code == 403


def test_an_application_belongs_to_its_job(world: World) -> None:
    Job.objects.create(client=world.john.user, title="Other", description="", category="", budget=1)
    world.chidi.post("/api/jobs/1/apply", {"note": "Tomorrow."})

    assert world.john.post("/api/jobs/2/applications/1/accept").status_code == 404


def test_a_job_that_one_may_not_see_is_no_subject(world: World) -> None:
    world.assigned()

    assert world.ngozi.send(world.amaka, "About that job", job_id=1).status_code == 422
    assert world.amaka.send(world.ngozi, "About that job", job_id=1).status_code == 422


@pytest.mark.parametrize("path", ["/api/jobs", "/api/jobs/1"])
def test_who_did_not_get_the_job_does_not_follow_the_work(world: World, path: str) -> None:
    world.ngozi.post("/api/jobs/1/apply", {"note": "Today."})
    job = world.assigned("in-progress")
    job.milestone_set.create(title="Seals")
    world.chidi.post("/api/jobs/1/progress", {"percent": 10, "note": "They pay badly"})

    def seen(name: str) -> tuple[int, int]:
        shown = world.everybody()[name].get(path).json()
        [shown] = shown.get("data", [shown])
        return len(shown["milestones"]), len(shown["progress_updates"])

    assert {name: seen(name) for name in ("amaka", "chidi", "tunde", "ngozi")} == {
        "amaka": (1, 1),
        "chidi": (1, 1),
        "tunde": (1, 1),
        "ngozi": (0, 0),
    }


def test_nobody_reads_or_marks_others_messages(world: World) -> None:
    world.amaka.send(world.chidi, "Between us")

    assert world.john.get("/api/conversations/1/messages").json()["data"] == []
    assert world.john.get("/api/conversations/3/messages").json()["data"] == []
    assert world.john.post("/api/conversations/1/read").json() == {"message_ids": []}
    # nor one's own, for the other
    assert world.amaka.post("/api/conversations/3/read").json() == {"message_ids": []}
    assert Message.objects.get().is_read is False


@pytest.mark.parametrize("user_id", [1, 99, 10**17])
def test_there_is_no_conversation_with_oneself_or_nobody(world: World, user_id: int) -> None:
    assert world.amaka.get(f"/api/conversations/{user_id}/messages").status_code == 404
    assert world.amaka.post("/api/messages/typing", {"recipient_id": user_id}).status_code == 404


@pytest.mark.parametrize("field", ["role", "is_staff", "is_superuser", "verification"])
def test_nobody_makes_himself_more(world: World, field: str) -> None:
    body = {"email": "amaka@mysharpjob.test", "password": PASSWORD, field: "admin"}
    for path in ("/api/login", "/api/session"):
        assert Client().post(path, body, content_type="application/json").status_code == 422
    assert User.objects.get(pk=1).role == "client"


def test_only_administrators_open_djangos_admin(world: World) -> None:
    def status(someone: Any) -> int:
        client = Client()
        client.force_login(someone.user)
        return int(client.get("/admin/artisan_jobs/job/").status_code)

    assert (status(world.tunde), status(world.amaka), status(world.chidi)) == (200, 302, 302)


def test_who_is_an_administrator_no_more_has_nothing_left_of_it(world: World) -> None:
    assert world.tunde.user.is_superuser
    world.tunde.user.role = "client"
    world.tunde.user.save()

    assert not User.objects.get(pk=world.tunde.id).is_superuser
    assert not User.objects.get(pk=world.tunde.id).is_staff


def admin_of(world: World) -> Client:
    client = Client()
    client.force_login(world.tunde.user)
    return client


def test_an_administrator_mends_a_job_that_nobody_has_yet(world: World) -> None:
    form = {"client": 1, "artisan": "", "title": "Fix the tap", "description": "It drips.", "category": "plumbing"}
    form |= {"budget": 15_000, "priority": "high", "status": "open"}

    changed = admin_of(world).post("/admin/artisan_jobs/job/1/change/", form)

    assert changed.status_code == 302
    assert Job.objects.get().title == "Fix the tap"


def test_money_moves_nowhere_but_through_the_api(world: World) -> None:
    world.assigned("completed")
    world.amaka.post("/api/jobs/1/pay")
    form = {"job": 1, "artisan": 3, "amount": 1, "escrow_status": "released"}

    assert admin_of(world).get("/admin/artisan_jobs/payment/1/change/").status_code == 200
    for path in ("payment/1/change", "payment/1/delete", "payment/add", "dispute/add"):
        assert admin_of(world).post(f"/admin/artisan_jobs/{path}/", form).status_code == 403
    # nor goes it with its job
    admin_of(world).post("/admin/artisan_jobs/job/1/delete/", {"post": "yes"})
    assert world.amaka.get("/api/payments").json()["data"][0]["escrow_status"] == "held"


@pytest.mark.parametrize("path", ["/api/people", "/api/jobs", "/api/conversations/3/messages"])
def test_words_that_no_database_takes(world: World, path: str) -> None:
    assert world.amaka.get(f"{path}?q=a%00b").status_code == 200


def test_an_administrator_takes_people_in(world: World) -> None:
    client = admin_of(world)
    who = {"email": "ada@mysharpjob.test", "name": "Ada", "role": "artisan", "usable_password": "true"}

    added = client.post("/admin/artisan_jobs/user/add/", who | {"password1": PASSWORD, "password2": PASSWORD})

    assert added.status_code == 302
    body = {"email": who["email"], "password": PASSWORD}
    assert Client().post("/api/login", body, content_type="application/json").json()["user"]["role"] == "artisan"


# -- floods, pages, other origins --------------------------------------------------------------------------------------


def test_so_many_requests_in_a_minute(world: World) -> None:
    with override_settings(API_LIMIT=FixedWindow("2/minute")):
        statuses = [world.amaka.get("/api/me").status_code for _ in range(3)]
        other = world.john.get("/api/me").status_code

    assert (statuses, other) == ([200, 200, 429], 200)


def test_so_many_subscriptions_in_a_minute(world: World) -> None:
    with override_settings(BROADCASTING_RATE_LIMIT=FixedWindow("2/minute")):
        statuses = [world.amaka.listen(f"private-job.{number}").status_code for number in (1, 2, 3)]
        other = world.john.listen("private-user.2").status_code

    assert (statuses, other) == ([200, 403, 429], 200)


@pytest.mark.parametrize("path", ["/api/me", "/broadcasting/auth"])
def test_named_origins_may_ask_with_a_token(world: World, path: str) -> None:
    def asked(origin: str) -> Any:
        headers = {
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,x-socket-id",
        }
        return Client().options(path, headers=headers)

    allowed = asked("http://localhost:5173")
    assert allowed["Access-Control-Allow-Origin"] == "http://localhost:5173"
    assert "x-socket-id" in allowed["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in allowed
    assert "Access-Control-Allow-Origin" not in asked("https://evil.example")


@pytest.mark.parametrize("path", ["/", "/admin/login/"])
def test_no_other_path_is_for_other_origins(world: World, path: str) -> None:
    answer = Client().options(path, headers={"Origin": "http://localhost:5173", "Access-Control-Request-Method": "GET"})

    assert "Access-Control-Allow-Origin" not in answer


def test_a_page_runs_its_own_scripts_alone(settings: None) -> None:
    policy = Client().get("/api/session")["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "connect-src 'self' ws://127.0.0.1:6001 wss://127.0.0.1:6001;" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy


def test_answers_are_kept_by_no_cache(world: World) -> None:
    assert world.amaka.get("/api/me")["Cache-Control"] == "no-store"
    assert world.stranger.get("/api/me")["Cache-Control"] == "no-store"


def test_a_page_without_a_service_connects_to_nothing(settings: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with Broadcaster.from_url("log://") as broadcaster:
        monkeypatch.setattr(live, "default_broadcaster", lambda: broadcaster)
        answer = Client().get("/api/session")

    assert answer.json()["echo"] is None
    assert "connect-src 'self';" in answer["Content-Security-Policy"]


def test_accounts_are_shown_in_the_demo_alone(world: World) -> None:
    assert Client().get("/api/session").json()["accounts"] == []
    with override_settings(DEMO=True):
        assert len(Client().get("/api/session").json()["accounts"]) == len(seed.ACCOUNTS)
