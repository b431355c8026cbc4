"""What is peculiar to Twilio: its forms by its own OpenAPI, every code of its errors, its hooks, its silences."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from wedsync.connections import stage
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
    word,
)
from wedsync.connections.phoning.contract import Message, Phones
from wedsync.connections.verify.request import Request
from wedsync.connections.verify.scheme import verify
from wedsync.connectors.twilio import fake_hooks, mapper, taxonomy
from wedsync.connectors.twilio.answers import sent
from wedsync.connectors.twilio.connector import connect
from wedsync.connectors.twilio.fake import Twilio
from wedsync.connectors.twilio.tests.openapi import Call, openapi
from wedsync.kit import clock
from wedsync.kit.http import Failure, Reply, Timing, Wire

CARLA = "+447700900123"
NOWHERE = Connection(id=UUID(int=1))


class Heard(Wire):
    """The door to the network, with what went through it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []

    async def request(self, method: str, url: str, **more: Any) -> Reply | Failure:
        answer = await super().request(method, url, **more)
        if isinstance(answer, Reply) and answer.ending == "whole":
            form = more.get("body", b"").decode()
            try:
                said = json.loads(answer.body)
            except ValueError:
                return answer
            self.calls.append(Call(method=method, url=url, form=form, status=answer.status, answer=said))
        return answer


class Scene:
    def __init__(self, fake: Twilio, at: str, wire: Heard) -> None:
        self.fake, self.at, self.wire = fake, at, wire
        self.connector = self.made()

    def made(self, **settings: str) -> Any:
        known = {**self.fake.settings_at(self.at), **settings}
        return connect(Tools(wire=self.wire, machine_now=clock.machine_now, settings=known))

    async def send(self, *, kind: str = "text", timeout_s: float = 5.0, attempt: int = 1, **more: Any) -> Outcome:
        found = {"kind": kind, "to": CARLA, "body": "The ceremony is at 14:00. Reply OK", **more}
        found.setdefault("at", clock.machine_now().isoformat())
        if kind == "call":
            found.setdefault("voice_url", "http://127.0.0.1:1/voice")
            found.setdefault("status_url", "http://127.0.0.1:1/status")
        delivery = Delivery(id=UUID(int=2), tenant=UUID(int=3), timeout_s=timeout_s, attempt=attempt, message=found)
        outcome: Outcome = await self.connector.deliver(delivery, NOWHERE)
        return outcome


@pytest_asyncio.fixture
async def scene() -> AsyncIterator[Scene]:
    fake, wire = Twilio(), Heard()
    try:
        async with stage.serving([fake]) as at:
            yield Scene(fake, at, wire)
    finally:
        await wire.close()


async def test_texts_and_calls_are_as_twilio_describes_them(scene: Scene) -> None:
    judge = openapi()
    service = "MG" + "0f" * 16
    scene.connector = scene.made(twilio_messaging_service=service, twilio_emergency_service=service)
    assert isinstance(await scene.send(status_url="https://wedsync.test/s", service="emergency"), Delivered)
    scene.connector = scene.made()
    assert isinstance(await scene.send(validity_s=90), Delivered)
    assert isinstance(await scene.send(kind="call"), Delivered)
    again = clock.machine_now().isoformat()
    assert isinstance(await scene.send(attempt=2, at=again, body="other words"), Delivered)
    assert isinstance(await scene.send(kind="call", attempt=2), Delivered)
    assert len(scene.wire.calls) >= 6
    assert [fault for call in scene.wire.calls for fault in judge.faults(call)] == []


@pytest.mark.parametrize(
    ("mood", "wanted"),
    [
        ("429", RetryLater),
        ("5xx", RetryLater),
        ("dead token", ReconnectNeeded),
        ("slow", Unknown),
        ("lost reply", Unknown),
        ("truncated", Unknown),
        ("unknown fields", Delivered),
        ("not a mobile", Rejected),
    ],
)
async def test_every_mood_has_its_word(scene: Scene, mood: str, wanted: type[Outcome]) -> None:
    scene.fake.moods.switch(mood)
    outcome = await scene.send(timeout_s=0.5)
    assert isinstance(outcome, wanted), outcome
    if mood == "429":
        assert isinstance(outcome, RetryLater)
        assert outcome.after_s == 7
    shown = repr(outcome)
    assert CARLA not in shown
    assert scene.fake.hooks.secret not in shown


