"""Numbers, ids, versions, links, passes and bearers that are not good: refused clearly, and nothing changes.

What belongs to somebody else is answered with the very bytes of what is not there.
"""

import re
import secrets
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from tests import seed
from tests.desk import Desk, own, paths, problem_of
from tests.engines_fixture import Database, RunningPostgres
from tests.ledger import admin_url
from wedsync.people import actions as people
from wedsync.weddings import actions as weddings

GUESTS, WEDDING = "/api/v1/weddings/{wedding}/guests", "/api/v1/weddings/{wedding}"
NUMBERS = ("99999999999999999999999999", "9223372036854775808", "2147483648", "-1", "²", "٣", "1.5", "NaN", "0x10", "")
# Each route each time, with one of twelve bad values by seed; with all of them in `make prove`.
SHARES = pytest.mark.parametrize("share", [12, pytest.param(1, marks=pytest.mark.prove)])


def some(values: tuple[str, ...], share: int, where: str) -> list[str]:
    return list(values) if share == 1 else seed.chosen(values, share, where)


@pytest_asyncio.fixture
async def admin(postgres: RunningPostgres, database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(admin_url(postgres, database))
    yield connection
    await connection.close()


@SHARES
async def test_a_number_that_is_none_in_if_match(desk: Desk, share: int) -> None:
    """Every PATCH there is; what is no version of a row is refused before anything is looked at."""
    for path in paths(desk.app, "PATCH"):
        for number in some((*NUMBERS[:-1], "abc", '"', "3;drop"), share, path):
            tag = f'"{number}"'.encode()
            problem = await desk.refused(
                "PATCH", own(desk, path), {400, 404, 412, 422}, json={}, headers={"if-match": tag}
            )
            assert problem["code"] in ("bad_if_match", "changed_meanwhile", "out_of_range", "not_found"), (path, number)


@SHARES
async def test_numbers_and_cursors_of_lists(desk: Desk, share: int) -> None:
    """Every list: a cursor or a limit that is none is refused by its name, never a failure of ours."""
    nasty = (
        *NUMBERS,
        "\x00",
        "x~\x00",
        "~",
        f"\x00~{UUID(int=0)}",
        f"a~{UUID(int=0)}~",
        "1:" + "9" * 30,
        "é",
        "x" * 3000,
    )
    document = desk.app.openapi_schema.to_schema()["paths"]
    asked = 0
    for path, item in document.items():
        for parameter in item.get("get", {}).get("parameters", []):
            if parameter["in"] != "query":
                continue
            for value in some(nasty, share, f"{path} {parameter['name']}"):
                answer = await desk.ask("GET", f"{own(desk, path)}?{parameter['name']}={quote(value)}")
                assert answer.status_code < 500, (path, parameter["name"], value, answer.text)
                if answer.status_code >= 400:
                    problem = problem_of(answer)
                    named = {error["field"] for error in problem.get("errors", [])}
                    assert named or problem["code"] in ("not_found", "invalid_character"), problem
                asked += 1
    assert asked > 100


async def test_an_id_that_is_none(desk: Desk) -> None:
    for text in ("nine", "0", "%00", "..%2f", "' or 1=1 --", "00000000-0000-0000-0000-00000000000g"):
        for method, path in (("GET", "/api/v1/guests/"), ("PATCH", "/api/v1/tasks/"), ("GET", "/api/v1/weddings/")):
            problem = await desk.refused(method, f"{path}{quote(text, safe='%')}", {404, 422}, json={})
            assert problem["code"] in ("not_found", "invalid")


FOREIGN = {
    "guest_id": "guests",
    "party_id": "parties",
    "item_id": "schedule_items",
    "task_id": "tasks",
    "line_id": "budget_lines",
    "payment_id": "budget_payments",
    "endpoint_id": "endpoints",
    "rule_id": "rules",
    "link_id": "links",
    "acknowledgement_id": "acknowledgements",
    "contact_id": "day_contacts",
    "delivery_id": "deliveries",
    "membership_id": "memberships",
    "proposal_id": "proposals",
    "photos_id": "photo_deliveries",
    "use_id": "space_uses",
    "alert_id": "alerts",
    "request_id": "form_requests",
    "link_payment_id": "payments",
}
NOBODY = str(UUID(int=9))
RULE = {"name": "A", "types": ["*"], "endpoint_id": str(UUID(int=9))}
VALID: dict[str, Any] = {
    "POST /api/v1/platform/wordings/{key}/{locale}/roll-back": {"number": 0},
    "POST /api/v1/platform/modes": {"kind": "late", "reason": "Mail is slow today.", "minutes": 5},
    "POST /api/v1/platform/openings": {"wedding_id": str(UUID(int=9)), "reason": "A leak must be found."},
    "POST /api/v1/platform/freeze/overrides": {"reason": "A leak must be closed."},
    "POST /api/v1/platform/announcements": {"kind": "incident", "title": "Slow", "says": "Mails.", "areas": ["mail"]},
    "POST /api/v1/platform/announcements/{announcement_id}/say": {"says": "It is over."},
    "POST /api/v1/platform/dead-letters/{destination_id}/replay": {"reason": "They mended it."},
    "POST /api/v1/platform/alert-silences": {"rule": "latency", "reason": "They move house."},
    "PUT /api/v1/platform/alert-rules/{rule}": {"threshold": 400.0},
    "POST /api/v1/weddings/{wedding_id}/members": {"role": "helper", "name": "Dora"},
    "PUT /api/v1/weddings/{wedding_id}/site": {"slug": "not-mine-at-all"},
    "POST /api/v1/weddings/{wedding_id}/schedule": {"title": "Cake", "on": "2027-06-05", "at_local": "12:00:00"},
    "POST /api/v1/weddings/{wedding_id}/amendments": {"title": "Rain", "reason": "It rains."},
    "POST /api/v1/weddings/{wedding_id}/schedule/{item_id}/mark": {"state": "started"},
    "POST /api/v1/weddings/{wedding_id}/arrivals": {
        "at_local": "12:00:00",
        "contact_name": "Uma",
        "contact_phone": "+44 20 7946 0018",
    },
    "POST /api/v1/weddings/{wedding_id}/arrivals/{arrival_id}/step": {"state": "on_site"},
    "POST /api/v1/weddings/{wedding_id}/weather-gates": {
        "schedule_item_id": str(UUID(int=9)),
        "plan_b": "Inside",
        "plan_b_place": "Barn",
        "latitude": 51.5,
        "longitude": -0.7,
    },
    "POST /api/v1/weddings/{wedding_id}/weather-gates/{gate_id}/decide": {"choice": "keep", "reason": "It is dry."},
    "POST /api/v1/weddings/{wedding_id}/held-changes": {"reason": "It rains.", "on": "2027-06-05"},
    "POST /api/v1/schedule/{item_id}/move": {"at_local": "12:00:00"},
    "POST /api/v1/weddings/{wedding_id}/day-contacts": {"name": "Uma"},
    "POST /api/v1/weddings/{wedding_id}/guests": {"first_name": "Ana"},
    "POST /api/v1/weddings/{wedding_id}/parties": {"name": "Ana"},
    "PUT /api/v1/guests/{guest_id}/rsvps/{item_id}": {"status": "accepted"},
    "POST /api/v1/weddings/{wedding_id}/links": {"supplier_name": "A", "email": "a@b.invalid"},
    "POST /api/v1/links/{link_id}/answer": {"supplier_id": str(UUID(int=9))},
    "POST /api/v1/weddings/{tenant}/connections": {"connector": "zapier_hook"},
    "POST /api/v1/suppliers/{tenant}/connections": {"connector": "zapier_hook"},
    "POST /api/v1/weddings/{tenant}/chats": {"connection_id": str(UUID(int=9))},
    "POST /api/v1/suppliers/{tenant}/chats": {"connection_id": str(UUID(int=9)), "wedding_id": str(UUID(int=9))},
    "PATCH /api/v1/chats/{chat_id}": {"state": "paused"},
    "PATCH /api/v1/calendars/{calendar_id}": {"direction": "import"},
    "POST /api/v1/calendar-conflicts/{conflict_id}/resolve": {"keep": "ours"},
    "PATCH /api/v1/connections/{connection_id}/marketing": {"is_on": True},
    "PUT /api/v1/connections/{connection_id}/marketing/triggers": {"triggers": []},
    "POST /api/v1/suppliers/{tenant}/clients/{client_id}/marketing-consents": {"act": "withdrawn"},
    "PATCH /api/v1/connections/{connection_id}/records": {"direction": "import"},
    "PUT /api/v1/connections/{connection_id}/records/map": {"rules": []},
    "PUT /api/v1/connections/{connection_id}/records/api": {"api": {"base_url": "https://example.com"}},
    "POST /api/v1/suppliers/{tenant}/records": {"api": {"base_url": "https://example.com"}},
    "POST /api/v1/suppliers/{tenant}/records/trial": {"api": {"base_url": "https://example.com"}},
    "POST /api/v1/connections/{connection_id}/records/map/preview": {"rules": []},
    "POST /api/v1/record-conflicts/{conflict_id}/resolve": {"keep": "ours"},
    "POST /api/v1/connections/{connection_id}/preview": {"hook_id": str(UUID(int=9))},
    "POST /api/v1/proposals/{proposal_id}/accept": {"version": 1},
    "POST /api/v1/weddings/{wedding_id}/proposals": {"subject": "weddings", "fields": {"guest_estimate": 9}},
    "POST /api/v1/suppliers/{supplier_id}/members": {"email": "a@b.invalid", "role": "member"},
    "POST /api/v1/weddings/{wedding_id}/tasks": {"title": "A"},
    "POST /api/v1/tasks/{task_id}/answer": {"answer": "accepted"},
    "PUT /api/v1/tasks/{task_id}/after": {"after_ids": []},
    "POST /api/v1/weddings/{wedding_id}/budget": {"title": "A"},
    "POST /api/v1/weddings/{wedding_id}/photos": {"kind": "gallery"},
    "POST /api/v1/photos/{photos_id}/move": {"stage": "editing"},
    "POST /api/v1/photos/{photos_id}/delay": {"promised_on": "2100-01-01", "reason": "The lab is closed."},
    "POST /api/v1/photos/{photos_id}/pause": {"reason": "The lab is closed."},
    "POST /api/v1/weddings/{wedding_id}/payments": {"kind": "deposit", "amount_minor": 5},
    "POST /api/v1/payments/{link_payment_id}/receive": {"amount_minor": 5},
    "POST /api/v1/budget-lines/{line_id}/payments": {"amount_minor": 5},
    "POST /api/v1/weddings/{wedding_id}/feeds": {},
    "POST /api/v1/suppliers/{supplier_id}/feeds": {},
    "POST /api/v1/weddings/{tenant}/endpoints": {"url": "https://example.com/"},
    "POST /api/v1/suppliers/{tenant}/endpoints": {"url": "https://example.com/"},
    "POST /api/v1/weddings/{tenant}/rules": RULE,
    "POST /api/v1/suppliers/{tenant}/rules": RULE,
    "POST /api/v1/weddings/{tenant}/rules/preview": {"types": ["*"]},
    "POST /api/v1/suppliers/{tenant}/rules/preview": {"types": ["*"]},
    "POST /api/v1/endpoints/{endpoint_id}/recover": {"since": "2026-01-01T00:00:00Z"},
    "POST /api/v1/endpoints/{endpoint_id}/test": {"type": "rsvp.replied"},
    "POST /api/v1/suppliers/{supplier_id}/resources": {"name": "Hall B"},
    "POST /api/v1/suppliers/{supplier_id}/bookings": {"on": "2027-06-05"},
    "POST /api/v1/suppliers/{supplier_id}/spaces": {"name": "Orangery", "seated_max": 80},
    "POST /api/v1/suppliers/{supplier_id}/forms": {"template": "music"},
    "POST /api/v1/weddings/{wedding_id}/forms": {"form_id": NOBODY},
    "PUT /api/v1/form-requests/{request_id}/draft": {},
    "POST /api/v1/form-requests/{request_id}/submit": {},
    "POST /api/v1/form-requests/{request_id}/reopen": {},
    "POST /api/v1/weddings/{wedding_id}/alerts": {"what": "other", "detail": "Help is needed."},
    "PUT /api/v1/weddings/{wedding_id}/duties/{person_id}": {"tier": 1},
    "POST /api/v1/alerts/{alert_id}/resolve": {},
    "POST /api/v1/alerts/{alert_id}/cancel": {},
    "POST /api/v1/weddings/{wedding_id}/space-uses": {"schedule_item_id": NOBODY, "space_id": NOBODY},
    "POST /api/v1/suppliers/{supplier_id}/clients": {"name": "Ana"},
    "POST /api/v1/suppliers/{supplier_id}/journeys": {"name": "All"},
    "POST /api/v1/links/{link_id}/enrolments": {"journey_id": NOBODY},
    "PUT /api/v1/links/{link_id}/offers": {"wanted": False},
    "PUT /api/v1/suppliers/{supplier_id}/listing": {"slug": "not-mine-at-all"},
    "POST /api/v1/suppliers/{supplier_id}/enquiries/{enquiry_id}/answer": {"message": "Yes"},
    "POST /api/v1/suppliers/{supplier_id}/invitations": {"all": True},
    "PUT /api/v1/suppliers/{supplier_id}/invitations/style": {},
    "POST /api/v1/suppliers/{supplier_id}/requests": {"couple_email": "a@b.invalid"},
}


async def test_what_is_somebody_elses_is_answered_as_what_is_not_there(desk: Desk, admin: asyncpg.Connection) -> None:
    """Every route with an id, asked with an id of the other wedding and with one that nobody has: the same bytes."""
    foreign = {"wedding_id": desk.world.other_id, "tenant": desk.world.other_id}
    foreign["supplier_id"] = desk.world.businesses["standard"]
    for name, table in FOREIGN.items():
        home = "tenant_id" if table in ("endpoints", "deliveries", "rules") else "wedding_id"
        found = await admin.fetchval(f"select id from {table} where {home} = $1 limit 1", desk.world.other_id)
        if found is not None:
            foreign[name] = found
    compared, kinds = 0, set()
    for method in ("GET", "PATCH", "PUT", "POST", "DELETE"):
        for path in paths(desk.app, method):
            names = re.findall(r"\{(\w+)\}", path)
            if not names or any(name not in foreign for name in names):
                continue
            body = None if method in ("GET", "DELETE") else VALID.get(f"{method} {path}", {})
            theirs = {name: str(foreign[name]) for name in names}
            absent = {name: str(uuid4()) for name in names}
            if path.startswith("/api/v1/suppliers/"):
                theirs["tenant"] = str(desk.world.businesses["standard"])
            before = await desk.tops()
            answers = [
                await desk.ask(method, path.format_map(ids), **({} if body is None else {"json": body}))
                for ids in (theirs, absent)
            ]
            assert [a.status_code for a in answers] == [404, 404], (method, path, [a.text for a in answers])
            assert answers[0].content == answers[1].content, (method, path)
            problem_of(answers[0])
            assert await desk.tops() == before
            compared += 1
            kinds |= set(names)
    print(f"compared {compared} routes with ids of {sorted(kinds)}")
    assert compared > 40


async def test_a_stale_version_is_told_the_current_one(desk: Desk) -> None:
    made = (await desk.ask("POST", GUESTS, json={"first_name": "Stale", "last_name": "One"})).json()["id"]
    path = f"/api/v1/guests/{made}"
    changed = await desk.ask("PATCH", path, json={"first_name": "Fresh"}, headers={"if-match": '"1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    for tag in ('"1"', "1", 'W/"1"', '"77"'):
        problem = await desk.refused("PATCH", path, 412, json={"first_name": "Late"}, headers={"if-match": tag})
        assert problem["code"] == "changed_meanwhile"
        assert problem["version"] == 2
        assert problem["current"]["first_name"] == "Fresh"


async def test_a_sign_in_link_opens_once_and_not_late(desk: Desk, admin: asyncpg.Connection) -> None:
    person = desk.world.people["stranger"]
    tokens = [secrets.token_urlsafe(32) for _ in range(2)]
    for token in tokens:
        async with desk.world.door.bare(desk.world.actor("stranger")) as tx:
            await people.request_pass(tx, desk.world.ring, person, "s@world.invalid", token, "http://test/")
    await admin.execute(
        "update sign_ins set expires_at = clock_timestamp() - interval '1 second' where token_hash = $1",
        people.digest(tokens[1]),
    )
    assert (await desk.ask("POST", f"/sign-in/{tokens[0]}", who="")).status_code == 303
    for token in (*tokens, "nonsense", "%00"):
        problem = await desk.refused("POST", f"/sign-in/{token}", 410, who="")
        assert problem["code"] == "link_used"
        assert "new one" in problem["detail"]


async def test_passes_that_are_late_withdrawn_or_made_up(desk: Desk, admin: asyncpg.Connection) -> None:
    world = desk.world
    async with world.door.enter(world.actor("couple"), world.wedding_id) as tx:
        given = {"rsvp": {"party_id": world.ids["parties"]}, "ack": {"link_id": world.links["twin"]}}
        member = await weddings.add_member(tx, world.wedding_id, role="helper", name="Late")
        given["help"] = {"membership_id": member}
        secret = world.settings.jwt_secret
        made = {p: await weddings.add_pass(tx, secret, p, world.wedding_id, **ids) for p, ids in given.items()}
    calls = {"rsvp": ("GET", "PUT"), "ack": ("GET", "POST"), "help": ("GET",)}
    for column, when in (
        ("expires_at", "clock_timestamp() - interval '1 second'"),
        ("revoked_at", "clock_timestamp()"),
    ):
        for purpose, token in made.items():
            hashed = weddings.token_hash(token)
            await admin.execute(
                "update passes set revoked_at = null, expires_at = 'infinity' where token_hash = $1", hashed
            )
            await admin.execute(f"update passes set {column} = {when} where token_hash = $1", hashed)
            for method in calls[purpose]:
                body = {"json": {"answers": []}} if method == "PUT" else {}
                await desk.refused(method, f"/{purpose}/{token}", 410, who="", **body)
    for purpose, methods in calls.items():
        for token in ("nonsense", "%00", made["rsvp"] if purpose != "rsvp" else made["help"], "x" * 5000):
            for method in methods:
                body = {"json": {"answers": []}} if method == "PUT" else {}
                await desk.refused(method, f"/{purpose}/{token}", 404, who="", **body)


async def test_bearers_that_are_none(desk: Desk) -> None:
    for header in (
        "Bearer",
        "Bearer ",
        "Bearer x.y.z",
        "Bearer wsk_nonsense",
        "Basic YTpi",
        "Bearer \u00e9",
        f"Bearer {'a' * 9000}",
    ):
        problem = await desk.refused("GET", WEDDING, 401, who="", headers={"authorization": header.encode("latin-1")})
        assert problem["code"] == "bad_token"
    assert (await desk.refused("GET", WEDDING, 401, who=""))["code"] == "sign_in_required"
