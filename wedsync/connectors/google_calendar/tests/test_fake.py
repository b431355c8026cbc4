"""The fake Google refuses what Google refuses, and forgets what it may forget."""

from datetime import timedelta
from typing import Any

import pytest

from wedsync.connections.calendars import driven
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.fakes import Moods
from wedsync.connectors.google_calendar import fake_channels, fake_store
from wedsync.connectors.google_calendar.fake_channels import Channels
from wedsync.connectors.google_calendar.fake_store import Calendar, GoogleError, Store, masked, merged
from wedsync.kit import clock

BERLIN = "Europe/Berlin"
START, END = {"dateTime": "2027-06-12T14:00:00+02:00"}, {"dateTime": "2027-06-12T15:00:00+02:00"}
FEAST = {"start": START, "end": END, "summary": "Feast"}
DAYS = {"start": {"date": "2027-06-12"}, "end": {"date": "2027-06-14"}}


@pytest.fixture
def store() -> Store:
    made = Store()
    for id, role in (("own", "owner"), ("shown", "reader")):
        made.calendars[id] = Calendar(id, ACCOUNTS[0], id, zone=BERLIN, role=role, primary=id == "own")
    return made


@pytest.fixture
def own(store: Store) -> Calendar:
    return store.calendar("primary", ACCOUNTS[0])


def refused(act: Any, *given: Any, **more: Any) -> tuple[int, str]:
    with pytest.raises(GoogleError) as error:
        act(*given, **more)
    told: Any = error.value.body
    return error.value.status, told["error"]["errors"][0]["reason"]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"id": "UPPER", **FEAST}, 400, "invalid"),
        ({"id": "abc", **FEAST}, 400, "invalid"),
        ({"start": START}, 400, "required"),
        ({**FEAST, "recurrence": ["RRULE:FREQ=DAILY"]}, 400, "required"),
        ({"start": START, "end": {"date": "2027-06-13"}}, 400, "invalid"),
        ({"start": END, "end": START}, 400, "timeRangeEmpty"),
        ({"start": {"date": "2027-06-14"}, "end": {"date": "2027-06-13"}}, 400, "timeRangeEmpty"),
        ({"start": {"date": "soon"}, "end": {"date": "2027-06-13"}}, 400, "invalid"),
        ({"start": {}, "end": {}}, 400, "invalid"),
        ({"start": {**START, "timeZone": "Mars/Olympus"}, "end": END}, 400, "invalid"),
    ],
)
def test_an_event_that_google_would_not_take_is_refused(
    store: Store, own: Calendar, body: dict[str, Any], status: int, reason: str
) -> None:
    assert refused(store.insert, own, body) == (status, reason)
    assert own.events == {}


