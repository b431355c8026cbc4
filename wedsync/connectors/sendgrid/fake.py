"""A SendGrid that remembers: its v3 API below `/sendgrid/api`, moods, and at `/sendgrid` what was sent.

It knows no repeats: what comes twice is two mails. Its hooks are signed with a key pair made at its start.
"""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import uuid4

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from litestar import Request, Response, Router, get, post
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from wedsync.connections.fakes import drop_connection, given, pages
from wedsync.connections.mailing.contract import DELIVERY_TAG
from wedsync.connections.mailing.fake_office import LOST, RETRY_AFTER_S, SHOWN_MAX, Call, Letter, Office, now_s
from wedsync.connections.verify.keys import SENDGRID
from wedsync.kit import clock
from wedsync.kit.errors import not_found

KEY: Final = "SG.the-sandbox-is-no-secret"
EVENTS: Final = {
    "delivered": "It arrived",
    "open": "It was opened",
    "deferred": "It is delayed",
    "bounce": "There is no such mailbox",
    "blocked": "Their server refused it this time",
    "spamreport": "It was reported as spam",
}
REFUSALS: Final[Mapping[str, tuple[int, str]]] = {
    "429": (429, "too many requests"),
    "quota": (401, "Maximum credits exceeded"),
    "5xx": (503, "service unavailable"),
    "dead key": (401, "The provided authorization grant is invalid, expired, or revoked"),
    "refusing": (400, "Does not contain a valid address."),
}
ApiRequest = Request[Any, Any, Any]
Posted = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


class SendGridError(Exception):
    """What is answered in place of what was asked."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"errors": [{"message": message, "field": None, "help": None}]}


class SendGrid:
    """The provider. `refuses`: (status, message) that every call is answered with, whatever the mood."""

    title = "SendGrid"

    def __init__(self, hooks_url: str = "") -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())
        self.office = Office(self._hook, hooks_url, user_agent="SendGrid Event API")
        self.moods = self.office.moods
        self.refuses: tuple[int, str] | None = None
        routes = {"sendgrid": given(self)}
        self.routes: Sequence[ControllerRouterHandler] = [
            Router("/sendgrid/api", route_handlers=[send_mail, list_scopes], dependencies=routes),
            Router("/sendgrid", route_handlers=[show_list, tell, change_mood], dependencies=routes),
        ]

    @property
    def address(self) -> str:
        return "/sendgrid/api"

    @property
    def public_key(self) -> str:
        """As SendGrid's pages show it."""
        shown = self._private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(shown).decode()

    async def start(self) -> None:
        await self.office.start()

    async def stop(self) -> None:
        await self.office.stop()

    def settings_at(self, at: str) -> Mapping[str, Any]:
        return {
            "sendgrid_base_url": f"{at}{self.address}",
            "sendgrid_api_key": KEY,
            "sendgrid_webhook_keys": self.public_key,
        }

    def check(self, request: ApiRequest, mood: str) -> None:
        """Raises SendGridError."""
        if self.refuses is not None:
            raise SendGridError(*self.refuses)
        if mood in REFUSALS:
            raise SendGridError(*REFUSALS[mood])
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise SendGridError(*REFUSALS["dead key"])

    async def take(self, body: dict[str, Any]) -> str:
        """Raises SendGridError."""
        envelopes = body.get("personalizations")
        if not envelopes or not body.get("from") or not body.get("content"):
            raise SendGridError(400, "Required objects are not provided")
        text = next((one["value"] for one in body["content"] if one["type"] == "text/plain"), "")
        letter = Letter(
            id=uuid4().hex,
            at=clock.machine_now(),
            to=envelopes[0]["to"][0]["email"],
            subject=body.get("subject", ""),
            text=text,
            delivery=envelopes[0].get("custom_args", {}).get(DELIVERY_TAG, ""),
            body=body,
        )
        await self.office.put(letter, tells=["processed", "delivered"])
        return letter.id

    def _hook(self, letter: Letter, event: str) -> tuple[bytes, Mapping[str, str]]:
        said = {
            "email": letter.to,
            "timestamp": now_s(),
            "event": "bounce" if event == "blocked" else event,
            "sg_event_id": f"{letter.id}-{event}",
            "sg_message_id": f"{letter.id}.filter0001",
            "smtp-id": f"<{letter.id}@sandbox.example>",
            DELIVERY_TAG: letter.delivery,
        }
        if event in ("bounce", "blocked"):
            said |= {"type": event, "status": "5.1.1", "reason": f"550 5.1.1 <{letter.to}>: no"}
        body, at = msgspec.json.encode([said]), str(now_s())
        signature = self._private.sign(at.encode() + body, ec.ECDSA(SHA256()))
        return body, {f"{SENDGRID}signature": base64.b64encode(signature).decode(), f"{SENDGRID}timestamp": at}


