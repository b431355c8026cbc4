"""A HoneyBook that remembers: two businesses' projects behind an API as partners see it, with moods and pages.

The API is below `/honeybook/api`, OAuth below `/honeybook/oauth`. A visitor makes, changes and deletes projects at
`/honeybook` as their people would. It sends no hooks.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

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
from wedsync.connections.records.driven import MOODS as OF_ALL
from wedsync.connections.records.driven import READ_ONLY
from wedsync.connections.records.record import Record
from wedsync.connections.standin import (
    OF_HOOKS,
    SHOWN_MAX,
    AnyRequest,
    Posted,
    StandIn,
    StandInError,
    refused,
    switched,
    typed,
)
from wedsync.connectors.honeybook.fake_store import Company, HoneyBookError, Thing
from wedsync.kit import clock
from wedsync.kit.errors import not_found

MOODS: Final = {name: does for name, does in OF_ALL.items() if name not in OF_HOOKS}

REFUSALS: Final[Mapping[str, StandInError]] = {
    driven.BUSY: HoneyBookError(429, "Too many requests"),
    driven.BROKEN: HoneyBookError(503, "Service unavailable"),
    READ_ONLY: HoneyBookError(403, "Forbidden"),
}


class HoneyBook(StandIn):
    """The provider. A `Driven`: what its people do in it can be done by methods."""

    title = "HoneyBook"
    address = "/honeybook/api"

    def __init__(self) -> None:
        super().__init__(MOODS, REFUSALS, page_size=100)
        self.companies = {
            account: Company(f"co-{number}", name, clock.machine_now)
            for number, (account, name) in enumerate(zip(ACCOUNTS, ("Carla Events", "Dario Films"), strict=True))
        }
        names = {account: account.partition("@")[0].title() for account in ACCOUNTS}
        self.consent = Consent(
            "/honeybook/oauth",
            "HoneyBook",
            accounts=names,
            scopes={"projects": "See and change your projects"},
            rotates=True,
        )
        routes = {"honey": given(self)}
        self.routes: Sequence[ControllerRouterHandler] = [
            Router(self.address, route_handlers=API, dependencies=routes),
            Router("/honeybook", route_handlers=PAGES_OF_IT, dependencies=routes),
            *self.consent.routes,
        ]

    def settings_at(self, at: str) -> Mapping[str, Any]:
        return {
            "honeybook_base_url": f"{at}{self.address}",
            "honeybook_client_id": CLIENT_ID,
            "honeybook_client_secret": CLIENT_SECRET,
            "honeybook_authorize_url": f"{at}/honeybook/oauth/authorize",
            "honeybook_token_url": f"{at}/honeybook/oauth/token",
            "honeybook_scopes": "projects",
        }

    def connection(self, at: str, account: str) -> Connection:
        return Connection(id=uuid4(), secrets={"access_token": (self.consent.issue(account).access,)})

    async def make(self, account: str, record: Record) -> str:
        return self.companies[account].make(record)

    async def change(self, account: str, id: str, **fields: Any) -> None:
        self.companies[account].change(id, fields)

    async def delete(self, account: str, id: str) -> None:
        self.companies[account].remove(id)

    def seen(self, account: str) -> dict[str, Record]:
        company = self.companies[account]
        return {id: company.record(id) for id in company.workspaces}

    def company(self, account: str) -> Company:
        """Raises Refusal 404."""
        if account not in self.companies:
            raise not_found("company")
        return self.companies[account]


def build(settings: Any) -> HoneyBook:
    return HoneyBook()


async def answered(honey: HoneyBook, request: AnyRequest, act: Callable[[Company, Any], Any]) -> Response[bytes]:
    return await honey.answered(request, lambda mood, body: act(_company(honey, request, mood), body))


@get("/users/me")
async def get_me(request: AnyRequest, honey: HoneyBook) -> Response[bytes]:
    return await answered(honey, request, lambda one, _: {"id": "u1", "company_id": one.id, "company_name": one.name})


@get("/workspaces")
async def list_workspaces(request: AnyRequest, honey: HoneyBook) -> Response[bytes]:
    def act(company: Company, _: Any) -> Thing:
        query = request.query_params
        rows = company.rows(query.get("updated_gte", ""))
        offset, size = int(query.get("offset", "0")), min(int(query.get("limit", "100")), honey.page_size)
        return {"data": rows[offset : offset + size], "total": len(rows)}

    return await answered(honey, request, act)


@get("/workspaces/{workspace:str}")
async def get_workspace(workspace: str, request: AnyRequest, honey: HoneyBook) -> Response[bytes]:
    return await answered(honey, request, lambda one, _: one.shown(one.workspace(workspace)))


@put("/workspaces/{workspace:str}")
async def put_workspace(workspace: str, request: AnyRequest, honey: HoneyBook) -> Response[bytes]:
    return await answered(honey, request, lambda one, body: one.shown(one.put_workspace(workspace, body)))


@get("/pipelines/{pipeline:str}")
async def get_pipeline(pipeline: str, request: AnyRequest, honey: HoneyBook) -> Response[bytes]:
    def act(company: Company, _: Any) -> Thing:
        return {"id": pipeline, "stages": [{"id": id, "name": name} for id, name in company.pipeline.items()]}

    return await answered(honey, request, act)


@put("/contacts/{contact:str}")
async def put_contact(contact: str, request: AnyRequest, honey: HoneyBook) -> Response[bytes]:
    return await answered(honey, request, lambda one, body: one.put_contact(contact, body))


@get("/", media_type=MediaType.HTML)
async def show_companies(honey: HoneyBook) -> str:
    return PAGES.get_template("companies.html").render(honey=honey, moods=honey.moods, action="/honeybook/mood")


@get("/at/{account:str}", media_type=MediaType.HTML)
async def show(account: str, honey: HoneyBook) -> str:
    company = honey.company(account)
    projects = [(id, company.record(id)) for id in list(company.workspaces)[-SHOWN_MAX:]]
    return PAGES.get_template("company.html").render(account=account, company=company, projects=projects, stages=STAGES)


@post("/at/{account:str}")
async def act_as_person(account: str, honey: HoneyBook, data: Posted) -> Redirect:
    """What the forms of a business's page do: make, change or delete a project."""
    what, id, company = data.get("what", ""), data.get("id", ""), honey.company(account)
    try:
        if what == "delete":
            company.remove(id)
        elif what == "change":
            company.change(id, typed(data))
        else:
            company.make(Record(**typed(data)))
    except HoneyBookError as error:
        raise refused(error) from error
    return Redirect(f"/honeybook/at/{account}", status_code=303)


@post("/mood")
async def change_mood(honey: HoneyBook, data: Posted) -> Redirect:
    return switched(honey.moods, data, "/honeybook")


def _company(honey: HoneyBook, request: AnyRequest, mood: str) -> Company:
    account = None if mood == driven.DEAD else honey.consent.account_of(request)
    if account is None:
        raise HoneyBookError(401, "Unauthorized")
    # Whoever connects as somebody else in the sandbox is shown the first business.
    return honey.companies.get(account) or honey.companies[ACCOUNTS[0]]


API: Final = [get_me, list_workspaces, get_workspace, put_workspace, get_pipeline, put_contact]
PAGES_OF_IT: Final = [show_companies, show, act_as_person, change_mood]
PAGES: Final = pages(Path(__file__).parent / "templates")
