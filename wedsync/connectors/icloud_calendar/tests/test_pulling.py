"""Reading by CalDAV where servers lose tokens, leave out what they told of, cut answers short, or know less."""

import pytest

from wedsync.connections.calendars.contract import Change, CursorLost, Pulled
from wedsync.connections.contract import ReconnectNeeded, RetryLater
from wedsync.connectors.icloud_calendar import mapper, pulling
from wedsync.connectors.icloud_calendar.mapper import Cursor
from wedsync.connectors.icloud_calendar.tests.scripted import (
    CALENDAR,
    KIND,
    OBJECT,
    PATH,
    Script,
    content,
    listed,
    many,
    one,
    pulled,
    refusal,
    reply,
    there,
)
from wedsync.kit.http import Reply

SYNC = mapper.written(Cursor(way="sync", token="t1", exceptions={PATH: ("2027-06-12T12:00:00",)}))
QUERY = "<supported-report><report><C:calendar-query/></report></supported-report>"
NO_SYNC = f"<supported-report-set>{QUERY}</supported-report-set>"


def etags(tag: str = "g1", **known: str) -> str:
    return mapper.written(
        Cursor(way="etags", token=tag, etags={f"/1/cal/{name}.ics": tag for name, tag in known.items()})
    )


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal(403, "valid-sync-token"), CursorLost),
        (refusal(409, "valid-sync-token"), CursorLost),
        (refusal(412, "valid-sync-token"), CursorLost),
        (refusal(403, "need-privileges"), ReconnectNeeded),
        (reply(403, "<error"), ReconnectNeeded),
        (reply(403, "<valid-sync-token/>"), ReconnectNeeded),
        (reply(409), RetryLater),
        (reply(412), RetryLater),
        (reply(400), CursorLost),
        (reply(405), CursorLost),
        (reply(501), CursorLost),
        (reply(410), CursorLost),
        (many(listed()), RetryLater),
        (many(token="t2", ending="cut"), RetryLater),
        (many(token="t2"), Pulled),
    ],
)
async def test_what_an_answer_to_our_token_means(answer: Reply, kind: type) -> None:
    script = Script(answer)
    found = await pulled(script, SYNC)
    assert isinstance(found, kind), found
    assert b"<D:sync-token>t1</D:sync-token>" in script.asked[0].body


async def test_a_cursor_that_is_none_is_lost_without_asking() -> None:
    for cursor in ("nonsense", "1.nonsense", "1.é", mapper.MARK, "1.AAAA"):
        script = Script()
        assert isinstance(await pulled(script, cursor), CursorLost)
        assert script.asked == []


async def test_what_is_gone_takes_its_exceptions_along_and_the_calendar_itself_is_no_event() -> None:
    gone = one(PATH, status="404 Not Found")
    own = one("/1/cal/", "<getetag>&quot;self&quot;</getetag>")
    odd = one("/1/cal/odd.ics", status="500 Later")
    folder = one("/1/cal/sub/", "<getetag>x</getetag>")
    found = await pulled(Script(many(gone, own, odd, folder, token="t2")), SYNC)
    assert [change.id for change in found.changes] == [PATH, f"{PATH}#2027-06-12T12:00:00"]
    assert not found.has_more
    assert mapper.read_cursor(found.cursor) == Cursor(way="sync", token="t2")


@pytest.mark.parametrize(("token", "has_more"), [("t2", True), ("t1", False)])
async def test_an_answer_cut_short_is_gone_on_from_where_it_got_on(token: str, has_more: bool) -> None:
    cut = one("/1/cal/", status="507 Insufficient Storage")
    found = await pulled(Script(many(listed(), cut, token=token), many(content())), SYNC)
    assert isinstance(found, Pulled)
    assert found.has_more is has_more
    if has_more:
        rest = Script(many(token="t3"))
        assert not (await pulled(rest, found.cursor)).has_more
        assert b"<D:sync-token>t2<" in rest.asked[0].body


@pytest.mark.parametrize(
    ("answers", "changes", "unread"),
    [
        ((many(content()),), [(PATH, True)], 0),
        ((many(one(PATH, status="410 Gone")),), [(PATH, False), (f"{PATH}#2027-06-12T12:00:00", False)], 0),
        ((many(), reply(200, OBJECT, etag='"e1"')), [(PATH, True)], 0),
        ((many(), reply(404)), [(PATH, False), (f"{PATH}#2027-06-12T12:00:00", False)], 0),
        ((many(content(body=OBJECT.replace("DTSTART:2027", "DTSTART:soon"))),), [], 1),
        ((many(ending="capped"),), [], 1),
    ],
)
async def test_each_event_told_of_is_read_or_counted(
    answers: tuple[Reply, ...], changes: list[tuple[str, bool]], unread: int
) -> None:
    found = await pulled(Script(many(listed(), token="t2"), *answers), SYNC)
    assert isinstance(found, Pulled), found
    told = [(change.id, change.event is not None) for change in found.changes]
    if changes == [(PATH, True)]:
        changes = [*changes, (f"{PATH}#2027-06-12T12:00:00", False)]
    assert told == changes
    assert found.unread == unread
    assert {change.etag for change in found.changes if change.event is not None} <= {'"e1"'}


