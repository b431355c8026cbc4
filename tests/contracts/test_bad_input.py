"""Bodies that are wrong get a clear problem document that names the field and what to do, and change nothing.

Everything is asked of the real web application; the logs of both weddings are read before and after each refusal.
"""

import json
import secrets
from typing import Any
from uuid import uuid4

import pytest

from tests.desk import Desk, problem_of

MIB = 1024 * 1024
# What a person may paste into a name, and what must come back as it was or without its control characters.
NAMES = ("👩🏽‍🚀 Zoë", "עדי בן־דוד", "محمد", "Łukasz O’Neil-Đorđević", "名前", "e\u0301", "x" * 300)
CONTROLS = "a\u0000b\u0007c\u202ed\ud7ff\ufffee"


UNREADABLE = {
    "cut off": b'{"first_name": "A',
    "nothing": b"",
    "not text": b"\xff\xfe\x00{",
    "not JSON": b"first_name=Ana",
    "NaN": b'{"first_name": NaN}',
    "half a surrogate": b'{"first_name": "\\ud800"}',
    "a bottomless list": b"[" * 100_000,
    "a bottomless field": b'{"first_name": ' + b"[" * 100_000,
}


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/v1/weddings/{wedding}/guests"), ("PATCH", "/api/v1/guests/{guests}"), ("POST", "/auth/sign-in")],
)
async def test_a_body_that_is_not_json(desk: Desk, method: str, path: str, name: str) -> None:
    problem = await desk.refused(method, path, {400, 422}, content=UNREADABLE[name])
    assert problem["code"] in ("malformed", "invalid")


