"""`Idempotency-Key`: whatever goes wrong between asking and hearing, a change is made at most once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio

from tests.desk import Desk, own, paths, problem_of
from tests.engines_fixture import Database, RunningPostgres
from tests.eventually import eventually
from tests.ledger import admin_url
from wedsync.kit import failpoints
from wedsync.kit.config import Settings
from wedsync.processes import forgetting

TASKS = "/api/v1/weddings/{wedding}/tasks"
ENDPOINTS = "/api/v1/weddings/{wedding}/endpoints"
COMMITS = {"look": 1, "change": 2, "keep": 3}
"""The transactions of a request with a key, in order, where the handler has one."""
WAITS = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')"


@pytest_asyncio.fixture
async def admin(postgres: RunningPostgres, database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(admin_url(postgres, database))
    yield connection
    await connection.close()


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoints.arm("")


def keyed(key: str | None = None) -> dict[str, str]:
    return {"idempotency-key": key or str(uuid4())}


async def titled(desk: Desk, title: str) -> int:
    listed = (await desk.ask("GET", f"{TASKS}?limit=500")).json()["items"]
    return sum(task["title"] == title for task in listed)


async def test_a_repeat_gets_the_first_answer_and_nothing_is_done_again(desk: Desk) -> None:
    headers = keyed()
    first = await desk.ask("POST", TASKS, json={"title": "Order the cake"}, headers=headers)
    again = await desk.ask("POST", TASKS, json={"title": "Order the cake"}, headers=headers)
    assert (first.status_code, "idempotent-replayed" in first.headers) == (201, False)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert again.content == first.content
    assert "ratelimit-policy" in again.headers
    for header in ("etag", "content-type", "x-content-type-options"):
        assert again.headers[header] == first.headers[header]
    assert await titled(desk, "Order the cake") == 1


async def test_another_body_or_query_under_the_same_key_is_refused(desk: Desk) -> None:
    headers = keyed()
    await desk.ask("POST", TASKS, json={"title": "Order flowers"}, headers=headers)
    for path, title in ((TASKS, "Order more flowers"), (f"{TASKS}?x=1", "Order flowers")):
        problem = await desk.refused("POST", path, 422, json={"title": title}, headers=headers)
        assert problem["code"] == "idempotency_key_reused"


async def test_a_form_sent_again_has_another_boundary_and_is_the_same(desk: Desk) -> None:
    headers, path = keyed(), "/api/v1/weddings/{wedding}/guests/import"
    list_of_guests = {"file": ("guests.csv", b"Name\nAda Repeated\n", "text/csv")}
    first = await desk.ask("POST", path, files=list_of_guests, headers=headers)
    again = await desk.ask("POST", path, files=list_of_guests, headers=headers)
    assert first.status_code == 202, first.text
    assert first.request.headers["content-type"] != again.request.headers["content-type"]
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")


@pytest.mark.parametrize("key", [b"", b" ", b"two words", "clé".encode(), b"x" * 201])
async def test_a_key_that_is_none_says_what_to_do(desk: Desk, key: bytes) -> None:
    headers: dict[str, Any] = {"idempotency-key": key}
    problem = await desk.refused("POST", TASKS, 400, json={"title": "Never"}, headers=headers)
    assert problem["code"] == "bad_idempotency_key"
    assert problem["errors"][0]["fix"]


async def test_a_secret_shown_once_is_shown_again_and_lies_sealed(desk: Desk, admin: asyncpg.Connection) -> None:
    headers, body = keyed(), {"url": "https://example.com/hook", "events": ["rsvp.*"]}
    first = await desk.ask("POST", ENDPOINTS, json=body, headers=headers)
    again = await desk.ask("POST", ENDPOINTS, json=body, headers=headers)
    assert first.status_code == 201, first.text
    assert again.json()["secret"] == first.json()["secret"]
    kept = await admin.fetch(
        "select request, answer from kept_answers where person_id = $1", desk.world.people["couple"]
    )
    secret = first.json()["secret"].encode()
    assert kept
    assert not any(secret in row["answer"] or b"example.com" in row["answer"] for row in kept)


async def test_two_at_once_are_done_once(desk: Desk) -> None:
    headers, body = keyed(), {"title": "Book the band"}
    answers = await asyncio.gather(*(desk.ask("POST", TASKS, json=body, headers=headers) for _ in range(6)))
    made = [answer for answer in answers if answer.status_code == 201]
    refused = [answer for answer in answers if answer.status_code == 409]
    assert len(made) + len(refused) == 6
    assert len({answer.content for answer in made}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in made) == 1
    for answer in refused:
        assert problem_of(answer)["code"] in ("request_under_way", "answer_lost")
        assert answer.headers["retry-after"]
    assert await titled(desk, "Book the band") == 1


async def test_while_the_first_is_under_way_a_second_is_told_to_wait(desk: Desk, admin: asyncpg.Connection) -> None:
    headers, body = keyed(), {"title": "Write the vows"}
    async with admin.transaction():
        # The first stands still where it records, at the lock of the wedding's stream.
        await admin.fetchval("select id from streams where id = $1 for update", desk.world.wedding_id)
        first = asyncio.create_task(desk.ask("POST", TASKS, json=body, headers=headers))
        await eventually(lambda: admin.fetchval(WAITS), what="the first waits for the stream")
        second = await desk.ask("POST", TASKS, json=body, headers=headers)
        assert second.headers["retry-after"] == "1"
        assert problem_of(second)["code"] == "request_under_way"
    assert (await first).status_code == 201
    assert (await desk.ask("POST", TASKS, json=body, headers=headers)).headers["idempotent-replayed"] == "true"


async def test_a_refused_request_frees_its_key(desk: Desk) -> None:
    headers = keyed()
    await desk.refused("POST", TASKS, 422, json={"title": ""}, headers=headers)
    await desk.refused("POST", TASKS, {403, 404}, who="stranger", json={"title": "x"}, headers=headers)
    assert (await desk.ask("POST", TASKS, json={"title": "Now right"}, headers=headers)).status_code == 201


async def test_a_crash_before_the_commit_leaves_nothing_and_the_key_free(desk: Desk) -> None:
    headers, body = keyed(), {"title": "Try the dress"}
    await desk.ask("GET", "/api/v1/me")
    failpoints.arm("before_commit=raise")
    assert (await desk.ask("POST", TASKS, json=body, headers=headers)).status_code == 500
    assert await titled(desk, "Try the dress") == 0
    assert (await desk.ask("POST", TASKS, json=body, headers=headers)).status_code == 201
    assert await titled(desk, "Try the dress") == 1


async def test_a_crash_between_the_commit_and_the_answer_never_does_it_twice(desk: Desk) -> None:
    headers, body = keyed(), {"title": "Pay the band"}
    await desk.ask("GET", "/api/v1/me")
    failpoints.arm(f"after_commit=raise@{COMMITS['change']}")
    assert (await desk.ask("POST", TASKS, json=body, headers=headers)).status_code == 500
    for _ in range(2):
        again = await desk.ask("POST", TASKS, json=body, headers=headers)
        problem = problem_of(again)
        assert (problem["status"], problem["code"]) == (409, "answer_lost")
        assert problem["read"] == TASKS.format(wedding=desk.world.wedding_id)
        assert again.headers["retry-after"]
    await desk.refused("POST", TASKS, 422, json={"title": "Other"}, headers=headers)
    assert await titled(desk, "Pay the band") == 1


async def test_other_callers_and_other_addresses_have_keys_of_their_own(desk: Desk) -> None:
    headers, body = keyed(), {"title": "Sing a song"}
    made = {
        (await desk.ask("POST", TASKS, who=who, json=body, headers=headers)).json()["id"]
        for who in ("couple", "partner")
    }
    for name in ("one", "two"):
        key = (await desk.ask("POST", "/api/v1/api-keys", json={"name": name})).json()["secret"]
        answer = await desk.ask("POST", TASKS, who="", json=body, headers={**headers, "authorization": f"Bearer {key}"})
        made.add(answer.json()["id"])
    assert len(made) == 4
    assert await titled(desk, "Sing a song") == 4
    for task in list(made)[:2]:
        answer = await desk.ask("POST", f"/api/v1/tasks/{task}/done", headers=headers)
        assert (answer.status_code, "idempotent-replayed" in answer.headers) == (200, False)


async def test_a_key_is_forgotten_after_a_day(
    desk: Desk, admin: asyncpg.Connection, settings: Settings, database: Database
) -> None:
    headers, body = keyed(), {"title": "Dance"}
    first = await desk.ask("POST", TASKS, json=body, headers=headers)
    age = "update kept_answers set claimed_at = claimed_at - interval '25 hours'"
    await admin.execute(age)
    second = await desk.ask("POST", TASKS, json=body, headers=headers)
    assert second.json()["id"] != first.json()["id"]
    assert (await desk.ask("POST", TASKS, json=body, headers=headers)).content == second.content
    await admin.execute(age)
    connection = await asyncpg.connect(settings.door("service"))
    await forgetting.forget_answers(connection)
    await connection.close()
    assert await admin.fetchval("select count(*) from kept_answers") == 0


async def test_what_changes_nothing_is_answered_again_too(desk: Desk) -> None:
    headers = keyed()
    task = (await desk.ask("POST", TASKS, json={"title": "Done already"})).json()
    path = f"/api/v1/tasks/{task['id']}/done"
    await desk.ask("POST", path)
    first = await desk.ask("POST", path, headers=headers)
    await desk.ask("POST", f"/api/v1/tasks/{task['id']}/reopen")
    again = await desk.ask("POST", path, headers=headers)
    assert (again.content, again.headers.get("idempotent-replayed")) == (first.content, "true")
    assert (await desk.ask("GET", f"/api/v1/tasks/{task['id']}")).json()["status"] != "done"


async def test_the_door_of_the_application_reads_no_kept_answer(desk: Desk) -> None:
    await desk.ask("POST", TASKS, json={"title": "Read me"}, headers=keyed())
    pool = desk.world.door.pool
    for statement in ("select * from kept_answers", "delete from kept_answers", "select app.forget_answers()"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.fetch(statement)


async def test_every_post_takes_a_key(desk: Desk) -> None:
    """No handler opens its transactions in a way that the key could stand in the way of."""
    for path in paths(desk.app, "POST"):
        headers = keyed()
        answers: list[httpx.Response] = [
            await desk.ask("POST", own(desk, path), json={}, headers=headers) for _ in range(2)
        ]
        assert [answer.status_code < 500 for answer in answers] == [True, True], path
        if answers[0].is_success and path.startswith("/api/v1/"):
            assert answers[1].headers["idempotent-replayed"] == "true", path


async def test_the_key_is_described_at_every_post(desk: Desk) -> None:
    document = desk.app.openapi_schema.to_schema()
    assert "IdempotencyKey" in document["components"]["parameters"]
    for path, item in document["paths"].items():
        for method, operation in item.items():
            names = [parameter.get("$ref", "") for parameter in operation.get("parameters", [])]
            is_described = "#/components/parameters/IdempotencyKey" in names
            assert is_described == (method == "post" and path.startswith("/api/v1/")), (method, path)
