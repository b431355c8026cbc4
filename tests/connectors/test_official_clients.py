"""The providers' own libraries, pointed at the fakes: what they take for an answer, a refusal and a signature, ours is.

Each is skipped, by name and with the reason, where the library is not installed.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from xml.etree import ElementTree

import pytest
import pytest_asyncio
from litestar import Request, Response, post

from wedsync.connections import stage
from wedsync.connections.verify.keys import SENDGRID
from wedsync.connectors.resend.fake import KEY as RESEND_KEY
from wedsync.connectors.resend.fake import SECRET as RESEND_SECRET
from wedsync.connectors.resend.fake import Resend
from wedsync.connectors.sendgrid.fake import KEY as SENDGRID_KEY
from wedsync.connectors.sendgrid.fake import SendGrid
from wedsync.connectors.slack.fake import Slack, signed
from wedsync.connectors.twilio import fake_hooks, mapper
from wedsync.connectors.twilio.fake import Twilio

CARLA = "+447700900123"
OURS = "https://wedsync.test/hooks/twilio/phone"
TOLD_S = 10


class Bells:
    """Where the fakes ring."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[tuple[Mapping[str, str], bytes]] = asyncio.Queue()

    def route(self) -> Any:
        @post("/bell", status_code=200)
        async def ring(request: Request[Any, Any, Any]) -> Response[bytes]:
            self.heard.put_nowait((dict(request.headers), await request.body()))
            return Response(b"")

        return ring

    async def next(self) -> tuple[Mapping[str, str], bytes]:
        return await asyncio.wait_for(self.heard.get(), TOLD_S)


@pytest.fixture
def bells() -> Bells:
    return Bells()


@pytest_asyncio.fixture
async def fakes(bells: Bells) -> AsyncIterator[tuple[str, Twilio, Slack, Resend, SendGrid]]:
    made = (Twilio(), Slack(), Resend(), SendGrid())
    async with stage.serving(made, others=[bells.route()]) as at:
        made[2].office.hooks_url = made[3].office.hooks_url = f"{at}/bell"
        yield at, *made


Fakes = tuple[str, Twilio, Slack, Resend, SendGrid]


async def test_twilios_library_texts_calls_and_reads_its_refusals(fakes: Fakes) -> None:
    rest = pytest.importorskip("twilio.rest")
    http = pytest.importorskip("twilio.http.http_client")
    errors = pytest.importorskip("twilio.base.exceptions")
    at, twilio, *_ = fakes
    settings = twilio.settings_at(at)

    class Here(http.TwilioHttpClient):  # type: ignore[misc, name-defined]
        def request(self, method: str, url: str, *rest: Any, **more: Any) -> Any:
            return super().request(method, url.replace("https://api.twilio.com", f"{at}/twilio"), *rest, **more)

    client = rest.Client(settings["twilio_account_sid"], settings["twilio_auth_token"], http_client=Here())
    mine = settings["twilio_from"]
    text = await asyncio.to_thread(client.messages.create, to=CARLA, from_=mine, body="At two. Reply OK")
    assert (text.to, text.body, text.status) == (CARLA, "At two. Reply OK", "queued")
    (found,) = await asyncio.to_thread(client.messages.list, to=CARLA)
    assert (found.sid, found.direction) == (text.sid, "outbound-api")
    call = await asyncio.to_thread(client.calls.create, to=CARLA, from_=mine, url=f"{OURS}/voice/1")
    assert [one.sid for one in await asyncio.to_thread(client.calls.list, to=CARLA)] == [call.sid]
    twilio.moods.switch("not a mobile")
    with pytest.raises(errors.TwilioRestException) as refused:
        await asyncio.to_thread(client.messages.create, to=CARLA, from_=mine, body="x")
    assert (refused.value.status, refused.value.code) == (400, 21614)
    twilio.moods.switch("fine")
    stranger = rest.Client(settings["twilio_account_sid"], "wrong", http_client=Here())
    with pytest.raises(errors.TwilioRestException) as unknown:
        await asyncio.to_thread(stranger.messages.create, to=CARLA, from_=mine, body="x")
    assert (unknown.value.status, unknown.value.code) == (401, 20003)


def test_twilios_library_believes_how_the_fake_signs_and_says_what_we_say() -> None:
    validator = pytest.importorskip("twilio.request_validator").RequestValidator("secret")
    twiml = pytest.importorskip("twilio.twiml.voice_response")
    url, form = f"{OURS}/voice/1?lang=de", {"CallSid": "CA1", "AnsweredBy": "human", "To": CARLA}
    good = fake_hooks.signature("secret", url, form)
    assert validator.validate(url, form, good)
    assert not validator.validate(url, {**form, "To": "+1"}, good)
    words, key = "Guten Tag & <willkommen>", f"{OURS}/voice/1/key?lang=de"
    theirs = twiml.VoiceResponse()
    for _ in range(2):
        gather = twiml.Gather(input="dtmf", num_digits=1, timeout=mapper.ANSWER_S, method="POST", action=key)
        gather.say(words, voice="Polly.Vicki", language="de-DE")
        theirs.append(gather)
    theirs.hangup()
    assert same(mapper.ask(words, url=key, locale="de"), str(theirs))
    theirs = twiml.VoiceResponse()
    theirs.say(words, voice="Polly.Vicki", language="de-DE")
    theirs.hangup()
    assert same(mapper.say(words, locale="de"), str(theirs))


