"""A Resend that remembers: its API below `/resend/api`, moods, and at `/resend` what was sent and what became of it.

A mail that comes again with its key is the same mail; with another body under the same key it is refused, as there.
"""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import uuid4

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from wedsync.connections import signatures
from wedsync.connections.fakes import drop_connection, given, pages
from wedsync.connections.mailing.contract import DELIVERY_TAG
from wedsync.connections.mailing.fake_office import LOST, RETRY_AFTER_S, SHOWN_MAX, Call, Letter, Office, now_s
from wedsync.kit import clock
from wedsync.kit.errors import not_found

KEY: Final = "re_the-sandbox-is-no-secret"
SECRET: Final = "whsec_" + base64.b64encode(b"the-sandbox-is-no-secret").decode()
EVENTS: Final = {
    "email.delivered": "It arrived",
    "email.opened": "It was opened",
    "email.delivery_delayed": "It is delayed",
    "email.bounced": "There is no such mailbox",
    "transient": "The mailbox is full",
    "email.complained": "It was reported as spam",
}
REFUSALS: Final[Mapping[str, tuple[int, str]]] = {
    "429": (429, "rate_limit_exceeded"),
    "quota": (429, "daily_quota_exceeded"),
    "5xx": (503, "service_unavailable"),
    "dead key": (403, "invalid_api_key"),
    "refusing": (422, "validation_error"),
}
ApiRequest = Request[Any, Any, Any]
Posted = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


class ResendError(Exception):
    """What is answered in place of what was asked."""

    def __init__(self, status: int, name: str) -> None:
        super().__init__(name)
        self.status = status
        self.body = {"statusCode": status, "name": name, "message": f"Something about {name}."}


class Resend:
    """The provider. `refuses`: (status, name) that every call is answered with, whatever the mood."""

    title = "Resend"

    def __init__(self, hooks_url: str = "") -> None:
        self.office = Office(self._hook, hooks_url, user_agent="Svix-Webhooks/1.24")
        self.moods = self.office.moods
        self.refuses: tuple[int, str] | None = None
        self.is_restricted = False
        routes = {"resend": given(self)}
        self.routes: Sequence[ControllerRouterHandler] = [
            Router("/resend/api", route_handlers=[send_email, list_domains], dependencies=routes),
            Router("/resend", route_handlers=[show_list, tell, change_mood], dependencies=routes),
        ]

    @property
    def address(self) -> str:
        return "/resend/api"

    async def start(self) -> None:
        await self.office.start()

    async def stop(self) -> None:
        await self.office.stop()

    def settings_at(self, at: str) -> Mapping[str, Any]:
        return {"resend_base_url": f"{at}{self.address}", "resend_api_key": KEY, "resend_webhook_secrets": SECRET}

    def check(self, request: ApiRequest, mood: str) -> None:
        """Raises ResendError."""
        if self.refuses is not None:
            raise ResendError(*self.refuses)
        if mood in REFUSALS:
            raise ResendError(*REFUSALS[mood])
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise ResendError(403, "invalid_api_key")

    async def take(self, body: dict[str, Any], key: str) -> dict[str, Any]:
        """Raises ResendError."""
        missing = [name for name in ("from", "to", "subject") if not body.get(name)]
        if missing or not (body.get("html") or body.get("text")):
            raise ResendError(422, "missing_required_field")
        letter = self.office.letters.get(key) if key else None
        if letter is not None:
            if letter.body != body:
                raise ResendError(409, "invalid_idempotent_request")
            letter.times += 1
            return {"id": letter.id}
        tags = {one["name"]: one["value"] for one in body.get("tags", ())}
        letter = Letter(
            id=key or str(uuid4()),
            at=clock.machine_now(),
            to=_plain(body["to"]),
            subject=body["subject"],
            text=body.get("text", ""),
            delivery=tags.get(DELIVERY_TAG, ""),
            body=body,
        )
        await self.office.put(letter, tells=["email.sent", "email.delivered"])
        return {"id": letter.id}

    def _hook(self, letter: Letter, event: str) -> tuple[bytes, Mapping[str, str]]:
        data = {
            "email_id": letter.id,
            "created_at": letter.at.isoformat(),
            "from": letter.body["from"],
            "to": [letter.to],
            "subject": letter.subject,
            "tags": {DELIVERY_TAG: letter.delivery},
        }
        if event in ("email.bounced", "transient"):
            kind = ("Transient", "MailboxFull") if event == "transient" else ("Permanent", "General")
            words = "The recipient's mail server said no."
            data["bounce"] = {"type": kind[0], "subType": kind[1], "message": words, "diagnosticCode": ["smtp; 550"]}
        told = "email.bounced" if event == "transient" else event
        body = msgspec.json.encode({"type": told, "created_at": clock.machine_now().isoformat(), "data": data})
        # The same saying has the same id at every try.
        hook_id, at = f"msg_{letter.id}_{event.replace('.', '_')}", now_s()
        signature = signatures.sign([SECRET], message_id=hook_id, timestamp=at, body=body)
        return body, {"svix-id": hook_id, "svix-timestamp": str(at), "svix-signature": signature}


