"""Connecting accounts: by consent and by a form, once each, by whom it is allowed, and nothing secret anywhere."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from tests.contracts.account_house import CARLA, DARIO, PASSWORD, House, housed, query_of
from tests.contracts.town import Linked, Somebody
from tests.engines_fixture import Database, RunningPostgres
from wedsync.connections.calendars.kept import Named, Seals, Watched
from wedsync.connections.contract import Connection
from wedsync.kit import clock
from wedsync.kit.config import Settings


@pytest_asyncio.fixture(scope="module")
async def house(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[House]:
    async with housed(database, postgres, settings) as made:
        yield made


@pytest_asyncio.fixture
async def business(house: House) -> AsyncIterator[Linked]:
    yield await house.supplier()
    house.acme.status = 0
    house.acme.consent.moods.switch("fine")


async def colleague(house: House, business: Linked, role: str) -> Somebody:
    """Somebody else of the business."""
    one = await house.person(role)
    said = {"email": one.email, "role": role, "name": role}
    await business.owner.got("POST", f"/api/v1/suppliers/{business.supplier}/members", said, code=201)
    return one


async def test_an_account_is_connected_by_consent(house: House, business: Linked) -> None:
    begun = await house.begun(business.owner, business.supplier)
    asked = query_of(begun["authorize_url"])
    assert asked["redirect_uri"] == f"{house.settings.public_url}/connections/acme_calendar/consent"
    assert (asked["code_challenge_method"], asked["access_type"], len(asked["state"])) == ("S256", "offline", 43)
    assert begun["connection"]["state"] == "draft"
    back = await house.answered(begun["authorize_url"])
    page = await business.owner.ask("GET", back, accept="text/html")
    id = begun["connection"]["id"]
    assert (page.status_code, page.headers["location"]) == (303, f"/studio/{business.supplier}/accounts/{id}")
    health = await business.owner.got("GET", f"/api/v1/connections/{id}/health")
    assert (health["state"], health["what"], health["failures"]) == ("active", "connect", 0)
    types = [e.type for e in await house.events(business.supplier, kind="supplier")]
    assert types[-2:] == ["connection.added", "connection.connected"]
    opened = await house.desk.accounts.open(UUID(id), UUID(business.supplier))
    assert sorted(getattr(opened, "secrets", {})) == ["access_token", "secret"]


async def test_a_consent_is_used_once_by_the_session_that_began_it(house: House, business: Linked) -> None:
    begun = await house.begun(business.owner, business.supplier)
    back = await house.answered(begun["authorize_url"])
    for who in (await house.person("thief"), await colleague(house, business, "admin")):
        assert (await who.ask("GET", back)).status_code == 410
    assert (await business.owner.ask("GET", back.replace("acme_calendar", "vault"))).status_code == 410
    begun = await house.begun(business.owner, business.supplier)
    back = await house.answered(begun["authorize_url"])
    assert (await business.owner.ask("GET", back)).status_code == 303
    assert (await business.owner.ask("GET", back)).status_code == 410


async def test_a_consent_ends_after_ten_minutes(house: House, business: Linked) -> None:
    begun = await house.begun(business.owner, business.supplier)
    until, made = await house.admin.fetchrow(
        "select expires_at, clock_timestamp() from connection_consents where connection_id = $1",
        UUID(begun["connection"]["id"]),
    )
    assert 590 < (until - made).total_seconds() <= 600
    back = await house.answered(begun["authorize_url"])
    await house.admin.execute(
        "update connection_consents set expires_at = clock_timestamp() where connection_id = $1",
        UUID(begun["connection"]["id"]),
    )
    assert (await business.owner.ask("GET", back)).status_code == 410


async def test_no_is_taken_for_an_answer_and_half_a_yes_too(house: House, business: Linked) -> None:
    begun = await house.begun(business.owner, business.supplier)
    back = await house.answered(begun["authorize_url"], "deny")
    refused = await business.owner.ask("GET", back)
    assert (refused.status_code, refused.json()["code"]) == (422, "consent_denied")
    again = await house.begun(business.owner, business.supplier)
    assert again["connection"]["id"] == begun["connection"]["id"]
    house.acme.consent.moods.switch("fewer scopes", 1)
    back = await house.answered(again["authorize_url"])
    refused = await business.owner.ask("GET", back)
    assert (refused.status_code, refused.json()["code"]) == (422, "scopes_missing")
    assert await house.state(UUID(begun["connection"]["id"])) == "draft"


async def test_an_account_is_connected_once_and_again_only_as_itself(house: House, business: Linked) -> None:
    id = await house.connected(business)
    begun = await house.begun(business.owner, business.supplier)
    twice = await business.owner.ask("GET", await house.answered(begun["authorize_url"]))
    assert (twice.status_code, twice.json()["code"]) == (409, "already_connected")
    other = await house.connected(business, DARIO)
    assert other != id
    sealed = await house.admin.fetchval("select sealed from connections where id = $1", id)
    again = await business.owner.got("POST", f"/api/v1/connections/{id}/reconnect", {})
    wrong = await business.owner.ask("GET", await house.answered(again["authorize_url"], DARIO))
    assert (wrong.status_code, wrong.json()["code"]) == (409, "another_account")
    again = await business.owner.got("POST", f"/api/v1/connections/{id}/reconnect", {})
    await business.owner.see(await house.answered(again["authorize_url"], CARLA), code=303)
    assert await house.state(id) == "active"
    hooks = [
        house.ring.open(s, tenant=business.supplier, table="connections", column="sealed", row=id)
        for s in (sealed, await house.admin.fetchval("select sealed from connections where id = $1", id))
    ]
    assert hooks[0] == hooks[1]


async def test_a_form_is_tried_before_it_is_kept(house: House, business: Linked) -> None:
    path = f"/api/v1/suppliers/{business.supplier}/connections/vault"
    given = {"username": "frank", "password": PASSWORD, "address": f"{house.at}/vault", "title": "Our server"}
    missing = await business.owner.ask("POST", path, {"username": "frank"})
    assert {e["field"] for e in missing.json()["errors"]} == {"password", "address"}
    wrong = await business.owner.ask("POST", path, given | {"password": "not-the-word-there"})
    assert wrong.status_code == 422
    assert "not-the-word-there" not in wrong.text
    for address in ("http://169.254.169.254/", "file:///etc/passwd", "http://10.1.2.3/vault"):
        assert (await business.owner.ask("POST", path, given | {"address": address})).status_code == 422
    house.acme.status = 503
    away = await business.owner.ask("POST", path, given)
    assert (away.status_code, away.headers["retry-after"]) == (503, "60")
    house.acme.status = 0
    made = await business.owner.got("POST", path, given, code=201)
    assert (made["connection"]["state"], made["connection"]["title"]) == ("active", "Our server")
    assert (await business.owner.ask("POST", path, given)).json()["code"] == "already_connected"
    id = made["connection"]["id"]
    again = await business.owner.got("POST", f"/api/v1/connections/{id}/reconnect", given)
    assert again["connection"]["id"] == id


async def test_what_is_not_configured_says_so(house: House, business: Linked) -> None:
    offers = await business.owner.got("GET", f"/api/v1/suppliers/{business.supplier}/connectors")
    assert [(o["name"], o["is_configured"]) for o in offers["items"]] == [("acme_calendar", True), ("vault", True)]
    environ = house.settings.connector_environ
    kept = dict(environ)
    environ.pop("WEDSYNC_ACME_CALENDAR_CLIENT_ID")  # type: ignore[attr-defined]
    try:
        offers = await business.owner.got("GET", f"/api/v1/suppliers/{business.supplier}/connectors")
        assert offers["items"][0]["missing"] == ["WEDSYNC_ACME_CALENDAR_CLIENT_ID"]
        path = f"/api/v1/suppliers/{business.supplier}/connections/acme_calendar"
        refused = await business.owner.ask("POST", path, {})
        assert (refused.status_code, refused.json()["code"]) == (409, "not_configured")
    finally:
        environ.update(kept)  # type: ignore[attr-defined]


async def test_members_see_the_health_admins_connect_owners_disconnect(house: House, business: Linked) -> None:
    id = await house.connected(business)
    member, admin = await colleague(house, business, "member"), await colleague(house, business, "admin")
    one = f"/api/v1/connections/{id}"
    assert (await member.got("GET", f"{one}/health"))["state"] == "active"
    assert [
        c["id"] for c in (await member.got("GET", f"/api/v1/suppliers/{business.supplier}/connections"))["items"]
    ] == [str(id)]
    assert (await member.got("GET", f"{one}/log"))["items"] == []
    for who, verbs in (
        (member, ("pause", "resume", "check", "reconnect", "disconnect", "reveal")),
        (admin, ("disconnect", "reveal")),
    ):
        for verb in verbs:
            assert (await who.ask("POST", f"{one}/{verb}", {} if verb == "reconnect" else None)).status_code == 403, (
                verb
            )
    begin = f"/api/v1/suppliers/{business.supplier}/connections/acme_calendar"
    assert (await member.ask("POST", begin, {})).status_code == 403
    assert (await admin.got("POST", f"{one}/pause"))["state"] == "paused"
    assert (await admin.got("POST", f"{one}/resume"))["state"] == "active"
    assert (await business.owner.got("POST", f"{one}/reveal"))["account"] == CARLA
    stranger = await house.person("stranger")
    assert (await stranger.ask("GET", f"{one}/health")).status_code == 404
    log = (await admin.got("GET", f"{one}/log"))["items"]
    assert [line["what"] for line in log] == ["reveal", "check", "resume", "pause", "connect"]


async def test_disconnecting_revokes_there_and_wipes_here(house: House, business: Linked) -> None:
    id = await house.connected(business)
    opened = await house.desk.accounts.open(id, UUID(business.supplier))
    (token,) = opened.secrets["access_token"]  # type: ignore[union-attr]
    assert house.acme.consent.grants.by_access(token) is not None
    assert await business.owner.got("POST", f"/api/v1/connections/{id}/disconnect") == {"is_revoked": True}
    assert house.acme.consent.grants.by_access(token) is None
    row = await house.admin.fetchrow("select * from connection_accounts where connection_id = $1", id)
    assert (row["credentials_sealed"], row["expires_at"], row["refreshed_at"]) == (None, None, None)
    assert (await business.owner.ask("POST", f"/api/v1/connections/{id}/disconnect")).status_code == 409
    assert type(await house.desk.accounts.open(id, UUID(business.supplier))).__name__ == "ReconnectNeeded"
    await house.connected(business)
    begun = await business.owner.got("POST", f"/api/v1/connections/{id}/reconnect", {})
    taken = await business.owner.ask("GET", await house.answered(begun["authorize_url"]))
    assert taken.json()["code"] == "already_connected"
    assert (await business.owner.ask("DELETE", f"/api/v1/connections/{id}")).status_code == 204
    assert (
        await house.admin.fetchval("select account_sealed from connection_accounts where connection_id = $1", id)
        is None
    )
    assert (await business.owner.ask("GET", f"/api/v1/connections/{id}/health")).status_code == 404


async def test_what_is_watched_there_is_ended_before_our_access_is_given_back(house: House, business: Linked) -> None:
    id, tenant, calendar = await house.connected(business), UUID(business.supplier), uuid4()
    seals, until = Seals(house.ring, tenant), clock.machine_now() + timedelta(days=2)
    named = seals.seal(Named(id="weddings@acme.example", title="Weddings"), table="calendars", row=calendar)
    watch = Watched(id="channel-7", until=until)
    await house.admin.execute(
        """insert into calendars (id, tenant_id, connection_id, remote_key, sealed, direction)
        values ($1, $2, $3, '', $4, 'import')""",
        *(calendar, tenant, id, named),
    )
    await house.admin.execute(
        """insert into calendar_progress (calendar_id, tenant_id, watch_sealed, watch_until, watch_again_at)
        values ($1, $2, $3, $4, $4)""",
        *(calendar, tenant, seals.seal(watch, table="calendar_progress", row=calendar, column="watch_sealed"), until),
    )
    assert await business.owner.got("POST", f"/api/v1/connections/{id}/disconnect") == {"is_revoked": True}
    assert house.acme.ended == [("channel-7", "weddings@acme.example")]
    await house.react(business.supplier)
    left = "select watch_sealed, watch_until, watch_again_at from calendar_progress where calendar_id = $1"
    assert set((await house.admin.fetchrow(left, calendar)).values()) == {None}


@pytest.mark.parametrize("verb", ["check", "pause", "resume", "disconnect", "reveal", "reconnect"])
async def test_a_source_of_hooks_is_no_account(house: House, business: Linked, verb: str) -> None:
    new = {"connector": "zapier_hook", "title": "Our form"}
    made = await business.owner.got("POST", f"/api/v1/suppliers/{business.supplier}/connections", new, code=201)
    answer = await business.owner.ask(
        "POST", f"/api/v1/connections/{made['id']}/{verb}", {} if verb == "reconnect" else None
    )
    assert answer.status_code == 404


async def test_a_provider_may_tell_of_every_change_of_a_busy_minute(house: House, business: Linked) -> None:
    id = await house.connected(business)
    opened = await house.desk.accounts.open(id, UUID(business.supplier))
    assert isinstance(opened, Connection)
    said = {"x_goog_channel_token": opened.secrets["secret"][0], "x_goog_channel_id": "c", "x_goog_resource_id": "r"}
    path = f"/hooks/acme_calendar/{id}"
    told = [await house.public.ask("POST", path, x_goog_message_number=str(n), **said) for n in range(30)]
    assert [answer.status_code for answer in told] == [202] * 30


async def test_the_couple_connects_too(house: House) -> None:
    ana = await house.person()
    wedding = await house.wedding(ana)
    begun = await ana.got("POST", f"/api/v1/weddings/{wedding}/connections/acme_calendar", {}, code=201)
    back = await ana.ask("GET", await house.answered(begun["authorize_url"]))
    assert back.headers["location"] == f"/me/{wedding}/accounts/{begun['connection']['id']}"