GUESTS, GUEST, PARTIES = (
    "/api/v1/weddings/{wedding}/guests",
    "/api/v1/guests/{guests}",
    "/api/v1/weddings/{wedding}/parties",
)
SCHEDULE, ITEM = "/api/v1/weddings/{wedding}/schedule", "/api/v1/schedule/{schedule_items}"
BUDGET, LINE = "/api/v1/weddings/{wedding}/budget", "/api/v1/budget-lines/{budget_lines}"
TASKS, WEDDING = "/api/v1/weddings/{wedding}/tasks", "/api/v1/weddings/{wedding}"
REPLY = "/api/v1/guests/{guests}/rsvps/{schedule_items}"
WRONG: list[tuple[str, str, Any, str]] = [
    ("POST", GUESTS, {"first_name": 5}, "first_name"),
    ("POST", GUESTS, {"first_name": None}, "first_name"),
    ("POST", GUESTS, {"first_name": "A", "age_band": "old"}, "age_band"),
    ("POST", GUESTS, {"first_name": "A", "surname": "B"}, "surname"),
    ("POST", GUESTS, {"first_name": "A", "party_id": "nine"}, "party_id"),
    ("POST", GUESTS, {"first_name": "A", "schedule_item_ids": {}}, "schedule_item_ids"),
    ("POST", GUESTS, {"first_name": "A", "needs": {"allergens": [{"key": "gold"}]}}, "needs.allergens[0].key"),
    ("POST", GUESTS, {"first_name": "x" * 301}, "first_name"),
    ("POST", GUESTS, {"first_name": " \u200b\u0000 ", "last_name": ""}, "display_name"),
    ("POST", GUESTS, [], "body"),
    ("POST", GUESTS, None, "body"),
    ("PATCH", GUEST, {"last_name": "x" * 301}, "last_name"),
    ("PATCH", GUEST, {"first_name": "", "last_name": "", "display_name": " "}, "display_name"),
    ("PATCH", GUEST, {"version": 3}, "version"),
    ("PUT", GUEST + "/contact", {"email": "x" * 321}, "email"),
    ("PUT", GUEST + "/needs", {"note": 1}, "note"),
    ("PUT", GUEST + "/needs", {"diets": ["stones"]}, "diets[0]"),
    ("PUT", REPLY, {"status": "maybe"}, "status"),
    ("PUT", REPLY, {}, "status"),
    ("PUT", REPLY, {"status": "accepted", "menu_option_id": str(uuid4())}, "menu_option_id"),
    ("POST", PARTIES, {"name": ""}, "name"),
    ("POST", PARTIES, {"name": "x" * 301}, "name"),
    ("POST", PARTIES, {"name": "A", "plus_ones_allowed": 10**30}, "plus_ones_allowed"),
    ("POST", PARTIES, {"name": "A", "guests": [{"first_name": "B"}] * 51}, "guests"),
    ("POST", PARTIES, {"name": "A", "tags": "one"}, "tags"),
    ("PATCH", WEDDING, {"on": "2027-02-30"}, "on"),
    ("PATCH", WEDDING, {"guest_estimate": "many"}, "guest_estimate"),
    ("PATCH", WEDDING, {"guest_estimate": 10**12}, "guest_estimate"),
    ("PATCH", WEDDING, {"time_zone": "Europe/Atlantis"}, "time_zone"),
    ("PATCH", WEDDING, {"couple_names": "x" * 1001}, "couple_names"),
    ("POST", SCHEDULE, {"title": "Cake", "at_local": "25:99"}, "at_local"),
    ("POST", SCHEDULE, {"title": "x" * 301}, "title"),
    ("PATCH", ITEM, {"minutes": -5}, "minutes"),
    ("PATCH", ITEM, {"minutes": 10**20}, "minutes"),
    ("POST", TASKS, {"title": 7}, "title"),
    ("POST", TASKS, {"title": "A", "due_on": "tomorrow"}, "due_on"),
    ("POST", TASKS, {"title": "A", "due_days_before": 10**18}, "due_days_before"),
    ("POST", BUDGET, {"title": "A", "estimate_minor": 1.5}, "estimate_minor"),
    ("POST", BUDGET, {"title": "A", "estimate_minor": 10**18}, "estimate_minor"),
    ("POST", BUDGET, {"title": "A", "estimate_minor": 10**40}, "estimate_minor"),
    ("PATCH", LINE, {"agreed_minor": -1}, "agreed_minor"),
    ("PUT", WEDDING + "/site", {"slug": "Not a slug"}, "slug"),
    ("POST", WEDDING + "/members", {"role": "guest"}, "role"),
    ("POST", WEDDING + "/members", {"role": "partner"}, "email"),
    (
        "POST",
        WEDDING + "/links",
        {"supplier_name": "A", "email": "a@b.invalid", "can_view_budget": True},
        "can_view_budget",
    ),
    ("POST", WEDDING + "/endpoints", {"url": "not a url"}, "url"),
    ("POST", WEDDING + "/endpoints", {"url": "https://example.com", "events": ["no such thing!"]}, "events"),
    ("POST", "/auth/sign-in", {"email": 1}, "email"),
]


@pytest.mark.parametrize(("method", "path", "body", "field"), WRONG)
async def test_a_wrong_value_is_refused_by_its_name(desk: Desk, method: str, path: str, body: Any, field: str) -> None:
    problem = await desk.refused(method, path, {400, 422}, json=json.dumps(body))
    named = {error["field"] for error in problem.get("errors", [])}
    assert field in named or any(f.startswith(field) for f in named), problem
    assert all(error["reason"] for error in problem["errors"])


async def test_a_budget_flag_is_refused_for_a_link(desk: Desk) -> None:
    path = f"/api/v1/links/{desk.world.links['full']}"
    problem = await desk.refused("PATCH", path, 422, json={"can_view_budget": True})
    assert problem["errors"][0]["field"] == "can_view_budget"