def build(settings: Any) -> Resend:
    """Tells the product of the same settings."""
    public = getattr(settings, "public_url", "")
    return Resend(f"{public}/hooks/resend" if public else "")


@post("/emails", status_code=200)
async def send_email(request: ApiRequest, resend: Resend) -> Response[bytes]:
    return await _answered(resend, request)


@get("/domains")
async def list_domains(request: ApiRequest, resend: Resend) -> Response[bytes]:
    return await _answered(resend, request)


async def _answered(resend: Resend, request: ApiRequest) -> Response[bytes]:
    mood = await resend.office.mood()
    raw = await request.body()
    body = msgspec.json.decode(raw) if raw else None
    key = request.headers.get("idempotency-key", "")
    status = 200
    answer: dict[str, Any] = {"object": "list", "data": []}
    try:
        resend.check(request, mood)
        if body is not None:
            answer = await resend.take(body, key)
        elif resend.is_restricted:
            raise ResendError(401, "restricted_api_key")
    except ResendError as error:
        answer, status = error.body, error.status
    path = request.url.path.removeprefix(resend.address)
    resend.office.note(Call(request.method, path, key, body, status))
    if mood == LOST:
        drop_connection(request)
    told = msgspec.json.encode({**answer, "novelty": {"of": ["tomorrow"]}} if mood == "unknown fields" else answer)
    headers = {"retry-after": str(RETRY_AFTER_S)} if mood == "429" else {}
    told = told[: len(told) // 2] if mood == "truncated" else told
    return Response(told, status_code=status, headers=headers, media_type=MediaType.JSON)


@get("/", media_type=MediaType.HTML)
async def show_list(resend: Resend) -> str:
    return PAGES.get_template("office.html").render(
        title=resend.title,
        at="/resend",
        about="Mail that was sent by its API, newest first. Say what became of it; that is told by a signed hook.",
        letters=resend.office.to()[:SHOWN_MAX],
        events=EVENTS,
        secrets={"API key": KEY, "Signing secret": SECRET},
        hooks_url=resend.office.hooks_url,
        moods=resend.moods,
        action="/resend/mood",
    )


@post("/letters/{id:str}")
async def tell(id: str, resend: Resend, data: Posted) -> Redirect:
    letter = resend.office.letters.get(id)
    if letter is None or data.get("event") not in EVENTS:
        raise not_found("mail")
    resend.office.tell(letter, [data["event"]])
    return Redirect("/resend", status_code=303)


@post("/mood")
async def change_mood(resend: Resend, data: Posted) -> Redirect:
    times = data.get("times", "")
    resend.moods.switch(data.get("mood", ""), int(times) if times.isdigit() else None)
    return Redirect("/resend", status_code=303)


def _plain(to: Any) -> str:
    one = str(to[0] if isinstance(to, list) else to)
    return one.rpartition("<")[2].rstrip(">")


PAGES: Final = pages(Path(__file__).parent)