@pytest.mark.parametrize("kind", ["text", "call"])
async def test_a_repeat_whose_first_answer_was_lost_makes_no_second_one(scene: Scene, kind: str) -> None:
    at = clock.machine_now().isoformat()
    scene.fake.moods.switch("lost reply", 1)
    assert isinstance(await scene.send(kind=kind, at=at), Unknown)
    again = await scene.send(kind=kind, at=at, attempt=2)
    there = scene.fake.store.messages if kind == "text" else scene.fake.store.calls
    assert len(there) == 1
    assert isinstance(again, Delivered)
    assert again.remote_id in there


async def test_a_repeat_that_was_never_taken_is_sent_and_one_that_cannot_look_waits(scene: Scene) -> None:
    scene.fake.moods.switch("5xx", 2)
    assert isinstance(await scene.send(), RetryLater)
    assert isinstance(await scene.send(attempt=2), RetryLater)
    assert len(scene.fake.store.messages) == 0
    assert isinstance(await scene.send(attempt=3), Delivered)
    assert len(scene.fake.store.messages) == 1


async def test_without_an_account_texts_wait_and_erased_ones_do_not(scene: Scene) -> None:
    scene.connector = scene.made(twilio_account_sid="")
    assert isinstance(await scene.send(), ReconnectNeeded)
    scene.connector = scene.made()
    erased = Delivery(id=UUID(int=2), tenant=UUID(int=3), timeout_s=5)
    assert isinstance(await scene.connector.deliver(erased, NOWHERE), Rejected)
    odd = msgspec.structs.replace(erased, message={"kind": "fax"})
    assert isinstance(await scene.connector.deliver(odd, NOWHERE), Rejected)