def build(settings: Any) -> SendGrid:
    """Tells the product of the same settings."""
    public = getattr(settings, "public_url", "")
    return SendGrid(f"{public}/hooks/sendgrid" if public else "")


@post("/v3/mail/send", status_code=202)
async def send_mail(request: ApiRequest, sendgrid: SendGrid) -> Response[bytes]:
    return await _answered(sendgrid, request)


@get("/v3/scopes")
async def list_scopes(request: ApiRequest, sendgrid: SendGrid) -> Response[bytes]:
    return await _answered(sendgrid, request)


async def _answered(sendgrid: SendGrid, request: ApiRequest) -> Response[bytes]:
    mood = await sendgrid.office.mood()
    raw = await request.body()
    body = msgspec.json.decode(raw) if raw else None
    status, headers = 200, {}
    answer: Any = {"scopes": ["mail.send"]}
    try:
        sendgrid.check(request, mood)
        if body is not None:
            headers = {"x-message-id": await sendgrid.take(body)}
            status, answer = 202, None
    except SendGridError as error:
        answer, status = error.body, error.status
    path = request.url.path.removeprefix(sendgrid.address)
    sendgrid.office.note(Call(request.method, path, "", body, status))
    if mood == LOST:
        drop_connection(request)
    if answer is not None and mood == "unknown fields":
        answer["novelty"] = {"of": ["tomorrow"]}
    told = b"" if answer is None else msgspec.json.encode(answer)
    headers |= {"retry-after": str(RETRY_AFTER_S)} if mood == "429" else {}
    told = told[: len(told) // 2] if mood == "truncated" else told
    return Response(told, status_code=status, headers=headers, media_type=MediaType.JSON)


@get("/", media_type=MediaType.HTML)
async def show_list(sendgrid: SendGrid) -> str:
    return PAGES.get_template("office.html").render(
        title=sendgrid.title,
        at="/sendgrid",
        about="Mail that was sent by its API, newest first. Say what became of it; that is told by a signed hook.",
        letters=sendgrid.office.to()[:SHOWN_MAX],
        events=EVENTS,
        secrets={"API key": KEY, "Public key of its hooks": sendgrid.public_key},
        hooks_url=sendgrid.office.hooks_url,
        moods=sendgrid.moods,
        action="/sendgrid/mood",
    )


@post("/letters/{id:str}")
async def tell(id: str, sendgrid: SendGrid, data: Posted) -> Redirect:
    letter = sendgrid.office.letters.get(id)
    if letter is None or data.get("event") not in EVENTS:
        raise not_found("mail")
    sendgrid.office.tell(letter, [data["event"]])
    return Redirect("/sendgrid", status_code=303)


@post("/mood")
async def change_mood(sendgrid: SendGrid, data: Posted) -> Redirect:
    times = data.get("times", "")
    sendgrid.moods.switch(data.get("mood", ""), int(times) if times.isdigit() else None)
    return Redirect("/sendgrid", status_code=303)


PAGES: Final = pages(Path(__file__).parent)
