"""The fake iCloud refuses what iCloud refuses, and a person changes calendars in it by hand."""

from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest

from tests.connectors.stages import Stage, staged
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.calendars.event import Days, Timed
from wedsync.connectors.icloud_calendar import fake, fake_store
from wedsync.connectors.icloud_calendar.fake import Icloud
from wedsync.connectors.icloud_calendar.fake_speech import PASSWORD, Account, Answer, Asked, Talk, account_of, speak
from wedsync.connectors.icloud_calendar.tests.scripted import OBJECT
from wedsync.kit.errors import Refusal
from wedsync.kit.http import Reply, Wire

HOME = "/caldav/p07/10000001/calendars/home/"
HOLIDAYS = "/caldav/p07/10000001/calendars/holidays/"
TALK = Talk(epoch=1, page_size=1000, is_odd=False)
QUERY = (
    '<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><C:filter>'
    '<C:comp-filter name="VCALENDAR">{0}</C:comp-filter></C:filter></C:calendar-query>'
)


@pytest.fixture
def account() -> Account:
    return Icloud().accounts[ACCOUNTS[0]]


def ask(account: Account, method: str, path: str, body: str = "", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return speak(Asked(method=method, path=path, headers=named, body=body, at="http://x"), account, TALK)


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("MKCALENDAR", "/caldav/p07/10000001/calendars/new/", "", {}, 403),
        ("GET", "/caldav/elsewhere", "", {}, 404),
        ("PROPFIND", "/caldav/elsewhere/", "", {}, 404),
        ("PROPFIND", f"{HOME}x.ics", "", {}, 404),
        ("PROPFIND", "/caldav/10000001/principal/", "", {"depth": "1"}, 400),
        ("PROPFIND", "/caldav/10000001/principal/", "", {"depth": "0"}, 207),
        ("PROPFIND", HOME.rstrip("/"), "", {"depth": "1"}, 404),
        ("MOVE", f"{HOME}x.ics", "", {}, 405),
        ("GET", f"{HOME}x.ics", "", {}, 404),
        ("DELETE", f"{HOME}x.ics", "", {}, 404),
        ("PUT", f"{HOME}x.ics", OBJECT, {}, 201),
        ("PUT", f"{HOME}x.ics", OBJECT, {"if_match": '"old"'}, 412),
        ("PUT", f"{HOME}x.ics", OBJECT.replace("DTEND", "X-END"), {}, 403),
        ("PUT", f"{HOME}x.ics", OBJECT.replace("VEVENT", "VTODO"), {}, 403),
        ("PUT", f"{HOLIDAYS}x.ics", OBJECT, {}, 403),
        ("REPORT", HOME, QUERY.format('<C:comp-filter name="VTODO"/>'), {}, 400),
        ("REPORT", HOME, '<x xmlns="DAV:"/>', {}, 400),
    ],
)
def test_it_refuses_what_icloud_refuses(
    account: Account, method: str, path: str, body: str, headers: dict[str, str], status: int
) -> None:
    assert ask(account, method, path, body, **headers).status == status


def test_if_match_with_a_star_is_understood_the_wrong_way_round(account: Account) -> None:
    path = f"{HOME}x.ics"
    assert ask(account, "PUT", path, OBJECT, if_match="*").status == 201
    assert ask(account, "PUT", path, OBJECT, if_match="*").status == 412
    assert ask(account, "PUT", path, OBJECT, if_none_match="*").status == 412
    assert ask(account, "DELETE", path, if_match='"old"').status == 412
    again = ask(account, "PUT", f"{HOME}y.ics", OBJECT)
    assert (again.status, "no-uid-conflict" in again.body) == (409, True)
    assert ask(account, "DELETE", path).status == 204


def test_a_query_tells_what_lies_in_its_time_and_all_without_one(account: Account) -> None:
    ask(account, "PUT", f"{HOME}x.ics", OBJECT)
    span = '<C:time-range start="{0}T000000Z" end="{1}T000000Z"/>'
    for inner, is_told in (
        ("", True),
        (span.format("20270601", "20270701"), True),
        (span.format("20270701", "20270801"), False),
        (span.format("20270101", "20270201"), False),
    ):
        body = QUERY.format(f'<C:comp-filter name="VEVENT">{inner}</C:comp-filter>')
        assert ("x.ics" in ask(account, "REPORT", HOME, body).body) is is_told


@pytest.mark.parametrize("authorization", ["", "Basic !", "Basic /w==", "Basic YQ==", "Bearer x"])
def test_nobody_is_let_in_without_the_password(account: Account, authorization: str) -> None:
    assert account_of(authorization, {"a": account}) is None