@pytest.mark.parametrize("code", sorted(taxonomy.ERRORS))
def test_every_code_of_the_taxonomy_is_told_as_it_stands_there(code: int) -> None:
    known = taxonomy.ERRORS[code]
    status = {20003: 401, 20429: 429, 20503: 503}.get(code, 400)
    body = msgspec.json.encode({"code": code, "message": f"about {CARLA}", "status": status})
    outcome = sent(reply(status, body), now=clock.machine_now())
    words = {"retry": "retry_later", "rejected": "rejected", "reconnect": "reconnect_needed"}
    assert (word(outcome), outcome.reason) == (words[known.outcome], known.reason)  # type: ignore[union-attr]
    assert CARLA not in repr(outcome)
    form = {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": str(code)}
    said = mapper.status(form)
    assert (said.code, said.fate, said.reason) == (code, known.fate, known.reason)


def reply(status: int, body: bytes) -> Reply:
    return Reply(status=status, headers={}, body=body, ending="whole", timing=Timing())


def test_a_code_that_nobody_has_heard_of_is_refused_and_a_strange_form_is_no_status() -> None:
    assert isinstance(sent(reply(400, b'{"code": 99999}'), now=clock.machine_now()), Rejected)
    assert isinstance(sent(reply(500, b"<html>"), now=clock.machine_now()), RetryLater)
    assert mapper.status({"MessageSid": "SM1", "MessageStatus": "failed", "ErrorCode": "1"}).fate == "refused"
    for form in ({}, {"MessageSid": "SM1", "MessageStatus": "teleported"}, {"MessageStatus": "sent"}):
        with pytest.raises(ValueError, match="no status"):
            mapper.status(form)
    with pytest.raises(ValueError, match="no text"):
        mapper.heard({"MessageSid": "SM1", "From": "anonymous"})
    with pytest.raises(ValueError, match="no call"):
        mapper.picked({"AnsweredBy": "human"})


@pytest.mark.parametrize(
    ("text", "keyword"),
    [
        *((word, "stop") for word in ("STOP", "Stop.", " quit ", "END", "revoke", "Opt Out", "CANCEL!", "unsubscribe")),
        ("START", "start"),
        ("unstop", "start"),
        ("help?", "help"),
        ("Yes", ""),
        ("please do not stop", ""),
        ("OK 12", ""),
    ],
)
def test_keywords_are_heard_however_they_are_written(text: str, keyword: str) -> None:
    assert mapper.heard({"MessageSid": "SM1", "From": CARLA, "Body": text}).keyword == keyword


def test_what_twilio_answered_by_itself_is_not_answered_again() -> None:
    said = mapper.heard({"MessageSid": "SM1", "From": CARLA, "Body": "ARRET", "OptOutType": "STOP"})
    assert (said.keyword, said.is_answered) == ("stop", True)


def test_states_only_go_forward_and_twiml_holds_no_markup_of_ours() -> None:
    order = ["accepted", "queued", "sending", "sent", "undelivered", "delivered", "read"]
    ranks = [mapper.status({"MessageSid": "SM1", "MessageStatus": state}).rank for state in order]
    assert ranks == sorted(set(ranks))
    asked = mapper.ask("Ana & <Ben>", url='https://a.test/?a=1&b="2"', locale="en").decode()
    assert "Ana &amp; &lt;Ben&gt;" in asked
    assert 'action="https://a.test/?a=1&amp;b=&quot;2&quot;"' in asked
    assert mapper.reply("") == b'<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
    assert mapper.picked({"CallSid": "CA1", "AnsweredBy": "machine_end_beep", "Digits": "1"}).is_machine


def test_every_voice_is_one_that_twilio_has_and_speaks_its_own_language() -> None:
    """As `SayVoice` and `SayLanguage` of Twilio's library have them (twilio-node, src/twiml/VoiceResponse.ts); which
    voice speaks what is Amazon Polly's."""
    theirs = {
        "en-US": {"Joanna", "Salli", "Kendra"},
        "en-GB": {"Amy", "Emma", "Brian"},
        "en-AU": {"Nicole", "Russell"},
        "de-DE": {"Vicki", "Marlene", "Hans"},
        "nl-NL": {"Lotte", "Ruben"},
        "fr-FR": {"Lea", "Celine", "Mathieu"},
        "fr-CA": {"Chantal"},
        "es-ES": {"Lucia", "Conchita", "Enrique"},
        "es-MX": {"Mia"},
    }
    assert set(mapper.VOICES) == set(theirs)
    assert all(voice.removeprefix("Polly.") in theirs[language] for language, voice in mapper.VOICES.items())
    assert set(mapper.SPOKEN.values()) <= set(mapper.VOICES)
    for locale, language in (("nl-BE", "nl-NL"), ("fr-CA", "fr-CA"), ("de", "de-DE"), ("tlh", "en-US"), ("", "en-US")):
        said = f'<Say voice="{mapper.VOICES[language]}" language="{language}">Hi</Say>'
        assert said in mapper.say("Hi", locale=locale).decode()


def test_what_the_fake_signs_our_own_verifier_takes_and_nothing_else() -> None:
    url, form = "https://wedsync.test/hooks/twilio/phone/texts?x=1", {"From": CARLA, "Body": "OK & fine", "A": ""}
    good = fake_hooks.signature("secret", url, form)
    assert verify("twilio", asked(url, form, good)) is None
    assert verify("twilio", asked(url, {**form, "Body": "NO"}, good)) is not None
    assert verify("twilio", asked(url + "2", form, good)) is not None


def asked(url: str, form: Mapping[str, str], signature: str) -> Request:
    headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature}
    return Request(headers=headers, body=urlencode(form).encode(), url=url, secrets=["secret"], now=0.0)


def test_it_is_a_connector_that_phones(scene: Scene) -> None:
    assert isinstance(scene.connector, Phones)
    assert mapper.read({"kind": "text", "to": CARLA, "body": "x", "novelty": 1}) == Message(
        kind="text", to=CARLA, body="x"
    )
