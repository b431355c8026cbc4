"""Journeys through the door: a wedding on its way from the booking to the review, moved, paused, unsubscribed."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
import pytest_asyncio

from tests.contracts.town import LEASE_WORK, Linked, Somebody, Town
from wedsync.events.jobs import Job
from wedsync.journeys import running, starters
from wedsync.phones import sealed as phones
from wedsync.processes.ticks import minding_journeys, passing_milestones

NOW = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
ONE_CLICK: dict[str, Any] = {"List-Unsubscribe": "One-Click"}
EMPTY: dict[str, Any] = {"from": ""}
WORDS = "Dear {couple},\n\n{days_to_go} days until {date}.\n\n{business}"


def day(days: int) -> date:
    return NOW.date() + timedelta(days=days)


def step(kind: str, title: str, anchor: str = "wedding", days: int = 0, **more: Any) -> dict[str, Any]:
    words = WORDS if kind == "mail" and anchor != "before" else "Thank you, {couple}"
    spoken = {"subject": f"{title} for {{couple}}", "words": words} if kind in ("mail", "review") else {}
    return {"kind": kind, "title": title, "when": {"anchor": anchor, "days": days}, **spoken, **more}


STEPS = [
    step("mail", "Welcome", "booking"),
    step("task", "Shot list", days=-60, due_days=5, words="The families first"),
    step("task", "Choose songs", days=-60, for_whom="couple", late="now"),
    step("form", "Questionnaire", days=-45, form="photo questionnaire", words="Ten minutes, please"),
    step("form", "Lost form", days=-40, form="A form that is gone"),
    step("branch", "Details in?", days=-30, milestone="final_details", key="q"),
    step("text", "Remind", days=-29, words="Hello {name}, please look", only={"step": "q", "answer": "no"}),
    step("webhook", "Print", days=-10, call="print.album"),
    step("wait", "Photos", "end", milestone="photos_delivered", days_max=60),
    step("review", "Review", "before", 7, url="https://example.com/review"),
    step("mail", "Albums", "before", 1, is_marketing=True),
]


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """A photographer with a journey, and a wedding a hundred days ahead; and a clock that the tests move."""

    town: Town
    ana: Somebody
    wedding: str
    at: Linked
    journey: str

    @property
    def path(self) -> str:
        return f"/api/v1/suppliers/{self.at.supplier}/journeys"

    async def comes(self, at: datetime) -> None:
        """Time goes by until then: each step is done when it is due, and what follows from it."""
        next_at = "select min(next_at) from enrolments where wedding_id = $1 and state = 'active' and next_at <= $2"
        while due := await self.town.admin.fetchval(next_at, UUID(self.wedding), at):
            await self._is(due)
        await self._is(at)

    async def _is(self, at: datetime) -> None:
        await self.town.admin.execute("delete from clock_setting")
        await self.town.admin.execute("insert into clock_setting (base) values ($1)", at)
        await self.work()

    async def work(self) -> None:
        for _ in range(2):
            for tick in (passing_milestones, minding_journeys):
                await tick(_heard)(self.town.admin)
            for name, work in running.WORKS.items():
                while row := await self.town.admin.fetchrow(LEASE_WORK, UUID(self.wedding), name):
                    await work(self.town.door, Job(**row))
            await self.town.react(self.wedding)

    async def plan(self) -> dict[str, dict[str, Any]]:
        found = (await self.at.owner.got("GET", f"/api/v1/links/{self.at.link}/enrolments"))["items"]
        return {one["title"]: one for one in found[0]["steps"]}

    async def states(self) -> dict[str, str]:
        return {title: one["state"] for title, one in (await self.plan()).items()}

    async def enrolment(self) -> str:
        found: str = (await self.ana.got("GET", f"/api/v1/links/{self.at.link}/enrolments"))["items"][0]["id"]
        return found

    async def mails(self) -> list[dict[str, Any]]:
        found = await self.town.mails(self.wedding, to=self.ana.email)
        return [one for one in found if one["from_name"].endswith("via WedSync")]

    async def types(self) -> list[str]:
        kinds = ("journey_step.", "form.", "milestone.")
        return [
            f"{e.type} {(e.record or e.old_record or {}).get('title') or (e.record or e.old_record or {}).get('name')}"
            for e in await self.town.events(self.wedding)
            if e.type.startswith(kinds)
        ]


async def _heard(_: str) -> None:
    """Nobody listens."""


@asynccontextmanager
async def way(town: Town, ana: Somebody, *, starts: str = "booking", on: int = 100) -> AsyncIterator[Way]:
    business = await town.supplier()
    form = {"template": "photographer", "title": "Photo questionnaire"}
    await business.owner.got("POST", f"/api/v1/suppliers/{business.supplier}/forms", form, code=201)
    path = f"/api/v1/suppliers/{business.supplier}/journeys"
    made = await business.owner.got("POST", path, {"name": "All", "starts": starts, "steps": STEPS}, code=201)
    wedding = await town.wedding(ana, on=str(day(on)), time_zone="UTC")
    asked = {"supplier_name": "Marlow Photo", "email": business.owner.email}
    link = (await ana.got("POST", f"/api/v1/weddings/{wedding}/links", asked, code=201))["id"]
    await business.owner.got("POST", f"/api/v1/links/{link}/answer", {"supplier_id": business.supplier}, code=204)
    at = Linked(owner=business.owner, supplier=business.supplier, link=link)
    one = Way(town=town, ana=ana, wedding=wedding, at=at, journey=made["id"])
    try:
        await one.comes(NOW)
        yield one
    finally:
        await town.admin.execute("delete from clock_setting")


@pytest_asyncio.fixture
async def booked(town: Town, ana: Somebody) -> AsyncIterator[Way]:
    async with way(town, ana) as made:
        yield made


async def test_a_wedding_from_its_booking_to_the_review(booked: Way) -> None:
    assert (await booked.states())["Welcome"] == "sent"
    welcome = (await booked.mails())[0]
    assert welcome["subject"] == "Welcome for Ana & Ben"
    assert welcome["text"].startswith("Dear Ana & Ben,\n\n100 days until") and welcome["unsubscribe_url"] == ""
    assert sorted(await booked.types())[2:] == ["milestone.reached booked", "milestone.reached six_months"]
    await booked.comes(NOW + timedelta(days=45))
    tasks = (await booked.ana.got("GET", f"/api/v1/weddings/{booked.wedding}/tasks"))["items"]
    assert {(one["title"], one["origin"], one["link_id"] is None) for one in tasks} == {
        ("Shot list", "template", False),
        ("Choose songs", "template", True),
    }
    # Moved by four weeks: what was done stays, what was not is due on another day, and nothing is sent twice.
    before = await booked.plan()
    await booked.ana.got("PATCH", f"/api/v1/weddings/{booked.wedding}", {"on": str(day(128))})
    await booked.work()
    after = await booked.plan()
    for title in ("Questionnaire", "Details in?", "Print"):
        moved = datetime.fromisoformat(after[title]["due_at"]) - datetime.fromisoformat(before[title]["due_at"])
        assert moved == timedelta(days=28)
    assert after["Shot list"]["due_at"] == before["Shot list"]["due_at"]
    await booked.comes(NOW + timedelta(days=120))
    states = await booked.states()
    assert [states[title] for title in ("Questionnaire", "Details in?", "Remind", "Print")] == [
        "done",
        "done",
        "skipped",
        "done",
    ]
    plan = await booked.plan()
    assert (plan["Details in?"]["answer"], plan["Remind"]["reason"]) == ("no", "no_phone")
    assert plan["Remind"]["why"] == "Nobody of the couple takes texts."
    events = await booked.town.events(booked.wedding, "form.requested", "journey_step.called")
    assert [(e.link_id, (e.record or {})["content"]) for e in events] == [
        (UUID(booked.at.link), {"form": "photo questionnaire"}),
        (UUID(booked.at.link), {"call": "print.album"}),
    ]
    await _asked(booked)
    # The day is over, the photos come: the review is asked for a week later, with a way out; then no offers come.
    await booked.comes(NOW + timedelta(days=131))
    assert "milestone.reached date_passed" in await booked.types()
    photos = f"/api/v1/weddings/{booked.wedding}/photos"
    made = await booked.at.owner.got(
        "POST", photos, {"kind": "gallery", "gallery_url": "https://g.example.com"}, code=201
    )
    await booked.at.owner.got("POST", f"/api/v1/photos/{made['id']}/deliver")
    await booked.work()
    await booked.comes(NOW + timedelta(days=139))
    review = (await booked.mails())[-1]
    assert review["subject"].startswith("Review for") and "https://example.com/review" in review["text"]
    assert review["text"].startswith("Thank you, Ana & Ben")
    out = review["unsubscribe_url"].removeprefix(booked.town.settings.public_url)
    assert out in review["text"]
    await _stopped(booked, out)
    await booked.comes(NOW + timedelta(days=145))
    assert (await booked.plan())["Albums"]["reason"] == "unsubscribed"
    assert [one["subject"].partition(" ")[0] for one in await booked.mails()] == ["Welcome", "Review"]
    types = await booked.types()
    assert len(types) == len(set(types))
    assert [t for t in types if "photos_delivered" in t] == ["milestone.reached photos_delivered"]


async def _asked(booked: Way) -> None:
    """The couple is asked with the supplier's own form, and answering it is a milestone; one that is gone is told."""
    lost = (await booked.plan())["Lost form"]
    assert (lost["state"], lost["reason"]) == ("failed", "no_form")
    (asked,) = (await booked.ana.got("GET", f"/api/v1/weddings/{booked.wedding}/forms"))["items"]
    assert (asked["title"], asked["word"], asked["state"]) == ("Photo questionnaire", "Ten minutes, please", "asked")
    await booked.ana.got("POST", f"/api/v1/form-requests/{asked['id']}/submit", {"answers": {"publish": "Yes"}})
    await booked.work()
    assert "milestone.reached form_submitted" in await booked.types()


