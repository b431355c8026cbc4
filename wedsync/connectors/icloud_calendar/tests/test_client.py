"""What a CalDAV server's answers mean, whatever was asked, and whom the password is never told."""

from typing import Any

import pytest

from wedsync.connections.calendars.contract import Gone, Pulled
from wedsync.connections.contract import (
    Account,
    Attempt,
    Connection,
    Outcome,
    ReconnectNeeded,
    Rejected,
    RetryLater,
    Tools,
    Unknown,
)
from wedsync.connectors.icloud_calendar import client, mapper
from wedsync.connectors.icloud_calendar.client import Server, Told, server_of
from wedsync.connectors.icloud_calendar.connector import Caldav
from wedsync.connectors.icloud_calendar.tests.scripted import (
    BASE,
    KIND,
    NOW,
    OBJECT,
    PATH,
    Script,
    authorization,
    connection,
    connector,
    content,
    failure,
    listed,
    many,
    one,
    pulled,
    pushed,
    reply,
    there,
)
from wedsync.kit.http import Failure, Reply

PRINCIPAL = "<current-user-principal><href>{0}</href></current-user-principal>"
TASKS = '<C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set>'
READING = "<current-user-privilege-set><privilege><read/></privilege></current-user-privilege-set>"
HOME = "<C:calendar-home-set><href>{0}</href></C:calendar-home-set>"


@pytest.mark.parametrize(
    ("start", "is_ours", "target", "may"),
    [
        ("https://caldav.icloud.com/", True, "https://caldav.icloud.com/1/", True),
        ("https://caldav.icloud.com/", True, "https://p07-caldav.icloud.com/1/", True),
        ("https://caldav.icloud.com/", True, "https://icloud.com.evil.example/1/", False),
        ("https://caldav.icloud.com/", True, "https://evilicloud.com/1/", False),
        ("https://caldav.icloud.com/", True, "http://caldav.icloud.com/1/", False),
        ("https://caldav.icloud.com/", True, "https://caldav.icloud.com@evil.example/", False),
        ("https://caldav.icloud.com/", True, "https://x@caldav.icloud.com/", False),
        ("http://127.0.0.1:5232/", True, "https://127.0.0.1/", True),
        ("http://127.0.0.1:5232/", True, "http://9.127.0.0.1/", False),
        ("https://example.com/", True, "https://other.com/", False),
        ("https://dav.example.com/", True, "https://10.0.0.1/", False),
        ("https://dav.tenant.example/", False, "https://p1.dav.tenant.example/", True),
        ("https://dav.tenant.example/", False, "https://other.tenant.example/", False),
        ("https://dav.tenant.example/", False, "ftp://dav.tenant.example/", False),
        ("https://[2001:db8::1]/", True, "https://[2001:db8::2]/", False),
    ],
)
def test_the_password_goes_only_where_it_belongs(start: str, is_ours: bool, target: str, may: bool) -> None:
    server = Server(url=start, username="u", password="p", is_ours=is_ours)
    assert server.may_be_told(target) is may


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (reply(401), ReconnectNeeded),
        (reply(403), ReconnectNeeded),
        (reply(404), Gone),
        (reply(405), RetryLater),
        (reply(409), RetryLater),
        (reply(410), Gone),
        (reply(412), RetryLater),
        (reply(423), RetryLater),
        (reply(429, retry_after="30"), RetryLater),
        (reply(500), RetryLater),
        (reply(503, retry_after="Tue, 05 Jan 2027 12:01:00 GMT"), RetryLater),
        (reply(507), Rejected),
        (reply(207, "<html>", ending="whole"), RetryLater),
        (reply(207, "<html/>"), RetryLater),
        (reply(207, "<!DOCTYPE x [<!ENTITY a 'b'>]><x/>"), RetryLater),
        (many(ending="capped"), Rejected),
        (many(ending="cut"), RetryLater),
        (failure("refused"), ReconnectNeeded),
        (failure("timeout", may_have_arrived=True), RetryLater),
        (failure("proxy"), RetryLater),
    ],
)
async def test_every_answer_to_a_reading_call_means_one_thing(answer: Reply | Failure, word: type[Any]) -> None:
    same = (many(one("/", PRINCIPAL.format("/p/"))), many(one("/p/", HOME.format("/1/"))))
    found = await pulled(Script(answer, *same))
    assert isinstance(found, word)
    assert isinstance(found, Gone) or found.reason
    assert found.attempt.response_head == ""


