"""What the chain relies on in providers of mail that speak HTTP: the right word for each trouble, and honest hooks.

Runs for every connector whose manifest has a `[mails]` table with a scheme; connectors are found, not listed.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
from litestar import Request, Response, post

from wedsync.connections.contract import (
    Connection,
    Delivered,
    Delivery,
    Outcome,
    ReconnectNeeded,
    Rejected,
    RetryLater,
    Tools,
    Unknown,
)
from wedsync.connections.mailing.contract import RANKS, Mails, Said, Tells
from wedsync.connections.mailing.fake_office import BLACK_HOLE, RETRY_AFTER_S
from wedsync.connections.manifest import find, module
from wedsync.connections.stage import serving
from wedsync.connections.verify.request import Request as Asked
from wedsync.connections.verify.scheme import verify
from wedsync.kit import clock
from wedsync.kit.http import Wire

NAMES = [name for name, manifest in find().items() if manifest.mails is not None and manifest.mails.scheme]
TENANT = UUID("01970000-0000-7000-8000-00000000a001")
MESSAGE = {
    "to": "zoe.unmistakable@example.com",
    "to_name": 'Zoë "Z" Unmistakable',
    "from_name": "Ana & Ben",
    "subject": "The ceremony is at four\r\nBcc: everybody@example.com",
    "text": "It moved by an hour.\n",
    "html": "<p>It moved by an hour.</p>",
    "reply_to": "ana@example.com",
    "unsubscribe_url": "https://wedsync.test/no-mail/abc",
    "language": "en",
}


class Stage:
    """A connector, its fake, and what the fake's hooks brought."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.manifest = find()[name]
        self.fake: Any = module(name, "fake").build(None)
        self.hooks: list[tuple[Mapping[str, str], bytes]] = []
        self.came = asyncio.Event()
        self.settings: dict[str, Any] = {}
        self.connector: Any = None

    @property
    def office(self) -> Any:
        return self.fake.office

    async def send(self, *, timeout_s: float = 5.0, id: UUID | None = None, **changes: Any) -> Outcome:
        delivery = Delivery(id=id or uuid4(), tenant=TENANT, timeout_s=timeout_s, message=MESSAGE | changes)
        outcome: Outcome = await self.connector.deliver(delivery, Connection(id=TENANT))
        return outcome

    async def probe(self, *, timeout_s: float = 5.0) -> Outcome:
        outcome: Outcome = await self.connector.probe(timeout_s=timeout_s)
        return outcome

    async def told(self, count: int) -> list[Said]:
        """What so many hooks say, each verified."""
        while len(self.hooks) < count:
            self.came.clear()
            await asyncio.wait_for(self.came.wait(), 10)
        found: list[Said] = []
        for headers, body in self.hooks:
            assert self.verified(headers, body) is None
            mails = self.manifest.mails
            assert mails is not None
            found += self.connector.said(body, headers.get(mails.id_header, ""))
        return found

    def verified(self, headers: Mapping[str, str], body: bytes) -> str | None:
        mails = self.manifest.mails
        assert mails is not None and mails.scheme is not None
        secrets = str(self.settings[mails.secrets]).split(",")
        now = clock.machine_now().timestamp()
        return verify(mails.scheme, Asked(headers=headers, body=body, url="", secrets=secrets, now=now))

    def route(self) -> Any:
        @post("/bell", status_code=200)
        async def ring(request: Request[Any, Any, Any]) -> Response[bytes]:
            self.hooks.append((dict(request.headers), await request.body()))
            self.came.set()
            return Response(b"")

        return ring


@pytest.fixture(params=NAMES)
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    made, wire = Stage(request.param), Wire()
    try:
        async with serving([made.fake], others=[made.route()]) as at:
            made.settings = {"mail_from": "WedSync <no-reply@wedsync.example>"} | dict(made.fake.settings_at(at))
            made.office.hooks_url = f"{at}/bell"
            tools = Tools(wire=wire, machine_now=clock.machine_now, settings=made.settings)
            made.connector = module(made.name, "connector").connect(tools)
            yield made
    finally:
        await wire.close()


def test_it_is_what_its_manifest_says(stage: Stage) -> None:
    assert {"delivers", "mails"} <= set(stage.manifest.does)
    assert isinstance(stage.connector, Mails) and isinstance(stage.connector, Tells)
    assert stage.manifest.mails is not None
    assert stage.manifest.mails.needs in stage.manifest.operator_secrets


async def test_a_mail_arrives_whole_and_nothing_breaks_out_of_its_headers(stage: Stage) -> None:
    id = uuid4()
    outcome = await stage.send(id=id)
    assert isinstance(outcome, Delivered) and outcome.remote_id
    (letter,) = stage.office.to(MESSAGE["to"])
    assert letter.delivery == str(id)
    assert letter.text == MESSAGE["text"]
    assert letter.subject == "The ceremony is at four Bcc: everybody@example.com"
    headers = letter.body["headers"]
    assert headers["List-Unsubscribe"] == "<https://wedsync.test/no-mail/abc>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(
    ("mood", "word"),
    [
        ("5xx", RetryLater),
        ("quota", RetryLater),
        ("429", RetryLater),
        ("dead key", ReconnectNeeded),
        ("refusing", Rejected),
        ("unknown fields", Delivered),
        ("truncated", Delivered),
        ("lost reply", Unknown),
        (BLACK_HOLE, Unknown),
    ],
)
async def test_each_word_of_trouble_is_the_right_one(stage: Stage, mood: str, word: type[Outcome]) -> None:
    stage.fake.moods.switch(mood)
    outcome = await stage.send(timeout_s=0.3 if mood == BLACK_HOLE else 5.0)
    assert isinstance(outcome, word), outcome
    if mood == "429":
        assert isinstance(outcome, RetryLater) and outcome.after_s == RETRY_AFTER_S
    if mood == "quota":
        assert isinstance(outcome, RetryLater) and (outcome.after_s or 0) >= 3600