async def _stopped(booked: Way, out: str) -> None:
    """A scanner that looks stops nothing; the mail program's one press does, without a login, as often as it likes."""
    assert "Marlow Photo" in await booked.town.public.see(out)
    link = f"/api/v1/links/{booked.at.link}/offers"
    for _ in range(2):
        pressed = await booked.town.public.send(out, **ONE_CLICK)
        assert pressed.status_code == 204
    await booked.town.public.see(f"{out[:-1]}x", code=404)
    events = await booked.town.events(booked.wedding, "marketing.stopped")
    assert [(e.record or {})["person_id"] for e in events] == [str(booked.ana.id)]
    await booked.at.owner.got("PUT", link, {"wanted": True}, code=403)


async def test_rest_end_and_late_weddings(town: Town, ana: Somebody) -> None:
    async with way(town, ana, starts="by_hand", on=50) as late:
        owner, link = late.at.owner, late.at.link
        assert (await owner.got("GET", f"/api/v1/links/{link}/enrolments"))["items"] == []
        shown = await owner.got("GET", f"{late.path}/{late.journey}/preview?wedding_id={late.wedding}")
        assert [(one["title"], one["state"], one["reason"]) for one in shown[:3]] == [
            ("Welcome", "planned", ""),
            ("Shot list", "skipped", "past"),
            ("Choose songs", "planned", ""),
        ]
        begun = await owner.got("POST", f"{late.path}/{late.journey}/begin", {"all": True}, code=202)
        assert begun == {"weddings": 1}
        await late.work()
        enrolment = f"/api/v1/enrolments/{await late.enrolment()}"
        assert (await late.states())["Shot list"] == "skipped"
        for who, act in ((ana, "pause"), (ana, "stop"), (await town.person("eve"), "pause")):
            assert (await who.ask("POST", f"{enrolment}/{act}")).status_code in (403, 404)
        assert (await owner.got("POST", f"{enrolment}/pause"))["next_at"] is None
        await owner.got("PUT", f"/api/v1/links/{link}/milestones/final_details")
        await owner.got("PUT", f"/api/v1/links/{link}/milestones/date_passed", code=422)
        await ana.got("PUT", f"/api/v1/links/{link}/milestones/final_details", code=403)
        await late.comes(NOW + timedelta(days=25))
        assert (await late.states())["Questionnaire"] == "skipped"
        await owner.got("POST", f"{enrolment}/resume")
        # A newer version reaches who is on the way; what was taken stays taken, and its keys with it.
        steps = (await owner.got("GET", f"{late.path}/{late.journey}"))["steps"]
        again = [one | {"title": f"New {one['title']}"} for one in steps if one["title"] != "Print"]
        wrong = [one | {"words": "Dear {who}"} if one["kind"] == "mail" else one for one in again]
        refused = await owner.got("PATCH", f"{late.path}/{late.journey}", {"steps": wrong}, code=422)
        assert refused["errors"][0]["field"] == "steps[0].words"
        await owner.got("PATCH", f"{late.path}/{late.journey}", {"steps": again}, if_match='"7"', code=412)
        await owner.got("PATCH", f"{late.path}/{late.journey}", {"steps": again})
        await owner.got("POST", f"{late.path}/{late.journey}/begin", {"is_update": True}, code=202)
        await late.work()
        plan = await late.plan()
        assert "Print" not in plan and plan["New Welcome"]["state"] == "sent"
        listed = (await owner.got("GET", f"{late.path}/{late.journey}/enrolments"))["items"]
        assert [(one["couple_names"], one["state"], one["journey_version"]) for one in listed] == [
            ("Ana & Ben", "active", 2)
        ]
        # Cancelled, nothing is due; the link ended, the journey has too.
        await ana.got("PATCH", f"/api/v1/weddings/{late.wedding}", {"date_status": "cancelled"})
        await late.work()
        assert {one["reason"] for one in (await late.plan()).values() if one["state"] == "waiting"} == {"off"}
        await ana.got("DELETE", f"/api/v1/links/{link}", code=204)
        await late.work()
        rows = await town.admin.fetch("select state, reason from enrolments where wedding_id = $1", UUID(late.wedding))
        assert [tuple(row) for row in rows] == [("stopped", "link_ended")]
        await owner.got("DELETE", f"{late.path}/{late.journey}", code=204)