async def test_how_long_to_wait_and_how_often_to_try_is_said() -> None:
    assert (await pulled(Script(reply(429, retry_after="30")))).after_s == 30
    assert (await pulled(Script(reply(503, retry_after="Tue, 05 Jan 2027 12:01:00 GMT")))).after_s == 60
    assert (await pulled(Script(reply(500)))).tries_max is None
    assert (await pulled(Script(reply(423)))).tries_max == 3
    ours = await pulled(Script(failure("proxy")))
    assert (ours.is_ours, ours.is_unreachable) == (True, False)
    assert (await pulled(Script(failure("connect")))).is_unreachable


async def test_a_write_without_an_answer_may_have_been_done_and_may_be_repeated() -> None:
    unsure = await pushed(Script(failure("timeout", may_have_arrived=True)))
    assert isinstance(unsure, Unknown)
    assert unsure.repeat_is_safe
    assert isinstance(await pushed(Script(failure("connect"))), RetryLater)
    looked = await pushed(Script(failure("timeout", may_have_arrived=True)), id=PATH)
    assert isinstance(looked, RetryLater)


@pytest.mark.parametrize("calendar", ["https://evil.example/1/cal/", "http://dav.example/1/cal/"])
async def test_a_calendar_on_another_host_is_not_told_the_password(calendar: str) -> None:
    script = Script()
    found = await pulled(script, calendar=calendar)
    assert isinstance(found, ReconnectNeeded)
    assert "must not be told your password" in found.reason
    assert script.asked == []


async def test_an_event_on_another_host_is_neither_read_nor_written() -> None:
    for event in (None, mapper.to_changes(PATH, "", OBJECT.encode(), own=frozenset())[0][0].event):
        script = Script()
        assert isinstance(await pushed(script, event, id="//evil.example/x.ics"), ReconnectNeeded)
        assert script.asked == []


async def test_a_large_answer_is_read_as_a_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LARGE_BYTES", 10)
    found = await pulled(Script(there(), many(listed()), many(content())))
    assert isinstance(found, Pulled)
    assert [change.id for change in found.changes] == [PATH]


async def account(script: Script, **secrets: str) -> Account | Outcome:
    return await connector(script).account(connection(**secrets), timeout_s=5)


async def test_redirects_are_followed_where_they_lead_and_not_for_ever() -> None:
    script = Script(
        reply(301, location="/dav/"),
        many(one("/dav/", PRINCIPAL.format("/p/"))),
        reply(308, location="https://p07.dav.example/p/"),
        many(one("/p/", HOME.format("/p/calendars/"))),
    )
    found = await account(script)
    assert found == Account(id="p07.dav.example/p/", title="vera@flora.example")
    assert [one.url for one in script.asked] == [
        BASE,
        f"{BASE}dav/",
        f"{BASE}p/",
        "https://p07.dav.example/p/",
    ]
    assert {one.headers["authorization"] for one in script.asked} == {authorization()}
    round_ = await account(Script(*[reply(302, location="/again/") for _ in range(client.REDIRECTS_MAX)]))
    assert isinstance(round_, ReconnectNeeded)
    assert "round in circles" in round_.reason


@pytest.mark.parametrize(("location", "says"), [("https://evil.example/", "evil.example"), (None, "dav.example")])
async def test_a_redirect_to_somebody_else_or_to_nowhere_ends(location: str | None, says: str) -> None:
    script = Script(reply(301, location=location) if location else reply(301))
    found = await account(script)
    assert isinstance(found, ReconnectNeeded)
    assert says in found.reason
    assert len(script.asked) == 1