async def test_a_body_of_a_mebibyte_and_one_byte(desk: Desk) -> None:
    body = json.dumps({"first_name": "A"}).encode()
    for path in (GUESTS, "/auth/sign-in", "/rsvp/nonsense"):
        method = "PUT" if path.startswith("/rsvp") else "POST"
        problem = await desk.refused(method, path, 413, content=body.ljust(MIB + 1))
        assert problem["code"] == "too_large"
        assert "1 MiB" in problem["detail"]
    made = await desk.ask("POST", GUESTS, content=body.ljust(MIB))
    assert made.status_code == 201


@pytest.mark.parametrize("name", NAMES)
async def test_names_of_people_come_back_as_they_were(desk: Desk, name: str) -> None:
    made = await desk.ask("POST", GUESTS, json={"first_name": name})
    assert made.status_code == 201
    assert (await desk.ask("GET", f"/api/v1/guests/{made.json()['id']}")).json()["first_name"] == name


TEXTS: list[tuple[str, str, dict[str, Any], str]] = [
    ("POST", GUESTS, {"first_name": CONTROLS}, "guest"),
    (
        "POST",
        GUESTS,
        {"first_name": "A", "role": CONTROLS, "contact": {"address": CONTROLS}, "needs": {"note": CONTROLS}},
        "",
    ),
    ("PATCH", GUEST, {"table_label": CONTROLS, "role": CONTROLS}, ""),
    ("POST", PARTIES, {"name": CONTROLS, "tags": [CONTROLS], "guests": [{"last_name": CONTROLS}]}, ""),
    ("PATCH", "/api/v1/parties/{parties}", {"name": CONTROLS, "tags": [CONTROLS]}, ""),
    ("PUT", GUEST + "/needs", {"note": CONTROLS}, ""),
    ("PATCH", WEDDING, {"ceremony_venue": CONTROLS}, ""),
    ("PATCH", WEDDING, {"couple_names": CONTROLS}, ""),
    ("POST", "/api/v1/weddings", {"couple_names": CONTROLS}, ""),
    ("POST", "/api/v1/suppliers", {"name": CONTROLS, "category": "other"}, ""),
    ("POST", SCHEDULE, {"title": CONTROLS, "place": CONTROLS, "on": "2027-06-05", "at_local": "12:00:00"}, ""),
    ("PATCH", ITEM, {"title": CONTROLS, "notes": CONTROLS}, ""),
    ("POST", WEDDING + "/day-contacts", {"name": CONTROLS, "what": CONTROLS, "phone": CONTROLS}, ""),
    ("POST", TASKS, {"title": CONTROLS, "note": CONTROLS}, ""),
    ("PATCH", "/api/v1/tasks/{task_shared}", {"title": CONTROLS}, ""),
    ("POST", BUDGET, {"title": CONTROLS, "note": CONTROLS}, ""),
    ("PATCH", LINE, {"title": CONTROLS}, ""),
    ("POST", LINE + "/payments", {"amount_minor": 5, "note": CONTROLS}, ""),
    ("PUT", WEDDING + "/site", {"slug": "controls-here", "welcome": CONTROLS}, ""),
    ("POST", WEDDING + "/members", {"role": "helper", "name": CONTROLS}, ""),
    ("POST", WEDDING + "/links", {"supplier_name": CONTROLS, "email": f"{secrets.token_hex(4)}@b.invalid"}, ""),
    ("POST", WEDDING + "/endpoints", {"url": "https://example.com/x", "description": CONTROLS}, ""),
    ("POST", "/api/v1/api-keys", {"name": CONTROLS}, ""),
    ("POST", "/auth/sign-in", {"email": f"a{CONTROLS}@b.invalid"}, ""),
]


@pytest.mark.parametrize(("method", "path", "body", "_what"), TEXTS)
async def test_control_characters_are_taken_out_or_refused(
    desk: Desk, method: str, path: str, body: dict[str, Any], _what: str
) -> None:
    answer = await desk.ask(method, path, json=json.dumps(body))
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        problem_of(answer)
    else:
        assert "\x00" not in answer.text
        assert "\\u0000" not in answer.text
