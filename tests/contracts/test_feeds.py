"""Feeds: signed addresses that show what their maker may see, and nothing once they or their maker are gone."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest_asyncio
from icalendar import Calendar
from litestar import Request, Response, get

from tests.contracts.bookings_house import DAY, Studio, opened
from tests.contracts.town import Somebody, Town
from wedsync.connections.calendars.contract import Pull, Pulled
from wedsync.connections.calendars.event import Timed
from wedsync.connections.contract import Account, Connection, Tools
from wedsync.connections.stage import serving
from wedsync.connectors.ics.connector import connect
from wedsync.feeds import api, model
from wedsync.kit import clock, log
from wedsync.kit.http import Wire


@pytest_asyncio.fixture(scope="module")
async def studio(town: Town) -> Studio:
    """A wedding with something in every scope, and a business with two bookings."""
    studio = await opened(town)
    couple, wedding = studio.couple, studio.wedding
    base = f"/api/v1/weddings/{wedding}"
    item = {"title": "Speeches", "on": DAY, "at_local": "18:00:00", "minutes": 45, "place": "Orangery"}
    await couple.got("POST", f"{base}/schedule", item, code=201)
    await couple.got("POST", f"{base}/guests", {"first_name": "CANARYguest"}, code=201)
    await couple.got("POST", f"{base}/budget", {"title": "CANARYbudget"}, code=201)
    await couple.got("POST", f"{base}/tasks", {"title": "CANARYtask", "due_on": DAY}, code=201)
    await studio.book(title="Ada's party", on="2027-06-12")
    await studio.book(title="CANARYprivate", on="2027-06-13", category="private")
    await studio.react()
    return studio


async def made(who: Somebody, home: str, title: str = "Phone") -> Any:
    return await who.got("POST", f"{home}/feeds", {"title": title}, code=201)


def path(feed: Any) -> str:
    return "/feeds/" + str(feed["url"]).rpartition("/")[2]


async def read(town: Town, feed: Any) -> tuple[str, list[str]]:
    """The feed as it comes, and the titles in it as a calendar program reads them."""
    answer = await town.public.ask("GET", path(feed))
    assert answer.status_code == 200, answer.text
    calendar: Any = Calendar.from_ical(answer.text)
    assert not calendar.errors
    for event in calendar.events:
        assert not event.errors
        assert event.get("DTSTAMP") and event.get("UID") and event.get("DTEND")
    return answer.text, [str(event["SUMMARY"]) for event in calendar.events]


async def test_a_couple_has_its_day_and_its_schedule_in_a_feed(studio: Studio) -> None:
    feed = await made(studio.couple, f"/api/v1/weddings/{studio.wedding}")
    text, titles = await read(studio.town, feed)
    assert {"Wedding: Ana & Ben", "Speeches"} <= set(titles)
    assert "BEGIN:VTIMEZONE" in text
    assert "CANARYguest" not in text and "CANARYbudget" not in text


async def test_a_business_has_its_bookings_and_what_its_weddings_let_it_see(studio: Studio) -> None:
    town = studio.town
    feed = await made(studio.owner, studio.path)
    text, titles = await read(town, feed)
    assert {"Booked: Ada's party", "Speeches (Ana & Ben)", "Wedding: Ana & Ben"} <= set(titles)
    for canary in ("CANARYguest", "CANARYbudget", "CANARYtask"):
        assert canary not in text
    await studio.couple.got("PATCH", f"/api/v1/links/{studio.business.link}", {"level": "basic"})
    _, titles = await read(town, feed)
    assert "Wedding: Ana & Ben" in titles and "Speeches (Ana & Ben)" not in titles
    await studio.couple.got("PATCH", f"/api/v1/links/{studio.business.link}", {"level": "standard"})


async def test_a_colleague_sees_only_that_time_is_taken_and_nothing_after_leaving(studio: Studio) -> None:
    colleague = await studio.colleague()
    feed = await made(colleague, studio.path)
    text, titles = await read(studio.town, feed)
    assert titles.count("Booked") == 2
    for canary in ("Ada", "CANARY", "Ana", "Speeches"):
        assert canary not in text
    members = (await studio.owner.got("GET", f"{studio.path}/members"))["items"]
    member = next(one for one in members if one["person_id"] == str(colleague.id))
    await studio.owner.got("DELETE", f"{studio.path}/members/{member['id']}", code=204)
    assert (await studio.town.public.ask("GET", path(feed))).status_code == 410


async def test_a_helper_makes_one_by_their_pass_and_sees_what_the_pass_shows(studio: Studio) -> None:
    town, couple, base = studio.town, studio.couple, f"/api/v1/weddings/{studio.wedding}"
    helper = await couple.got("POST", f"{base}/members", {"role": "helper", "name": "Dora"}, code=201)
    task = {"title": "Bring the rings", "due_on": DAY, "membership_id": helper["id"]}
    await couple.got("POST", f"{base}/tasks", task, code=201)
    cue = {"title": "Open the gate", "on": DAY, "at_local": "09:00:00", "owner_membership_id": helper["id"]}
    await couple.got("POST", f"{base}/schedule", cue, code=201)
    unwanted = await couple.got("POST", f"{base}/tasks", task | {"title": "CANARYdeclined"}, code=201)
    page = str(helper["url"])[str(helper["url"]).index("/help/") :]
    await town.public.send(f"{page}/tasks/{unwanted['id']}/answer", answer="declined")
    sent = await town.public.send(f"{page}/feeds", title="Dora's phone")
    assert (sent.status_code, sent.headers["location"]) == (303, f"{page}/feeds")
    shown = await town.public.see(f"{page}/feeds")
    found = re.search(r"/feeds/[\w-]{43}\.ics", shown)
    assert found is not None
    url = found.group()
    text, titles = await read(town, {"url": url})
    assert {"Speeches", "You: Open the gate", "To do: Bring the rings"} <= set(titles)
    assert "CANARY" not in text
    of_helpers = [one for one in (await couple.got("GET", f"{base}/feeds"))["items"] if not one["is_own"]]
    assert [(one["of"], one["url"]) for one in of_helpers] == [("Dora", None)]
    await couple.got("DELETE", f"{base}/feeds/{of_helpers[0]['id']}", code=204)
    assert (await town.public.ask("GET", path({"url": url}))).status_code == 410


async def test_an_ended_feed_is_gone_and_a_guessed_one_never_was(studio: Studio) -> None:
    home = f"/api/v1/weddings/{studio.wedding}"
    feed = await made(studio.couple, home)
    assert (await studio.town.public.ask("GET", path(feed))).status_code == 200
    token = model.token("another secret", UUID(feed["id"]))
    for guessed in (f"{token}.ics", path(feed)[len("/feeds/") : -4], f"{feed['id']}.ics", "x.ics"):
        assert (await studio.town.public.ask("GET", f"/feeds/{guessed}")).status_code == 404
    unknown = model.token(studio.town.settings.jwt_secret, uuid4())
    assert (await studio.town.public.ask("GET", f"/feeds/{unknown}.ics")).status_code == 404
    stranger = await studio.town.person("stranger")
    assert (await stranger.ask("DELETE", f"{home}/feeds/{feed['id']}")).status_code == 404
    await studio.couple.got("DELETE", f"{home}/feeds/{feed['id']}", code=204)
    assert (await studio.town.public.ask("GET", path(feed))).status_code == 410
    assert feed["id"] not in [one["id"] for one in (await studio.couple.got("GET", f"{home}/feeds"))["items"]]


async def test_what_has_not_changed_is_not_sent_again_and_nobody_may_ask_all_the_time(studio: Studio) -> None:
    feed = await made(studio.couple, f"/api/v1/weddings/{studio.wedding}")
    first = await studio.town.public.ask("GET", path(feed))
    assert first.headers["cache-control"] == "private, no-cache"
    again = await studio.town.public.ask("GET", path(feed), if_none_match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    answers = [await studio.town.public.ask("GET", path(feed)) for _ in range(api.READ.count)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) > 0


def test_an_address_in_a_log_opens_nothing() -> None:
    token = model.token("secret", uuid4())
    assert token not in log.scrub(f"unhandled /feeds/{token}.ics and https://wedsync.example/feeds/{token}.ics?x=1")


async def test_our_own_connector_can_subscribe_to_it(studio: Studio) -> None:
    feed = await made(studio.owner, studio.path)
    async with relayed(studio.town) as at:
        wire = Wire(allow=("127.0.0.0/8",))
        connector = connect(Tools(wire=wire, machine_now=clock.machine_now))
        connection = Connection(id=uuid4(), secrets={"address": (f"{at}{path(feed)}",)})
        account = await connector.account(connection, timeout_s=5)
        assert isinstance(account, Account)
        assert account.title == "Marlow Photo"
        since, until = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
        wanted = Pull(calendar="feed", cursor="", since=since, until=until)
        pulled = await connector.pull(wanted, connection)
        assert isinstance(pulled, Pulled)
        assert pulled.unread == 0
        events = {one.event.title: one.event for one in pulled.changes if one.event is not None}
        booked = events["Booked: Ada's party"].times
        assert isinstance(booked, Timed)
        assert (booked.start, booked.end) == ("2027-06-12T12:00:00", "2027-06-12T22:00:00")
        again = await connector.pull(Pull(calendar="feed", cursor=pulled.cursor, since=since, until=until), connection)
        assert again == Pulled(changes=(), cursor=pulled.cursor)
        await wire.close()


@asynccontextmanager
async def relayed(town: Town) -> AsyncIterator[str]:
    """The feeds of the application on a port, which a connector needs."""

    @get("/feeds/{name:str}")
    async def relay(name: str, request: "Request[Any, Any, Any]") -> Response[bytes]:
        asked = request.headers.get("if-none-match", "")
        answer = await town.public.ask("GET", f"/feeds/{name}", if_none_match=asked)
        headers = {name: answer.headers[name] for name in ("etag", "content-type") if name in answer.headers}
        return Response(answer.content, status_code=answer.status_code, headers=headers)

    async with serving([], others=[relay]) as at:
        yield at