async def test_an_exception_that_cannot_be_read_any_more_is_not_gone() -> None:
    """Nor is it forgotten: once the object can be read, it is told of if it is not in it."""
    later = OBJECT[OBJECT.index("BEGIN:VEVENT") : OBJECT.index("END:VCALENDAR")].replace(
        "DTSTART:", "RECURRENCE-ID;RANGE=THISANDFUTURE:20270612T120000Z\r\nDTSTART:"
    )
    spoilt = OBJECT.replace("END:VCALENDAR", later + "END:VCALENDAR")
    found = await pulled(Script(many(listed(), token="t2"), many(content(body=spoilt))), SYNC)
    assert ([change.id for change in found.changes], found.unread) == ([PATH], 1)
    after = await pulled(Script(many(listed(), token="t3"), many(content())), found.cursor)
    assert [change.id for change in after.changes] == [PATH, f"{PATH}#2027-06-12T12:00:00"]


@pytest.mark.parametrize(
    "answers",
    [
        (many(), reply(500)),
        (many(), reply(423)),
        (many(), reply(200, OBJECT[:80], ending="cut")),
        (many(one(PATH, "<getetag>e1</getetag>")),),
        (many(one(PATH, "<getetag>e1</getetag><C:calendar-data/>")),),
        (many(content(), ending="cut"),),
        (reply(400),),
    ],
)
async def test_silence_about_an_event_deletes_nothing(answers: tuple[Reply, ...]) -> None:
    found = await pulled(Script(many(listed(), token="t2"), *answers), SYNC)
    assert isinstance(found, RetryLater), found


async def test_events_on_another_host_are_not_asked_for() -> None:
    found = await pulled(Script(many(listed("//evil.example/x.ics"), token="t2"), many(), reply(404)), SYNC)
    assert [change.id for change in found.changes] == ["/x.ics"]


async def test_too_much_at_once_is_asked_for_in_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "MULTIGET", 3)
    paths = [f"/1/cal/{name}.ics" for name in "abc"]
    told = many(*(listed(path) for path in paths), token="t2")
    big = many(ending="capped")
    script = Script(told, big, many(content(paths[0])), big, big, many(content(paths[2])))
    found = await pulled(script, SYNC)
    assert [change.id for change in found.changes] == [paths[0], paths[2]]
    assert found.unread == 1


@pytest.mark.parametrize("status", [400, 403, 404, 405, 415, 501])
async def test_a_server_that_cannot_search_by_time_tells_everything(status: int) -> None:
    every = many(one("/1/cal/", KIND), listed(), one("/1/cal/y.ics", KIND), one("/1/cal/z.ics", status="403 No"))
    script = Script(there(), reply(status), every, many(content()))
    found = await pulled(script)
    assert isinstance(found, Pulled)
    assert ([change.id for change in found.changes], found.is_listing) == ([PATH], True)
    refused = await pulled(Script(there(), reply(423)))
    assert isinstance(refused, RetryLater)


async def test_without_sync_what_lies_in_the_time_is_listed_and_all_etags_are_kept() -> None:
    every = many(listed(), listed("/1/cal/old.ics", '"e0"'))
    found = await pulled(Script(there(more=NO_SYNC), many(listed()), every, many(content())))
    assert [change.id for change in found.changes] == [PATH]
    held = mapper.read_cursor(found.cursor)
    assert held is not None
    assert (held.way, held.token) == ("etags", "g1")
    assert held.etags == {PATH: '"e1"', "/1/cal/old.ics": '"e0"'}


async def test_without_sync_a_calendar_whose_tag_is_the_same_has_not_changed() -> None:
    script = Script(there(more=NO_SYNC))
    found = await pulled(script, etags("g1", x='"e1"'))
    assert (found.changes, found.has_more, script.left) == ((), False, [])


@pytest.mark.parametrize("tag", ["g2", ""])
async def test_without_sync_changes_are_what_has_another_etag(tag: str) -> None:
    told = many(listed("/1/cal/x.ics", '"e1"'), listed("/1/cal/y.ics", '"e2"'), listed("/1/cal/new.ics"))
    new = many(content("/1/cal/y.ics", etag='"e2"'), content("/1/cal/new.ics"))
    script = Script(there(tag=tag, more=NO_SYNC), told, new)
    found = await pulled(script, etags(tag and "g1", x='"e1"', y='"e1"', gone='"e1"'))
    assert found.changes[0] == Change(id="/1/cal/gone.ics")
    assert [change.id for change in found.changes[1:]] == ["/1/cal/y.ics", "/1/cal/new.ics"]
    assert b"/1/cal/x.ics" not in script.asked[2].body
    held = mapper.read_cursor(found.cursor)
    assert held is not None
    assert held.token == tag


async def test_a_page_is_gone_on_with_without_asking_what_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "PAGE", 1)
    told = many(listed("/1/cal/a.ics"), listed("/1/cal/b.ics"), token="t2")
    first = await pulled(Script(told, many(content("/1/cal/a.ics"))), SYNC)
    assert first.has_more
    script = Script(many(content("/1/cal/b.ics")))
    last = await pulled(script, first.cursor)
    assert ([change.id for change in last.changes], last.has_more) == (["/1/cal/b.ics"], False)
    assert script.asked[0].url == CALENDAR
