"""A VSCO Workspace that remembers: two studios' jobs behind the API's own addresses, with moods and pages to look in.

The API is below `/tave/api/v2`. A visitor makes, changes and deletes jobs at `/tave` as the photographer would; whoever
has asked for hooks is sent one for what is new.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import msgspec
from litestar import Response, Router, get, post, put
from litestar.enums import MediaType
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from wedsync.clients.model import STAGES
from wedsync.connections.calendars import driven
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.contract import Connection
from wedsync.connections.fake_client import CLIENT_ID, CLIENT_SECRET
from wedsync.connections.fake_consent import Consent
from wedsync.connections.fakes import given, pages
from wedsync.connections.records.driven import MOODS, READ_ONLY
from wedsync.connections.records.record import Record
from wedsync.connections.standin import (
    SHOWN_MAX,
    AnyRequest,
    Posted,
    StandIn,
    StandInError,
    refused,
    switched,
    typed,
)
from wedsync.connectors.tave.fake_store import Studio, TaveError, Thing, phone_of
from wedsync.kit import clock
from wedsync.kit.errors import Refusal, not_found

KEYS: Final = {account: f"sandbox-key-{account.partition('@')[0]}" for account in ACCOUNTS}
OF_JOB: Final = frozenset({"stage", "closed", "eventDate", "name", "guestCount", "externalMappings"})
OF_PERSON: Final = frozenset({"kind", "firstName", "lastName", "email", "cellPhone"})
BUSY_LISTS: Final = "busy lists"
OF_LISTS: Final = {BUSY_LISTS: "Answers 429 whenever a list is asked for; single jobs can be read."}
LISTS: Final = ("/job", "/address-book", "/gallery", "/note")
GALLERY_STATES: Final = ("pre-release", "active", "inactive", "archived")
PHOTOS: Final = 620

REFUSALS: Final[Mapping[str, StandInError]] = {
    driven.BUSY: TaveError(429, "quota-limit", "Exceeded request quota, see Retry-After header"),
    driven.BROKEN: TaveError(503, "unknown", "Service unavailable."),
    READ_ONLY: TaveError(403, "unknown", "This API key is read-only."),
}


class Tave(StandIn):
    """The provider. A `Driven`: what a photographer does in it can be done by methods."""

    title = "VSCO Workspace"
    address = "/tave/api/v2"

    def __init__(self) -> None:
        super().__init__({**MOODS, **OF_LISTS}, REFUSALS, page_size=100)
        self.studios = {
            account: Studio(name, KEYS[account], clock.machine_now, number)
            for number, (account, name) in enumerate(zip(ACCOUNTS, ("Carla Fotografie", "Studio Dario"), strict=True))
        }
        names = {account: studio.name for account, studio in self.studios.items()}
        scopes = {"studio": "See and change your jobs"}
        self.consent = Consent("/tave/oauth", self.title, accounts=names, scopes=scopes, rotates=True)
        self.routes: Sequence[ControllerRouterHandler] = [
            Router(self.address, route_handlers=API, dependencies={"tave": given(self)}),
            Router("/tave", route_handlers=PAGES_OF_IT, dependencies={"tave": given(self)}),
            *self.consent.routes,
        ]

    def settings_at(self, at: str) -> Mapping[str, Any]:
        return {"tave_base_url": f"{at}{self.address}"}

    def profile_at(self, at: str) -> Mapping[str, Any]:
        """The settings of a partner, whose studios give no key."""
        return {
            "tave_client_id": CLIENT_ID,
            "tave_client_secret": CLIENT_SECRET,
            "tave_authorize_url": f"{at}/tave/oauth/authorize",
            "tave_token_url": f"{at}/tave/oauth/token",
            "tave_scopes": "studio",
        }

    def connection(self, at: str, account: str) -> Connection:
        return Connection(id=uuid4(), secrets={"password": (KEYS[account],)})

    async def make(self, account: str, record: Record) -> str:
        id = self.studios[account].make(record)
        self.tell(self.studios[account], "job.created", id)
        return id

    async def change(self, account: str, id: str, **fields: Any) -> None:
        studio, before = self.studios[account], self.studios[account].record(id).stage
        studio.change(id, fields)
        if before in ("enquiry", "held") and fields.get("stage") == "booked":
            self.tell(studio, "order.booked", id)

    async def delete(self, account: str, id: str) -> None:
        self.studios[account].remove(id)

    def seen(self, account: str) -> dict[str, Record]:
        studio = self.studios[account]
        return {id: studio.record(id) for id in studio.jobs}

    def studio(self, account: str) -> Studio:
        """Raises Refusal 404."""
        if account not in self.studios:
            raise not_found("studio")
        return self.studios[account]

    def tell(self, studio: Studio, event: str, job: str) -> None:
        """Tells everybody who asked for it, without waiting for them; the job goes with it, its money too."""
        body = msgspec.json.encode({"event": event, "data": studio.jobs.get(job, {"id": job})})
        for hook in studio.hooks.values():
            if hook["event"] == event:
                self.hook(hook["url"], {}, body)


def build(settings: Any) -> Tave:
    return Tave()


async def answered(
    tave: Tave, request: AnyRequest, act: Callable[[Studio, Any], Any], *, status: int = 200
) -> Response[bytes]:
    return await tave.answered(request, lambda mood, body: act(_studio(tave, request, mood), body), status=status)


@get("/studio/me")
async def get_studio(request: AnyRequest, tave: Tave) -> Response[bytes]:
    return await answered(
        tave, request, lambda studio, _: {"id": studio.id, "name": studio.name, "currencyCode": "EUR"}
    )


@get("/job")
async def list_jobs(request: AnyRequest, tave: Tave) -> Response[bytes]:
    def act(studio: Studio, _: Any) -> Thing:
        rows = studio.rows(studio.jobs, _order(request))
        if request.query_params.get("includeClosed") != "true":
            rows = [one for one in rows if not one["closed"]]
        return _page(tave, request, rows, "job")

    return await answered(tave, request, act)


@get("/job/{job:str}/worksheet")
async def get_worksheet(job: str, request: AnyRequest, tave: Tave) -> Response[bytes]:
    return await answered(tave, request, lambda studio, _: studio.worksheet(job))


@put("/job/{job:str}")
async def put_job(job: str, request: AnyRequest, tave: Tave) -> Response[bytes]:
    def act(studio: Studio, body: Any) -> Thing:
        found = studio.job(job)
        _check(body, OF_JOB)
        was = found["stage"]
        studio.touched(found, **body)
        if was == "lead" and found["stage"] == "booked":
            tave.tell(studio, "order.booked", job)
        return found

    return await answered(tave, request, act)


@get("/address-book")
async def list_contacts(request: AnyRequest, tave: Tave) -> Response[bytes]:
    def act(studio: Studio, _: Any) -> Thing:
        rows = studio.rows(studio.contacts, _order(request))
        return _page(tave, request, rows, "addressbook")

    return await answered(tave, request, act)


@put("/address-book/{contact:str}")
async def put_contact(contact: str, request: AnyRequest, tave: Tave) -> Response[bytes]:
    def act(studio: Studio, body: Any) -> Thing:
        found = studio.contact(contact)
        _check(body, OF_PERSON)
        phone = {"cellPhone": phone_of(body["cellPhone"])} if "cellPhone" in body else {}
        studio.touched(found, **{**body, **phone})
        return found

    return await answered(tave, request, act)


@get("/job-contact")
async def list_parts(request: AnyRequest, tave: Tave) -> Response[bytes]:
    def act(studio: Studio, _: Any) -> Thing:
        of = request.query_params.get("contactId")
        rows = [one for one in studio.rows(studio.parts, "id asc") if of in (None, one["contactId"])]
        return _page(tave, request, rows, "jobcontact")

    return await answered(tave, request, act)


@get("/gallery")
async def list_galleries(request: AnyRequest, tave: Tave) -> Response[bytes]:
    return await answered(
        tave,
        request,
        lambda studio, _: _page(tave, request, studio.rows(studio.galleries, _order(request)), "gallery"),
    )


@get("/gallery/{id:str}")
async def get_gallery(id: str, request: AnyRequest, tave: Tave) -> Response[bytes]:
    return await answered(tave, request, lambda studio, _: studio.one_gallery(id))


@get("/note/{id:str}")
async def get_note(id: str, request: AnyRequest, tave: Tave) -> Response[bytes]:
    return await answered(tave, request, lambda studio, _: studio.one_note(id))


@get("/note")
async def list_notes(request: AnyRequest, tave: Tave) -> Response[bytes]:
    return await answered(
        tave, request, lambda studio, _: _page(tave, request, studio.rows(studio.notes, _order(request)), "note")
    )


@get("/rest-hook")
async def list_hooks(request: AnyRequest, tave: Tave) -> Response[bytes]:
    def act(studio: Studio, _: Any) -> Thing:
        return _page(tave, request, studio.rows(studio.hooks, "id asc"), "resthook")

    return await answered(tave, request, act)


@post("/rest-hook")
async def post_hook(request: AnyRequest, tave: Tave) -> Response[bytes]:
    def act(studio: Studio, body: Any) -> Thing:
        _check(body, frozenset({"event", "url", "limitTo"}))
        return studio.added(studio.hooks, body)

    return await answered(tave, request, act, status=201)


@get("/", media_type=MediaType.HTML)
async def show_studios(tave: Tave) -> str:
    return PAGES.get_template("studios.html").render(tave=tave, keys=KEYS, moods=tave.moods, action="/tave/mood")


@get("/at/{account:str}", media_type=MediaType.HTML)
async def show(account: str, tave: Tave) -> str:
    studio = tave.studio(account)
    jobs = [(id, studio.record(id)) for id in list(studio.jobs)[-SHOWN_MAX:]]
    galleries = {id: [one for one in studio.galleries.values() if one["jobId"] == id] for id, _ in jobs}
    return PAGES.get_template("studio.html").render(
        account=account, studio=studio, jobs=jobs, stages=STAGES, galleries=galleries, states=GALLERY_STATES
    )


@post("/at/{account:str}")
async def act_as_person(account: str, tave: Tave, data: Posted) -> Redirect:
    """What the forms of a studio's page do: a job made, changed or deleted, a note written, galleries."""
    what, id = data.get("what", ""), data.get("id", "")
    tave.studio(account)
    try:
        if what == "delete":
            await tave.delete(account, id)
        elif what == "change":
            await tave.change(account, id, **typed(data))
        elif what == "note":
            tave.studio(account).note(id, data.get("text", "").strip() or "A note")
        elif what == "gallery":
            tave.studio(account).gallery(id, name=data.get("name", "").strip() or "Wedding")
        elif what == "drop":
            tave.studio(account).drop(id)
        elif what == "status":
            studio = tave.studio(account)
            studio.touched(studio.one_gallery(id), status=_status(data.get("status", "")), photoCount=PHOTOS)
        else:
            await tave.make(account, Record(**typed(data)))
    except TaveError as error:
        raise refused(error) from error
    return Redirect(f"/tave/at/{account}", status_code=303)