async def test_discovery_asks_at_the_address_then_where_servers_are_then_at_the_root() -> None:
    script = Script(
        reply(405),
        many(one("/.well-known/caldav", "<displayname>no principal</displayname>")),
        many(one("/", ""), one("/", PRINCIPAL.format("/p/"))),
        many(one("/p/", "<displayname>V</displayname>"), one("/p/", HOME.format("/c/"))),
        many(
            one("/c/", "<resourcetype><collection/></resourcetype>"),
            one("/c/none/"),
            one(
                "/c/tasks/",
                KIND
                + '<C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set>',
            ),
            one(
                "/c/a/",
                KIND + "<current-user-privilege-set><privilege><read/></privilege></current-user-privilege-set>",
            ),
            one("/c/b/", KIND + "<displayname>B</displayname>"),
            one("/c/home/", KIND + "<displayname>Ours</displayname>"),
            one("/c/sub/", KIND.replace("<collection/>", "<collection/><S:subscribed/>")),
        ),
    )
    found = await connector(script, f"{BASE}start/").calendars(connection(), timeout_s=5)
    assert isinstance(found, tuple)
    assert [(one.id, one.title, one.is_writable, one.is_primary) for one in found] == [
        (f"{BASE}c/a/", "a", False, False),
        (f"{BASE}c/b/", "B", True, False),
        (f"{BASE}c/home/", "Ours", True, True),
        (f"{BASE}c/sub/", "sub", False, False),
    ]
    assert script.said[:3] == ["PROPFIND /start/", "PROPFIND /.well-known/caldav", "PROPFIND /"]


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ((reply(404), reply(404)), "no CalDAV server"),
        ((many(), reply(200, "<html>")), "no CalDAV server"),
        ((many(one("/", PRINCIPAL.format("/p/"))), many(one("/p/", "<displayname>V</displayname>"))), "no CalDAV"),
        ((many(one("/", PRINCIPAL.format("https://evil.example/p/"))),), "evil.example"),
        ((many(one("/", PRINCIPAL.format("/p/"))), many(one("/p/", HOME.format("https://evil.example/")))), "evil"),
        ((reply(404), reply(401)), "app-specific password"),
    ],
)
async def test_what_is_no_calendar_server_is_told_to_whoever_connects(answers: tuple[Reply, ...], says: str) -> None:
    script = Script(*answers)
    found = await account(script)
    assert isinstance(found, ReconnectNeeded)
    assert says in found.reason
    assert script.left == []


async def test_a_principal_that_is_not_there_passes_perhaps_and_not_for_ever() -> None:
    found = await account(Script(many(one("/", PRINCIPAL.format("/p/"))), reply(404)))
    assert isinstance(found, RetryLater)
    assert (found.tries_max, found.attempt.status) == (3, 404)


async def test_an_account_that_moved_to_another_partition_is_found_again() -> None:
    moved = many(one("/p/", HOME.format("https://p42.dav.example/1/")))
    for answer in (reply(404), reply(421)):
        script = Script(
            answer, many(one("/", PRINCIPAL.format("/p/"))), moved, there(), many(listed()), many(content())
        )
        found = await pulled(script)
        assert isinstance(found, Pulled), found
        assert script.asked[-1].url == "https://p42.dav.example/1/cal/"
    assert isinstance(await pulled(Script(reply(404), reply(404), reply(404))), ReconnectNeeded)
    lost = await pulled(Script(reply(404), many(one("/", PRINCIPAL.format("/p/"))), reply(404)))
    assert lost == Gone(is_calendar=True, attempt=lost.attempt)
    same = many(one("/p/", HOME.format("/1/")))
    gone = await pulled(Script(reply(404), many(one("/", PRINCIPAL.format("/p/"))), same))
    assert gone == Gone(is_calendar=True, attempt=gone.attempt)


def secrets(**values: str) -> Connection:
    return Connection(id=connection().id, secrets={name: (value,) for name, value in values.items()})


@pytest.mark.parametrize("values", [{}, {"username": "v"}, {"password": "p"}, {"username": "", "password": "p"}])
def test_a_connection_without_name_or_password_is_to_be_connected_again(values: dict[str, str]) -> None:
    with pytest.raises(Told) as told:
        server_of(secrets(**values), BASE)
    assert isinstance(told.value.word, ReconnectNeeded)


@pytest.mark.parametrize(
    ("address", "url", "is_ours"),
    [
        ("", BASE, True),
        ("  ", BASE, True),
        ("cal.tenant.example/dav", "https://cal.tenant.example/dav", False),
        ("http://cal.tenant.example/", "http://cal.tenant.example/", False),
    ],
)
def test_a_server_of_the_tenants_is_https_unless_said_otherwise(address: str, url: str, is_ours: bool) -> None:
    server = server_of(secrets(username="v", password="p", address=address), BASE)
    assert (server.url, server.is_ours) == (url, is_ours)
    assert "p" not in repr(server).removeprefix("Server")


async def test_an_account_on_a_server_of_the_tenants_is_called_by_its_host() -> None:
    script = Script(many(one("/", PRINCIPAL.format("/p/"))), many(one("/p/", HOME.format("/c/"))))
    found = await account(script, address="cal.tenant.example", username="vera")
    assert found == Account(id="cal.tenant.example/p/", title="vera (cal.tenant.example)")


async def test_a_connector_without_a_connection_to_speak_of_asks_nobody() -> None:
    script = Script()
    made: Any = Caldav(Tools(wire=script, machine_now=lambda: NOW, settings={"icloud_calendar_base_url": BASE}))
    for found in (
        await made.account(secrets(), timeout_s=1),
        await made.calendars(secrets(), timeout_s=1),
    ):
        assert isinstance(found, ReconnectNeeded)
        assert found.attempt == Attempt()
    assert script.asked == []