async def test_texts_failures_and_the_pages(town: Town, ana: Somebody) -> None:
    """A text to whoever agreed to texts; words that name what is not known are told to the supplier, never sent."""
    await _has_phone(town, ana)
    async with way(town, ana, starts="by_hand", on=40) as one:
        owner, base = one.at.owner, f"/studio/{one.at.supplier}"
        studio, there = f"{base}/journeys", f"{base}/weddings/{one.wedding}/journeys"
        assert "Planner: a year together" in await owner.see(studio)
        made = (await owner.send(studio, **EMPTY)).headers["location"]
        shown = await owner.see(made)
        assert "Ana &amp; Ben" in shown and "New mail" in shown
        typed: dict[str, Any] = {
            "version": 1,
            "title": "Hello",
            "days": 30,
            "side": "before",
            "anchor": "wedding",
            "subject": "Hi",
        }
        refused = await owner.send(f"{made}/steps/s1/save", **typed, words="Dear {who}")
        assert refused.status_code == 422 and "Dear {who}" in refused.text and "{days_to_go}" in refused.text
        await owner.send(f"{made}/steps/s1/save", **typed, words="At {venue}, {name}")
        await owner.send(f"{made}/steps", version=2, kind="text")
        text = {**typed, "title": "Soon", "days": 20, "at": "10:00", "words": "Hello {name}, soon"}
        await owner.send(f"{made}/steps/s2/save", **text | {"version": 3})
        await owner.send(f"{made}/steps/s2/up", version=4)
        assert (await owner.send(f"{made}/steps/s2/up", version=4)).status_code == 412
        await owner.send(made, version=5, name="Ours", starts="booking", is_active="on")
        kept = await owner.got("GET", f"{one.path}/{made.rpartition('/')[2]}")
        assert [(s["title"], s["when"]["days"]) for s in kept["steps"]] == [("Soon", -20), ("Hello", -30)]
        assert (kept["name"], kept["starts"], kept["version"]) == ("Ours", "booking", 6)
        await owner.send(there, journey=kept["id"])
        await owner.send(f"{there}/details", reached="on")
        async with _texting(town):
            await one.comes(NOW + timedelta(days=25))
        plan = await one.plan()
        assert (plan["Soon"]["state"], plan["Soon"]["people"]) == ("sent", 1)
        assert (plan["Hello"]["state"], plan["Hello"]["reason"]) == ("failed", "no_value")
        owed = "select count(*) from deliveries where tenant_id = $1 and connector = 'twilio' and recipient_id = $2"
        assert await town.admin.fetchval(owed, UUID(one.wedding), ana.id) == 1
        told = (await owner.got("GET", "/api/v1/me/inbox"))["items"]
        assert "Ana & Ben: A step of your journey could not be sent: Hello" in {line["title"] for line in told}
        page = await owner.see(there)
        assert "Not sent" in page and "Final details are in" in page and "End it for them" in page
        # The couple sees what came and what comes, not our reasons, and says whether offers may come.
        ours = f"/me/{one.wedding}/journeys"
        seen = await ana.see(ours)
        assert "Soon" in seen and "Hello" not in seen
        await ana.send(f"{ours}/{one.at.link}")
        assert len(await town.events(one.wedding, "marketing.stopped")) == 1
        await ana.send(f"{ours}/{one.at.link}", wanted="on")
        assert len(await town.events(one.wedding, "marketing.taken_up")) == 1
        await owner.see(ours, code=403)
        await owner.send(f"{there}/{await one.enrolment()}/stop")
        assert "Ended" in await owner.see(made)
        await owner.send(f"{made}/remove", version=6)
        await owner.see(made, code=404)