@post("/mood")
async def change_mood(tave: Tave, data: Posted) -> Redirect:
    return switched(tave.moods, data, "/tave")


def _status(text: str) -> str:
    """Raises Refusal 422."""
    if text not in GALLERY_STATES:
        raise Refusal(422, "bad_status", f"Choose one of {', '.join(GALLERY_STATES)}.")
    return text


def _studio(tave: Tave, request: AnyRequest, mood: str) -> Studio:
    if mood == BUSY_LISTS and tave.place(request.url.path) in LISTS:
        raise REFUSALS[driven.BUSY].with_traceback(None)
    partner = tave.consent.account_of(request)
    for account, studio in tave.studios.items():
        is_theirs = account == partner or request.headers.get("x-api-key") == studio.key
        if is_theirs and mood != driven.DEAD:
            return studio
    raise TaveError(401, "unknown", "API key is missing or invalid.")


def _check(body: Any, known: frozenset[str]) -> None:
    """Raises TaveError 400 as they do for what they do not know."""
    wrong = [name for name in body if name not in known] if isinstance(body, dict) else ["body"]
    if wrong:
        raise TaveError(400, "validation-error", dict.fromkeys(wrong, "is not accepted"))


def _order(request: AnyRequest) -> str:
    return str(request.query_params.get("sortBy", "id asc"))


def _page(tave: Tave, request: AnyRequest, rows: list[Thing], kind: str) -> Thing:
    page = int(request.query_params.get("page", "1"))
    size = min(int(request.query_params.get("pageSize", "100")), tave.page_size)
    pages_ = max(1, -(-len(rows) // size))
    meta = {"currentPage": page, "totalPages": pages_, "totalItems": len(rows), "rows": size}
    return {"type": f"{kind}-collection", "meta": meta, "items": rows[(page - 1) * size : page * size]}


API: Final = [
    *(get_studio, list_jobs, get_worksheet, put_job, list_contacts, put_contact),
    *(list_parts, list_galleries, get_gallery, list_notes, get_note, list_hooks, post_hook),
]
PAGES_OF_IT: Final = [show_studios, show, act_as_person, change_mood]
PAGES: Final = pages(Path(__file__).parent / "templates")