def test_an_id_is_taken_for_ever_and_a_calendar_holds_only_so_much(
    store: Store, own: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = store.insert(own, {"id": "abcde", **FEAST})
    assert refused(store.insert, own, {"id": "abcde", **FEAST}) == (409, "duplicate")
    store.remove(own, "abcde")
    assert refused(store.insert, own, {"id": "abcde", **FEAST}) == (409, "duplicate")
    assert refused(store.remove, own, "abcde") == (410, "deleted")
    assert store.patch(own, "abcde", {"status": "confirmed", **FEAST})["summary"] == made["summary"]
    monkeypatch.setattr(fake_store, "EVENTS_MAX", 1)
    assert refused(store.insert, own, FEAST) == (403, "quotaExceeded")


def test_who_may_not_write_is_told_why(store: Store, own: Calendar) -> None:
    shown = store.calendar("shown", ACCOUNTS[0])
    assert refused(store.insert, shown, FEAST) == (403, "requiredAccessLevel")
    assert refused(store.calendar, "own", ACCOUNTS[1]) == (404, "notFound")
    made = store.insert(own, FEAST)
    assert refused(store.patch, own, made["id"], {"summary": "x"}, etag='"old"') == (412, "conditionNotMet")
    assert refused(store.get, own, "nothing") == (404, "notFound")
    for theirs in ({"organizer": {"email": "bo@example.com"}}, {"locked": True}):
        other = store.insert(own, {**FEAST, "organizer": {"self": True}, **theirs})
        if "locked" not in theirs:
            other["organizer"]["self"] = False
        assert refused(store.remove, own, other["id"]) == (403, "forbiddenForNonOrganizer")
        assert refused(store.patch, own, other["id"], {"summary": "x"}) == (403, "forbiddenForNonOrganizer")
    other["guestsCanModify"], other["locked"] = True, False
    assert store.patch(own, other["id"], {"summary": "x"})["summary"] == "x"


def test_tokens_belong_to_their_parameters_and_calendar(store: Store, own: Calendar) -> None:
    for _ in range(2):
        store.insert(own, FEAST)
    store.page_size = 1
    page = store.page(own, {"singleEvents": "false"})["nextPageToken"]
    store.page_size = 10
    token = store.page(own, {"singleEvents": "false"})["nextSyncToken"]
    shown = store.calendar("shown", ACCOUNTS[0])
    for calendar, query in (
        (own, {"syncToken": "nonsense"}),
        (own, {"syncToken": "e30="}),
        (own, {"syncToken": token}),
        (own, {"syncToken": token, "singleEvents": "true"}),
        (own, {"syncToken": page, "singleEvents": "false"}),
        (own, {"pageToken": token, "singleEvents": "false"}),
        (shown, {"syncToken": token, "singleEvents": "false"}),
    ):
        assert refused(store.page, calendar, query) == (400, "invalid")
    assert refused(store.page, own, {"syncToken": token, "timeMin": "2027-01-01T00:00:00Z"}) == (400, "badRequest")
    assert store.page(own, {"syncToken": token, "singleEvents": "false"})["items"] == []
    store.epoch += 1
    assert refused(store.page, own, {"syncToken": token, "singleEvents": "false"}) == (410, "fullSyncRequired")


def test_a_listing_tells_what_lies_in_its_time_without_the_guests(store: Store, own: Calendar) -> None:
    guests = [{"email": "own", "self": True}, {"email": "bo@example.com"}]
    ids = [
        store.insert(own, {**FEAST, "attendees": guests})["id"],
        store.insert(own, {**DAYS, "recurrence": ["RRULE:FREQ=DAILY"]})["id"],
        store.insert(own, DAYS)["id"],
    ]
    store.remove(own, store.insert(own, FEAST)["id"])
    told = store.page(own, {"maxAttendees": "1", "timeMin": "2027-06-12T00:00:00Z", "timeMax": "2027-06-13T00:00:00Z"})
    assert [one["id"] for one in told["items"]] == ids
    assert (told["items"][0]["attendees"], told["items"][0]["attendeesOmitted"]) == (guests[:1], True)
    later = store.page(own, {"timeMin": "2027-06-14T00:00:00+02:00"})["items"]
    assert [one["id"] for one in later] == [ids[1]]
    assert store.page(own, {"timeMax": "2027-06-11T22:00:00Z"})["items"] == []
    assert store.page(own, {"fields": "items(id)"}) == {"items": [{"id": id} for id in sorted(ids, key=ids.index)]}


def test_an_occurrence_becomes_an_exception_of_its_series(store: Store, own: Calendar) -> None:
    days = store.insert(own, {**DAYS, "recurrence": ["RRULE:FREQ=WEEKLY"]})["id"]
    hours = store.insert(
        own, {"start": {**START, "timeZone": BERLIN}, "end": END, "recurrence": ["RRULE:FREQ=WEEKLY"]}
    )["id"]
    whole = store.get(own, f"{days}_20270619")
    assert (whole["start"], whole["end"]) == ({"date": "2027-06-19"}, {"date": "2027-06-21"})
    winter = store.get(own, f"{hours}_20271113T130000Z")
    assert winter["start"] == {"dateTime": "2027-11-13T14:00:00+01:00", "timeZone": BERLIN}
    assert winter["recurringEventId"] == hours
    single = store.insert(own, FEAST)["id"]
    for id in (f"{single}_20270619", "none_20270619", f"{days}_2027"):
        assert refused(store.get, own, id) == (404, "notFound")
    store.remove(own, f"{days}_20270619")
    stone = own.events[f"{days}_20270619"]
    assert (stone["status"], stone["recurringEventId"]) == ("cancelled", days)
    assert stone["id"] in [one["id"] for one in store.page(own, {})["items"]]


def test_patches_merge_and_masks_leave_out() -> None:
    assert merged({"a": 1, "b": {"c": 1, "d": 2}}, {"a": None, "b": {"c": None}, "e": {"f": 1}, "g": None}) == {
        "b": {"d": 2},
        "e": {"f": 1},
    }
    assert masked({"a": [{"b": 1, "c": 2}, 3], "d": {"e": {"f": 1}}, "g": 1}, "a(b),d(e)") == {
        "a": [{"b": 1}, 3],
        "d": {"e": {"f": 1}},
    }


def channel(id: str = "c1", **more: Any) -> dict[str, Any]:
    return {"id": id, "type": "web_hook", "address": "http://127.0.0.1:9/bell", **more}


async def test_channels_that_google_would_not_open_are_refused(own: Calendar, monkeypatch: pytest.MonkeyPatch) -> None:
    channels = Channels(Moods(driven.MOODS))
    for body, reason in (
        (channel(""), "invalid"),
        (channel("x" * 65), "invalid"),
        (channel(type="mail"), "invalid"),
        (channel(address="http://us.example/bell"), "push.webhookUrlNotHttps"),
    ):
        assert refused(channels.watch, own, body) == (400, reason)
    told = channels.watch(own, channel())
    assert int(told["expiration"]) / 1000 <= clock.machine_now().timestamp() + fake_channels.LIFE_S
    assert refused(channels.watch, own, channel()) == (400, "channelIdNotUnique")
    monkeypatch.setattr(fake_channels, "CHANNELS_MAX", 1)
    channels.watch(own, channel("c2"))
    assert list(channels.open) == ["c2"]
    resource = told["resourceId"]
    for body, account in (
        ({"id": "c2", "resourceId": "other"}, ACCOUNTS[0]),
        ({"id": "c2", "resourceId": resource}, ACCOUNTS[1]),
        ({"id": "c1", "resourceId": resource}, ACCOUNTS[0]),
        ({}, ACCOUNTS[0]),
    ):
        assert refused(channels.end, body, account) == (404, "notFound")
    channels.end({"id": "c2", "resourceId": resource}, ACCOUNTS[0])
    assert channels.open == {}
    await channels.stop()


async def test_who_watches_something_else_is_told_nothing_and_a_channel_ends_by_itself(
    own: Calendar, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    moods = Moods(driven.MOODS)
    channels = Channels(moods)
    soon = clock.machine_now() + timedelta(seconds=30)
    channels.watch(own, channel("mine", expiration=str(int(soon.timestamp() * 1000))))
    channels.watch(store.calendar("shown", ACCOUNTS[0]), channel("other"))
    for mood, number in (("fine", 3), (driven.DUPLICATE, 7), (driven.OFF, 7)):
        moods.switch(mood)
        channels.changed(own)
        assert (channels.open["mine"].number, channels.open["other"].number) == (number, 1)
    monkeypatch.setattr(clock, "machine_now", lambda: soon)
    channels.changed(own)
    assert list(channels.open) == ["other"]
    await channels.stop()