async def test_a_text_for_which_the_plan_has_none_left_says_so(town: Town) -> None:
    ana = await town.person("ana")
    await _has_phone(town, ana)
    async with way(town, ana, starts="by_hand", on=40) as one:
        made = (await one.at.owner.send(f"/studio/{one.at.supplier}/journeys", **EMPTY)).headers["location"]
        soon: dict[str, Any] = {
            "title": "Soon",
            "days": 20,
            "side": "before",
            "anchor": "wedding",
            "words": "Hello {name}, soon",
        }
        await one.at.owner.send(f"{made}/steps", version=1, kind="text")
        await one.at.owner.send(f"{made}/steps/s2/save", version=2, at="10:00", **soon)
        await one.at.owner.send(made, version=3, name="Ours", starts="booking", is_active="on")
        kept = await one.at.owner.got("GET", f"{one.path}/{made.rpartition('/')[2]}")
        await one.at.owner.send(f"/studio/{one.at.supplier}/weddings/{one.wedding}/journeys", journey=kept["id"])
        await town.admin.fetchval("select app.set_plan($1, 'free', $2, 'test')", UUID(one.at.supplier), '{"sms": 0}')
        async with _texting(town):
            await one.comes(NOW + timedelta(days=25))
        plan = await one.plan()
        assert (plan["Soon"]["state"], plan["Soon"]["reason"]) == ("skipped", "no_texts")
        assert plan["Soon"]["why"] == "Your plan has no text left for it this month: see Plan and usage."