async def test_slacks_library_makes_a_channel_posts_and_changes_it(fakes: Fakes) -> None:
    sdk = pytest.importorskip("slack_sdk")
    at, _, slack, *_ = fakes
    token = slack.consent.issue("carla@sandbox.example").access
    client = sdk.WebClient(token=token, base_url=f"{at}/slack/api/")
    home = slack.workspace("carla@sandbox.example")
    person = home.add_person("ada@studio.example")
    assert (await asyncio.to_thread(client.auth_test))["team_id"] == "T0CARLA"
    found = await asyncio.to_thread(client.users_lookupByEmail, email="ada@studio.example")
    assert found["user"]["id"] == person
    made = await asyncio.to_thread(client.conversations_create, name="maria-and-tom", is_private=True)
    channel = made["channel"]["id"]
    await asyncio.to_thread(client.conversations_invite, channel=channel, users=[person])
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*At two*"}}]
    posted = await asyncio.to_thread(client.chat_postMessage, channel=channel, text="At two", blocks=blocks)
    await asyncio.to_thread(client.chat_update, channel=channel, ts=posted["ts"], text="At three")
    told = await asyncio.to_thread(client.conversations_history, channel=channel)
    assert [one["text"] for one in told["messages"]] == ["At three"]
    with pytest.raises(sdk.errors.SlackApiError) as refused:
        await asyncio.to_thread(client.chat_postMessage, channel="C0NOBODY", text="x")
    assert refused.value.response["error"] == "channel_not_found"
    stranger = sdk.WebClient(token="xoxb-nobody", base_url=f"{at}/slack/api/")
    with pytest.raises(sdk.errors.SlackApiError) as unknown:
        await asyncio.to_thread(stranger.auth_test)
    assert unknown.value.response["error"] == "invalid_auth"


def test_slacks_library_believes_how_the_fake_signs() -> None:
    signature = pytest.importorskip("slack_sdk.signature")
    body = b"payload=%7B%7D"
    headers = signed("secret", body)
    good = signature.SignatureVerifier("secret")
    told = {"timestamp": headers["x-slack-request-timestamp"], "signature": headers["x-slack-signature"]}
    assert good.is_valid(body.decode(), **told)
    assert not good.is_valid(body.decode() + "x", **told)


async def test_resends_library_sends_once_by_its_key_and_believes_its_hooks(
    fakes: Fakes, bells: Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    sdk = pytest.importorskip("resend")
    at, _, _, resend, _ = fakes
    monkeypatch.setattr(sdk, "api_url", f"{at}{resend.address}")
    monkeypatch.setattr(sdk, "api_key", RESEND_KEY)
    mail = {"from": "a@wedsync.example", "to": ["carla@example.com"], "subject": "At two", "text": "At two."}
    first = await asyncio.to_thread(sdk.Emails.send, mail, {"idempotency_key": "k1"})
    again = await asyncio.to_thread(sdk.Emails.send, mail, {"idempotency_key": "k1"})
    assert first["id"] == again["id"]
    with pytest.raises(sdk.exceptions.ResendError) as other:
        await asyncio.to_thread(sdk.Emails.send, {**mail, "subject": "At three"}, {"idempotency_key": "k1"})
    assert other.value.error_type == "invalid_idempotent_request"
    headers, body = await bells.next()
    named = {name: headers[f"svix-{name}"] for name in ("id", "timestamp", "signature")}
    asked = {"payload": body.decode(), "headers": named, "webhook_secret": RESEND_SECRET}
    sdk.Webhooks.verify(asked)
    assert json.loads(body)["data"]["email_id"] == first["id"]
    with pytest.raises(ValueError, match="signature"):
        sdk.Webhooks.verify({**asked, "payload": body.decode() + " "})


async def test_sendgrids_library_sends_and_believes_its_hooks(fakes: Fakes, bells: Bells) -> None:
    sdk = pytest.importorskip("sendgrid")
    mails = pytest.importorskip("sendgrid.helpers.mail")
    hooks = pytest.importorskip("sendgrid.helpers.eventwebhook")
    errors = pytest.importorskip("python_http_client.exceptions")
    at, *_, sendgrid = fakes
    mail = mails.Mail("a@wedsync.example", "carla@example.com", "At two", plain_text_content="At two.")
    client = sdk.SendGridAPIClient(SENDGRID_KEY, host=f"{at}{sendgrid.address}")
    taken = await asyncio.to_thread(client.send, mail)
    assert taken.status_code == 202
    assert taken.headers["X-Message-Id"]
    headers, body = await bells.next()
    judge = hooks.EventWebhook(sendgrid.public_key)
    said = (headers[f"{SENDGRID}signature"], headers[f"{SENDGRID}timestamp"])
    assert judge.verify_signature(body.decode(), *said)
    assert not judge.verify_signature(body.decode() + " ", *said)
    stranger = sdk.SendGridAPIClient("SG.nobody", host=f"{at}{sendgrid.address}")
    with pytest.raises(errors.UnauthorizedError):
        await asyncio.to_thread(stranger.send, mail)


def same(ours: bytes, theirs: str) -> bool:
    """The same document, whatever the order of its attributes."""
    return ElementTree.canonicalize(ours.decode()) == ElementTree.canonicalize(theirs)