async def test_a_port_where_nobody_listens_has_surely_taken_nothing(stage: Stage) -> None:
    wire = Wire()
    url = next(name for name in stage.settings if name.endswith("_base_url"))
    tools = Tools(wire=wire, machine_now=clock.machine_now, settings=stage.settings | {url: "http://127.0.0.1:1"})
    stage.connector = module(stage.name, "connector").connect(tools)
    outcome = await stage.send()
    await wire.close()
    assert isinstance(outcome, RetryLater) and outcome.is_unreachable


async def test_a_repeat_is_one_mail_where_it_is_said_to_be_safe(stage: Stage) -> None:
    id = uuid4()
    stage.fake.moods.switch("lost reply", 1)
    first = await stage.send(id=id)
    assert isinstance(first, Unknown)
    assert isinstance(await stage.send(id=id), Delivered)
    letters = stage.office.to(MESSAGE["to"])
    assert len(letters) == (1 if first.repeat_is_safe else 2)


async def test_what_no_mail_can_be_made_of_is_rejected_unsent(stage: Stage) -> None:
    for change in ({"to": "nobody"}, {"to": 7}, {"reply_to": "x@"}, {"unsubscribe_url": "javascript:1"}):
        assert isinstance(await stage.send(**change), Rejected)
    erased = Delivery(id=uuid4(), tenant=TENANT, timeout_s=1.0)
    assert isinstance(await stage.connector.deliver(erased, Connection(id=TENANT)), Rejected)
    assert stage.office.calls == []


async def test_a_probe_sends_nothing_and_tells_a_dead_key_from_a_dead_provider(stage: Stage) -> None:
    assert isinstance(await stage.probe(), Delivered)
    stage.fake.moods.switch("dead key")
    assert isinstance(await stage.probe(), ReconnectNeeded)
    stage.fake.moods.switch("5xx")
    assert isinstance(await stage.probe(), RetryLater)
    stage.fake.moods.switch(BLACK_HOLE)
    assert isinstance(await stage.probe(timeout_s=0.3), RetryLater)
    assert len(stage.office.letters) == 0


async def test_without_a_key_it_says_so(stage: Stage) -> None:
    assert stage.manifest.mails is not None
    wire = Wire()
    settings = stage.settings | {stage.manifest.mails.needs: ""}
    tools = Tools(wire=wire, machine_now=clock.machine_now, settings=settings)
    stage.connector = module(stage.name, "connector").connect(tools)
    for outcome in (await stage.send(), await stage.probe()):
        assert isinstance(outcome, ReconnectNeeded) and "WEDSYNC_" in outcome.reason
    await wire.close()


async def test_hooks_are_verified_and_say_which_mail_and_whether_the_address_is_over(stage: Stage) -> None:
    id = uuid4()
    await stage.send(id=id)
    (letter,) = stage.office.to(MESSAGE["to"])
    said = await stage.told(2)
    assert [one.status for one in said] == ["accepted", "delivered"]
    assert {one.delivery for one in said} == {id}
    assert len({one.id for one in said}) == 2
    events = list(module(stage.name, "fake").EVENTS)
    for event in events:
        stage.office.tell(letter, [event])
    later = (await stage.told(2 + len(events)))[2:]
    assert {one.address for one in later} == {MESSAGE["to"]}
    assert sorted(one.status for one in later if one.ends_address) == ["bounced", "complained"]
    # A bounce that may pass is this mail's failure, not the address's.
    assert [one.status for one in later if one.status == "failed" and not one.ends_address] == ["failed"]
    assert all(one.status in RANKS for one in later)
    headers, body = stage.hooks[0]
    assert stage.verified(headers, body + b" ") is not None
    assert stage.verified({}, body) is not None


async def test_a_hook_of_something_else_says_nothing_and_one_that_is_none_is_refused(stage: Stage) -> None:
    for strange in (b"null", b"{", b'"x"', b'{"type": 7}', b'[{"event": 7}]'):
        with pytest.raises(ValueError):
            stage.connector.said(strange, "id")


async def test_no_secret_and_nobody_is_in_outcomes_or_logs(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told = []
    for mood in ("fine", "5xx", "quota", "dead key", "refusing", "lost reply"):
        stage.fake.moods.switch(mood)
        told.append(repr(await stage.send()))
    assert stage.manifest.mails is not None
    key = str(stage.settings[stage.manifest.mails.needs])
    for text in (*told, caplog.text):
        assert key not in text
        assert "unmistakable" not in text.casefold()