async def _has_phone(town: Town, somebody: Somebody) -> None:
    """A number that was proved, and texts agreed to."""
    assert somebody.id is not None
    number = uuid4()
    words = phones.seal(town.ring, somebody.id, number, "+447700900123")
    await town.admin.execute(
        """insert into phones (id, person_id, sealed, number_index, region, line, takes_texts, state, verified_at)
        values ($1, $2, $3, $4, 'GB', 'mobile', true, 'verified', clock_timestamp())""",
        *(number, somebody.id, words, secrets.token_bytes(16)),
    )


@asynccontextmanager
async def _texting(town: Town) -> AsyncIterator[None]:
    """As where an operator has set texts up."""
    before = town.settings
    town.settings = msgspec.structs.replace(before, twilio_account_sid="AC1", twilio_auth_token="token")
    try:
        yield
    finally:
        town.settings = before


@pytest.mark.parametrize("key", sorted(starters.STARTERS))
async def test_templates_can_be_posted_as_they_are(town: Town, key: str) -> None:
    business = await town.supplier()
    listed = await business.owner.got("GET", "/api/v1/journey-templates")
    one = next(one for one in listed if one["key"] == key)
    path = f"/api/v1/suppliers/{business.supplier}/journeys"
    made = await business.owner.got("POST", path, {k: v for k, v in one.items() if k != "key"}, code=201)
    assert [s["title"] for s in made["steps"]] == [s["title"] for s in one["steps"]]
