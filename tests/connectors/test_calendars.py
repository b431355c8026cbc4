"""Every calendar connector keeps the same promises; see README.md here for how its fake is driven."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import assume, given
from structlog.testing import capture_logs

from tests.connectors.events import alike, events, unique_title
from tests.connectors.stages import Stage, staged
from wedsync.connections import manifest as manifests
from wedsync.connections.calendars import driven
from wedsync.connections.calendars.contract import (
    Calendars,
    CursorLost,
    Gone,
    Moved,
    Pulled,
    Pushed,
    ReadOnly,
    RemoteCalendar,
    Watch,
    Watches,
    Watching,
)
from wedsync.connections.calendars.driven import ACCOUNTS, MOODS, Driven
from wedsync.connections.calendars.event import CalendarEvent, Days, Timed, Times, checked, known_zone, span
from wedsync.connections.contract import Account, Connects, Delivered, ReconnectNeeded, Rejected, RetryLater, Unknown
from wedsync.connections.verify.request import Request
from wedsync.connections.verify.scheme import verify
from wedsync.kit import clock
from wedsync.kit.config import FIELDS

FOUND = {name: manifest for name, manifest in manifests.find().items() if "calendars" in manifest.does}
FEAST = Timed(start="2026-06-13T14:00:00", end="2026-06-13T23:30:00", zone="Europe/Berlin")
LATER = Timed(start="2026-06-13T15:00:00", end="2026-06-14T00:30:00", zone="Europe/Berlin")
WEEKEND = Days(on="2026-06-13", until="2026-06-15")
SILENCE = (driven.DUPLICATE, driven.OFF)


@pytest.fixture(scope="module", params=sorted(FOUND))
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with staged(request.param) as one:
        yield one


@pytest.fixture(scope="module")
async def calendar(stage: Stage) -> RemoteCalendar:
    return await stage.calendar()


@pytest.fixture(scope="module")
def writing(stage: Stage) -> Stage:
    if not stage.is_writing:
        pytest.skip(f"{stage.manifest.name} only imports")
    return stage


def feast(title: str, times: Times = FEAST) -> CalendarEvent:
    return checked(CalendarEvent(times=times, title=title, text="Bring a coat.", place="Gut Sonnenhof"))


def at(times: Times, calendar: RemoteCalendar) -> tuple[datetime, datetime]:
    return span(times, calendar_zone=calendar.zone)


async def every_call(stage: Stage, calendar: RemoteCalendar, *, timeout_s: float = 20.0) -> dict[str, Any]:
    """What each call comes to just now."""
    connector: Any = stage.connector
    found = {
        "account": await connector.account(stage.connection, timeout_s=timeout_s),
        "calendars": await connector.calendars(stage.connection, timeout_s=timeout_s),
        "pull": await stage.pull(calendar, "", timeout_s=timeout_s),
    }
    if stage.is_writing:
        found["push"] = await stage.push(calendar, feast("Tried"), key=uuid4().hex, timeout_s=timeout_s)
    return found


def test_it_is_what_its_manifest_says(stage: Stage) -> None:
    manifest, connector = stage.manifest, stage.connector
    assert isinstance(connector, Calendars)
    assert isinstance(connector, Connects)
    assert "connects" in manifest.does
    assert isinstance(connector, Watches) == ("watches" in manifest.does)
    assert isinstance(stage.fake, Driven)
    assert manifest.fake is not None
    assert set(stage.fake.settings_at("http://x")) <= set(FIELDS)
    moods = set(MOODS) if "watches" in manifest.does else set(MOODS) - set(SILENCE)
    assert moods <= set(stage.fake.moods.known)
    assert {*manifest.operator_settings, *manifest.operator_secrets} <= set(FIELDS)


async def test_two_connections_of_one_account_are_known_to_be_one_and_another_is_not(stage: Stage) -> None:
    connector: Any = stage.connector
    again = stage.fake.connection(stage.at, ACCOUNTS[0])
    first, second, other = [
        await connector.account(one, timeout_s=20) for one in (stage.connection, again, stage.other)
    ]
    assert isinstance(first, Account)
    assert first.id
    assert first.title
    assert first == second
    assert other.id != first.id


async def test_calendars_have_a_zone_and_one_can_be_written(stage: Stage) -> None:
    found = await stage.connector.calendars(stage.connection, timeout_s=20)
    assert isinstance(found, tuple)
    assert len({one.id for one in found}) == len(found) > 0
    assert all(one.title and known_zone(one.zone) for one in found)
    assert any(one.is_writable for one in found) == stage.is_writing


async def test_a_dead_token_asks_for_a_new_connection(stage: Stage, calendar: RemoteCalendar) -> None:
    with stage.mood(driven.DEAD):
        for call, outcome in (await every_call(stage, calendar)).items():
            assert isinstance(outcome, ReconnectNeeded), call
            assert outcome.reason


async def test_who_is_asked_to_wait_waits_as_long_as_asked(stage: Stage, calendar: RemoteCalendar) -> None:
    with stage.mood(driven.BUSY):
        for call, outcome in (await every_call(stage, calendar)).items():
            assert isinstance(outcome, RetryLater), call
            assert outcome.after_s == driven.RETRY_AFTER_S, call


async def test_what_passes_is_tried_again(stage: Stage, calendar: RemoteCalendar) -> None:
    with stage.mood(driven.BROKEN):
        for call, outcome in (await every_call(stage, calendar)).items():
            assert isinstance(outcome, RetryLater), call


async def test_a_call_ends_in_its_time_and_is_tried_again(stage: Stage, calendar: RemoteCalendar) -> None:
    with stage.mood(driven.SLOW):
        found = await every_call(stage, calendar, timeout_s=0.2)
    # Whether a write arrived is not known then.
    written = found.pop("push", None)
    assert written is None or isinstance(written, RetryLater | Unknown)
    for call, outcome in found.items():
        assert isinstance(outcome, RetryLater), call


async def test_a_lost_reply_is_told_apart_and_a_second_try_makes_no_second_event(
    writing: Stage, calendar: RemoteCalendar
) -> None:
    title, key = unique_title(), uuid4().hex
    with writing.mood(driven.LOST):
        outcome = await writing.push(calendar, feast(title), key=key)
    assert isinstance(outcome, Unknown)
    assert outcome.repeat_is_safe
    tries = [await writing.push(calendar, feast(title), key=key) for _ in range(2)]
    assert {type(one) for one in tries} == {Pushed}
    assert len({one.id for one in tries}) == 1
    assert len(writing.titled(calendar, title)) == 1
    # So with a change and a deletion: done once, whatever is answered.
    id, etag = tries[-1].id, tries[-1].etag
    with writing.mood(driven.LOST):
        await writing.push(calendar, feast(title, LATER), key=key, id=id, etag=etag)
    again = await writing.push(calendar, feast(title, LATER), key=key, id=id, etag=etag)
    assert isinstance(again, Pushed | Moved)
    assert [at(one, calendar) for one in writing.titled(calendar, title)] == [at(LATER, calendar)]
    etag = (await writing.there(calendar))[id].etag
    with writing.mood(driven.LOST):
        await writing.push(calendar, None, key=key, id=id, etag=etag)
    assert isinstance(await writing.push(calendar, None, key=key, id=id, etag=etag), Pushed | Gone)
    assert not writing.titled(calendar, title)


async def test_what_nobody_has_heard_of_is_tolerated(stage: Stage, calendar: RemoteCalendar) -> None:
    title = unique_title()
    await stage.fake.make(calendar.id, title=title, times=FEAST)
    plain = await stage.there(calendar)
    with stage.mood(driven.ODD):
        assert await stage.connector.calendars(stage.connection, timeout_s=20)
        odd = await stage.there(calendar)
    assert {id: one.event for id, one in odd.items()} == {id: one.event for id, one in plain.items()}


async def test_half_an_answer_is_never_taken_for_a_whole_one(stage: Stage, calendar: RemoteCalendar) -> None:
    await stage.fake.make(calendar.id, title=unique_title(), times=FEAST)
    with stage.mood(driven.TRUNCATED):
        assert isinstance(await stage.pull(calendar, ""), RetryLater)
        assert isinstance(await stage.connector.calendars(stage.connection, timeout_s=20), RetryLater)


async def test_pages_are_followed_and_each_event_comes_once(stage: Stage, calendar: RemoteCalendar) -> None:
    titles = {unique_title() for _ in range(5)}
    for title in sorted(titles):
        await stage.fake.make(calendar.id, title=title, times=FEAST)
    with stage.pages_of(2):
        pages, _ = await stage.pulled(calendar)
    changes = [one for page in pages for one in page.changes]
    assert len({one.id for one in changes}) == len(changes)
    assert titles <= {one.event.title for one in changes if one.event}
    assert all(page.is_listing for page in pages)


async def test_what_is_deleted_while_a_listing_goes_on_is_told_by_it_or_after_it(
    stage: Stage, calendar: RemoteCalendar
) -> None:
    ids = {await stage.fake.make(calendar.id, title=unique_title(), times=FEAST) for _ in range(5)}
    with stage.pages_of(2):
        page = await stage.pull(calendar, "")
        while not (named := ids & {one.id for one in page.changes}) and page.has_more:
            page = await stage.pull(calendar, page.cursor)
        gone = named.pop()
        await stage.fake.delete(calendar.id, gone)
        rest, cursor = await stage.pulled(calendar, page.cursor) if page.has_more else ([], page.cursor)
        after, _ = await stage.pulled(calendar, cursor)
    told = {one.id: one.event for page in (*rest, *after) for one in page.changes}
    assert told[gone] is None if gone in told else after[0].is_listing


async def test_another_process_resumes_from_the_cursor_and_sees_only_what_changed(
    stage: Stage, calendar: RemoteCalendar
) -> None:
    await stage.fake.make(calendar.id, title=unique_title(), times=FEAST)
    _, cursor = await stage.pulled(calendar)
    ids = [await stage.fake.make(calendar.id, title=unique_title(), times=FEAST) for _ in range(3)]
    stage.connector = stage.another()
    with stage.pages_of(2):
        pages, after = await stage.pulled(calendar, cursor)
    told = [one.id for page in pages for one in page.changes]
    assert set(ids) <= set(told)
    if not pages[0].is_listing:
        assert sorted(told) == sorted(ids)
    nothing, _ = await stage.pulled(calendar, after)
    assert nothing[0].is_listing or not nothing[0].changes


async def test_a_cursor_that_is_lost_is_told_and_a_listing_begins_anew(stage: Stage, calendar: RemoteCalendar) -> None:
    _, cursor = await stage.pulled(calendar)
    stage.fake.forget_cursors()
    lost = await stage.pull(calendar, cursor)
    assert isinstance(lost, CursorLost) or lost.is_listing
    _, cursor = await stage.pulled(calendar)
    assert isinstance(await stage.pull(calendar, cursor), Pulled)
    assert isinstance(await stage.pull(calendar, "no cursor of ours"), CursorLost | Pulled)


async def test_a_calendar_that_is_not_there_is_gone(stage: Stage, calendar: RemoteCalendar) -> None:
    missing = msgspec.structs.replace(calendar, id=f"{calendar.id}-gone")
    found = await stage.pull(missing, "")
    assert isinstance(found, Gone), found
    assert found.is_calendar


@pytest.mark.parametrize("times", [FEAST, WEEKEND], ids=["timed", "days"])
async def test_made_moved_and_deleted_there_is_seen_here(stage: Stage, calendar: RemoteCalendar, times: Times) -> None:
    title, later = unique_title(), LATER if times is FEAST else Days(on="2026-06-20", until="2026-06-21")
    _, cursor = await stage.pulled(calendar)

    async def news() -> Any:
        nonlocal cursor
        pages, cursor = await stage.pulled(calendar, cursor)
        return {one.id: one for page in pages for one in page.changes}

    id = await stage.fake.make(calendar.id, title=title, times=times)
    made = (await news())[id]
    assert (made.event.title, at(made.event.times, calendar)) == (title, at(times, calendar))
    assert type(made.event.times) is type(times)
    await stage.fake.move(calendar.id, id, later)
    moved = (await news())[id]
    assert (moved.event.title, at(moved.event.times, calendar)) == (title, at(later, calendar))
    assert not made.etag or moved.etag != made.etag
    await stage.fake.delete(calendar.id, id)
    left = await news()
    assert id not in left or left[id].event is None


async def test_made_moved_and_deleted_here_is_seen_there(writing: Stage, calendar: RemoteCalendar) -> None:
    title, key = unique_title(), uuid4().hex
    made = await writing.push(calendar, feast(title), key=key)
    assert isinstance(made, Pushed), made
    assert [at(one, calendar) for one in writing.titled(calendar, title)] == [at(FEAST, calendar)]
    # From hours to whole days and back: nothing of the one may stay in the other.
    for times in (WEEKEND, LATER):
        etag = (await writing.there(calendar))[made.id].etag
        moved = await writing.push(calendar, feast(title, times), key=key, id=made.id, etag=etag)
        assert isinstance(moved, Pushed), moved
        assert [at(one, calendar) for one in writing.titled(calendar, title)] == [at(times, calendar)]
    change = (await writing.there(calendar))[made.id]
    assert (change.marker, change.is_editable) == (f"m-{key}", True)
    deleted = await writing.push(calendar, None, key=key, id=made.id, etag=change.etag)
    assert isinstance(deleted, Pushed), deleted
    assert not writing.titled(calendar, title)
    assert isinstance(await writing.push(calendar, None, key=key, id=made.id, etag=change.etag), Gone | Pushed)


async def test_what_was_moved_there_meanwhile_is_not_overwritten(writing: Stage, calendar: RemoteCalendar) -> None:
    title, key = unique_title(), uuid4().hex
    made = await writing.push(calendar, feast(title), key=key)
    etag = (await writing.there(calendar))[made.id].etag
    await writing.fake.move(calendar.id, made.id, LATER)
    ours = feast(title, Timed(start="2026-06-13T09:00:00", end="2026-06-13T10:00:00", zone="Europe/Berlin"))
    assert isinstance(await writing.push(calendar, ours, key=key, id=made.id, etag=etag), Moved)
    assert isinstance(await writing.push(calendar, None, key=key, id=made.id, etag=etag), Moved)
    assert [at(one, calendar) for one in writing.titled(calendar, title)] == [at(LATER, calendar)]


async def test_an_event_that_was_deleted_there_is_gone(writing: Stage, calendar: RemoteCalendar) -> None:
    made = await writing.push(calendar, feast("Gone soon"), key=uuid4().hex)
    etag = (await writing.there(calendar))[made.id].etag
    await writing.fake.delete(calendar.id, made.id)
    found = await writing.push(calendar, feast("Gone soon", LATER), key="-", id=made.id, etag=etag)
    assert isinstance(found, Gone | Moved), found
    assert not writing.titled(calendar, "Gone soon")


@given(event=events())
async def test_events_survive_ours_to_theirs_to_ours(
    writing: Stage, calendar: RemoteCalendar, event: CalendarEvent
) -> None:
    pushed = await writing.push(calendar, event, key=uuid4().hex)
    assume(not isinstance(pushed, ReadOnly))
    assert isinstance(pushed, Pushed), pushed
    change = (await writing.there(calendar))[pushed.id]
    assert change.event is not None
    assert alike(change.event) == alike(event)
    # And as a change of what is there already.
    other = msgspec.structs.replace(event, title="Another", times=WEEKEND, rules=())
    etag = change.etag
    for wanted in (other, event):
        again = await writing.push(calendar, wanted, key="-", id=pushed.id, etag=etag, marker=change.marker)
        assert isinstance(again, Pushed), again
        found = (await writing.there(calendar))[again.id]
        assert found.event is not None
        assert alike(found.event) == alike(wanted)
        etag = found.etag
    await writing.push(calendar, None, key="-", id=pushed.id, etag=etag)


async def test_no_secret_and_nothing_personal_is_in_outcomes_or_logs(stage: Stage, calendar: RemoteCalendar) -> None:
    title = unique_title()
    await stage.fake.make(calendar.id, title=title, times=FEAST)
    told: list[Any] = []
    with capture_logs() as logs:
        for mood in ("fine", *(set(stage.fake.moods.known) - {driven.SLOW, *SILENCE})):
            with stage.mood(mood):
                told += (await every_call(stage, calendar)).values()
    words = [msgspec.json.encode(getattr(one, "attempt", None)).decode() + getattr(one, "reason", "") for one in told]
    said = "\n".join([*words, repr(logs), repr(stage.connection)])
    secrets = [secret for several in stage.connection.secrets.values() for secret in several]
    personal = [title, "Bring a coat", "Gut Sonnenhof", *ACCOUNTS, *secrets]
    assert not [one for one in personal if len(one) >= 6 and one in said]


async def test_changes_are_notified_and_verified_until_nobody_watches(stage: Stage, calendar: RemoteCalendar) -> None:
    if "watches" not in stage.manifest.does:
        pytest.skip(f"{stage.manifest.name} does not watch")
    connector: Any = stage.connector
    assert stage.manifest.hooks is not None
    watch = Watch(
        calendar=calendar.id,
        id=uuid4().hex,
        token=uuid4().hex,
        address=f"{stage.at}/bell",
        expires_at=clock.machine_now() + timedelta(hours=24),
    )
    watching = await connector.watch(watch, stage.connection)
    assert isinstance(watching, Watching), watching
    assert clock.machine_now() < watching.expires_at <= watch.expires_at + timedelta(minutes=1)

    async def rung(mood: str, count: int) -> None:
        before = len(stage.bell.rung)
        with stage.mood(mood):
            await stage.fake.make(calendar.id, title=unique_title(), times=FEAST)
            await stage.bell.wait_for(lambda all_of_them: len(all_of_them) >= before + count)

    await rung("fine", 1)
    await rung(driven.DUPLICATE, 2)
    for one in stage.bell.rung:
        request = Request(
            headers=one.headers, body=one.body, url=one.url, secrets=[watch.token], now=clock.machine_now().timestamp()
        )
        assert verify(stage.manifest.hooks.scheme, request) is None
        wrong = msgspec.structs.replace(request, secrets=["another"])
        assert verify(stage.manifest.hooks.scheme, wrong) is not None
    assert isinstance(await connector.unwatch(calendar.id, watching, stage.connection), Delivered)
    assert isinstance(await connector.unwatch(calendar.id, watching, stage.connection), Delivered | Rejected)
