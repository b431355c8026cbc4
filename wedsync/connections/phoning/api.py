"""The doors of the provider of texts and calls. Every request is verified by its scheme before anything is believed."""

from typing import Annotated, Final
from urllib.parse import parse_qsl
from uuid import UUID

from litestar import Response, post
from litestar.params import Parameter

from wedsync.connections.accounts.connecting import Desk
from wedsync.connections.hooks import REFUSED, UNKNOWN, UNVERIFIED
from wedsync.connections.manifest import operators
from wedsync.connections.phoning import actions, words
from wedsync.connections.phoning.contract import Form, Phones, Picked
from wedsync.connections.verify.request import Request
from wedsync.connections.verify.scheme import verify
from wedsync.kit import clock
from wedsync.kit.errors import Refusal
from wedsync.kit.limits import Window
from wedsync.notices.wording.tongues import Tongue
from wedsync.phones import model, sealed
from wedsync.web.callers import block_of
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest
from wedsync.web.watching import note

FIELDS_MAX: Final = 200
BASE: Final = "/hooks/{connector:str}/phone"
ANSWERS: Final = Window("phone-answers", 20, 3600)
"""To one number: two machines that answer each other's texts stop here."""
Language = Annotated[str, Parameter(description="The language of the call: nl, de, fr-CA", max_length=20)]
KEYS: Final[dict[str, model.Answer]] = {"1": "confirmed", "2": "cannot"}


@post(
    f"{BASE}/status/{{message_id:uuid}}",
    status_code=204,
    summary="How a text or call stands",
    description="By the provider, signed. Repeats and states that come late change nothing.",
)
async def status(request: AnyRequest, ctx: Context, desk: Desk, connector: str, message_id: UUID) -> None:
    """Also for what is nobody's here: it would only be sent again."""
    phones, form = await _verified(request, ctx, desk, connector)
    try:
        said = phones.status(form)
    except ValueError as error:
        raise _malformed() from error
    await actions.stand(ctx, message_id, said)


@post(
    f"{BASE}/texts",
    status_code=200,
    summary="A text from a person",
    description="By the provider, signed. STOP, START and HELP; OK, 1 or a code confirm; NO or 2: it cannot be.",
)
async def texts(request: AnyRequest, ctx: Context, desk: Desk, connector: str) -> Response[bytes]:
    """The answer is what the person reads."""
    phones, form = await _verified(request, ctx, desk, connector)
    try:
        heard = phones.heard(form)
    except ValueError as error:
        raise _malformed() from error
    answer = await actions.hear(ctx, heard)
    number = sealed.index(ctx.ring, heard.sender).hex()
    if answer and heard.keyword != "stop" and not (await ctx.limits.hit(ANSWERS, number)).is_allowed:
        answer = ""
    return _document(phones.reply(answer))


@post(
    f"{BASE}/voice/{{message_id:uuid}}",
    status_code=200,
    summary="A call was taken",
    description="By the provider, signed: what is to be said. A voice mail is asked nothing.",
)
async def voice(
    request: AnyRequest, ctx: Context, desk: Desk, connector: str, message_id: UUID, lang: Language = ""
) -> Response[bytes]:
    """With what it is about only to a person."""
    phones, form = await _verified(request, ctx, desk, connector)
    picked, tongue = _picked(phones, form), words.tongue_of(lang)
    found = await actions.called(ctx, message_id)
    if picked.is_machine or found is None:
        told = words.spoken("machine" if picked.is_machine else "settled", tongue)
        return _document(phones.say(told, locale=tongue.locale))
    row, kept = found
    if row["code"] is None:
        return _document(phones.say(kept.spoken, locale=tongue.locale))
    url = _key_url(ctx, connector, message_id, tongue)
    return _document(phones.ask(kept.spoken, url=url, locale=tongue.locale))


@post(
    f"{BASE}/voice/{{message_id:uuid}}/key",
    status_code=200,
    summary="A key was pressed in a call",
    description="By the provider, signed: 1 confirms, 2 says that it cannot be done.",
)
async def key(
    request: AnyRequest, ctx: Context, desk: Desk, connector: str, message_id: UUID, lang: Language = ""
) -> Response[bytes]:
    """Only a person is ever asked, so only a person presses."""
    phones, form = await _verified(request, ctx, desk, connector)
    picked, tongue = _picked(phones, form), words.tongue_of(lang)
    found = await actions.called(ctx, message_id)
    if found is None or picked.is_machine or found[0]["code"] is None:
        return _document(phones.say(words.spoken("settled", tongue), locale=tongue.locale))
    answer = KEYS.get(picked.digits)
    if answer is None:
        url = _key_url(ctx, connector, message_id, tongue)
        return _document(phones.ask(words.not_a_choice(tongue), url=url, locale=tongue.locale))
    row = found[0]
    named = {name: row[name] for name in ("id", "tenant_id", "person_id", "event_id", "code")}
    asked = model.Asked(**named, title="")
    outcome = await actions.settle(ctx, asked, answer, key=f"{picked.sid}.key", by="call")
    return _document(phones.say(words.spoken(outcome, tongue), locale=tongue.locale))


async def _verified(request: AnyRequest, ctx: Context, desk: Desk, connector: str) -> tuple[Phones, Form]:
    """The fields of a request of the provider's. Raises Refusal 401, 404, 422, 429."""
    manifest = desk.host.manifests.get(connector)
    phones = desk.host.connector(connector, Phones)
    if manifest is None or manifest.phones is None or phones is None:
        raise Refusal(404, "not_found", UNKNOWN)
    body = await request.body()
    query = request.scope["query_string"].decode("latin-1")
    asked = Request(
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]},
        body=body,
        # As the provider was told it, whatever proxies made of host and scheme on the way.
        url=ctx.settings.public_url + request.url.path + (f"?{query}" if query else ""),
        secrets=[str(operators(ctx.settings, manifest.phones.secrets))],
        now=clock.machine_now().timestamp(),
    )
    why = verify(manifest.phones.scheme, asked)
    if why is not None:
        note(request.scope, "hook.refused", reason=why, status=401)
        request.scope["state"]["is_noted"] = True
        decision = await ctx.limits.hit(UNVERIFIED, f"{connector}|{block_of(request.scope)}")
        if not decision.is_allowed:
            text = "Too many hooks in a minute. Wait as long as Retry-After says."
            raise Refusal(429, "too_many_requests", text, headers=decision.headers())
        raise Refusal(401, "unverified", REFUSED)
    return phones, dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX))


def _picked(phones: Phones, form: Form) -> Picked:
    try:
        return phones.picked(form)
    except ValueError as error:
        raise _malformed() from error


def _key_url(ctx: Context, connector: str, message_id: UUID, tongue: Tongue) -> str:
    return f"{ctx.settings.public_url}/hooks/{connector}/phone/voice/{message_id}/key?lang={tongue.locale}"


def _malformed() -> Refusal:
    return Refusal(422, "invalid", "The body is not what this provider sends.")


def _document(body: bytes) -> Response[bytes]:
    return Response(body, media_type="application/xml")


ROUTES = (status, texts, voice, key)