def test_a_token_of_another_epoch_or_of_nobody_is_refused(account: Account) -> None:
    body = '<sync-collection xmlns="DAV:"><sync-token>{0}</sync-token></sync-collection>'
    for token in ("HwoQEgwAAA2-0", "HwoQEgwAAA1-x", "nonsense"):
        assert "valid-sync-token" in ask(account, "REPORT", HOME, body.format(token)).body
    assert ask(account, "REPORT", HOME, body.format("HwoQEgwAAA1-0")).status == 207


async def test_what_is_not_there_is_not_found() -> None:
    icloud = Icloud()
    for missing in (
        icloud.delete(HOME, "nothing.ics"),
        icloud.move(HOME, "nothing.ics", Days(on="2027-01-01", until="2027-01-02")),
    ):
        with pytest.raises(Refusal) as refused:
            await missing
        assert refused.value.status == 404
    with pytest.raises(Refusal):
        icloud.calendar("/caldav/p07/10000001/calendars/none/")
    id = await icloud.make(
        HOME, title="Once", times=Timed(start="2027-01-01T10:00:00", end="2027-01-01T11:00:00", zone="")
    )
    icloud.calendar(HOME).put(f"{HOME}lone.ics", OBJECT.replace("DTSTART", "RECURRENCE-ID:20270605T120000Z\r\nDTSTART"))
    assert [(one.id, one.title) for one in icloud.seen(HOME)] == [(id, "Once")]


async def test_the_oldest_go_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fake_store, "OBJECTS_MAX", 2)
    icloud = Icloud()
    days = Days(on="2027-01-01", until="2027-01-02")
    ids = [await icloud.make(HOME, title=name, times=days) for name in "abc"]
    assert list(icloud.calendar(HOME).objects) == ids[1:]


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with staged("icloud_calendar") as one:
        yield one


async def test_a_visitor_makes_moves_and_deletes_events_by_hand(stage: Stage) -> None:
    wire = Wire()
    form = {"content-type": "application/x-www-form-urlencoded"}

    async def send(path: str, **fields: str) -> int:
        done = await wire.request(
            "POST", f"{stage.at}/dav{path}", headers=form, body=urlencode(fields).encode(), trusted=True
        )
        assert isinstance(done, Reply)
        return done.status

    async def page(path: str = "") -> str:
        shown = await wire.request("GET", f"{stage.at}/dav{path}", trusted=True)
        assert isinstance(shown, Reply)
        return shown.body.decode() if shown.status == 200 else str(shown.status)

    own = "/at/10000001/home"
    assert await send(own, what="make", title="By hand", start="2027-06-12T14:00", minutes="90") == 303
    assert "By hand" in await page(own)
    (seen,) = stage.fake.seen(HOME)
    assert seen.times == Timed(start="2027-06-12T14:00:00", end="2027-06-12T15:30:00", zone="Europe/Berlin")
    assert await send(own, what="move", id=seen.id, start="2027-06-13T10:00") == 303
    assert [one.times.end for one in stage.fake.seen(HOME) if isinstance(one.times, Timed)] == ["2027-06-13T11:00:00"]
    assert await send(own, what="move", id=seen.id, day="2027-06-14") == 303
    assert "2027-06-14" in await page(own)
    for fields in (
        {"day": "soon"},
        {"start": ""},
        {"start": "2027-06-13T10:00", "minutes": "long"},
        {"day": "9999-12-31"},
    ):
        assert await send(own, what="move", id=seen.id, **fields) == 422
    assert [one.times for one in stage.fake.seen(HOME)] == [Days(on="2027-06-14", until="2027-06-15")]
    assert await send(own, what="delete", id="nothing") == 404
    assert await send(own, what="delete", id=seen.id) == 303
    assert stage.fake.seen(HOME) == []
    assert await page("/at/10000009/home") == await page("/at/10000001/none") == "404"
    assert (await send("/mood", mood="5xx", times="2"), stage.fake.moods.left) == (303, 2)
    assert (await send("/mood", mood="fine", times="often"), stage.fake.moods.left) == (303, None)
    epoch = stage.fake.epoch  # type: ignore[attr-defined]
    assert await send("/forget") == 303
    assert stage.fake.epoch == epoch + 1  # type: ignore[attr-defined]
    assert PASSWORD in await page()
    await wire.close()


async def test_too_much_is_not_read(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fake, "BODY_MAX_BYTES", 100)
    wire = Wire()
    found = await wire.request("PUT", f"{stage.at}{HOME}x.ics", body=b"x" * 200_000, trusted=True)
    await wire.close()
    assert isinstance(found, Reply)
    assert found.status == 413
