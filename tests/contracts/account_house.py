"""A town whose people connect accounts: the served app with connectors of tests, and their providers beside it."""

from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import asyncpg
import httpx
import msgspec
from litestar import Request, Response, delete, get
from litestar.exceptions import NotAuthorizedException
from litestar.types import ControllerRouterHandler

from tests.contracts.town import Linked, Somebody, Town
from tests.engines_fixture import Database, RunningPostgres
from tests.served import served
from wedsync.connections import stage
from wedsync.connections.accounts.connecting import Desk
from wedsync.connections.accounts.opening import Accounts
from wedsync.connections.fake_client import CLIENT_ID, CLIENT_SECRET
from wedsync.connections.fake_consent import Consent
from wedsync.kit.config import Settings

PACKAGE = "tests.contracts.providers"
CARLA, DARIO = "carla@sandbox.example", "dario@sandbox.example"
PASSWORD = "the-word-at-the-vault"


class Acme:
    """The provider of both connectors; `status` is what it answers to whoever asks who is there, 0: honestly. `ended`
    are watches, each with its calendar; `refused` are tokens that it has taken back, though not what they came of."""

    title = "Acme"
    address = "/acme"

    def __init__(self) -> None:
        scopes = {"calendar": "See and change your calendars", "profile": "See who you are"}
        accounts = {CARLA: "Carla", DARIO: "Dario"}
        self.consent = Consent("/acme/oauth", self.title, accounts=accounts, scopes=scopes, rotates=True)
        self.status = 0
        self.ended: list[tuple[str, str]] = []
        self.refused: set[str] = set()

        @get("/acme/me")
        async def me(request: "Request[Any, Any, Any]") -> Response[dict[str, str]]:
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            account = None if token in self.refused else self.consent.account_of(request)
            status = self.status or (200 if account else 401)
            return Response({"account": account} if account and status == 200 else {}, status_code=status)

        @delete("/acme/watches/{id:str}", status_code=204)
        async def unwatch(id: str, request: "Request[Any, Any, Any]") -> None:
            if self.consent.account_of(request) is None:
                raise NotAuthorizedException
            self.ended.append((id, request.query_params["calendar"]))

        @get("/vault")
        async def vault(request: "Request[Any, Any, Any]") -> Response[None]:
            said = b64encode(f"frank:{PASSWORD}".encode()).decode()
            is_right = request.headers.get("authorization") == f"Basic {said}"
            return Response(None, status_code=self.status or (200 if is_right else 401))

        self.routes: Sequence[ControllerRouterHandler] = [*self.consent.routes, me, unwatch, vault]

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class House(Town):
    """The town, with a desk behind its door."""

    acme: Acme
    at: str

    @property
    def desk(self) -> Desk:
        desk: Desk = self.app.state.desk
        return desk

    def accounts(self) -> Accounts:
        """Those of another process: nothing is shared but the database."""
        desk = self.desk
        return Accounts(
            door=self.door, ring=self.ring, wire=desk.wire, settings=desk.settings, manifests=desk.host.manifests
        )

    async def begun(self, owner: Somebody, supplier: str, connector: str = "acme_calendar") -> dict[str, Any]:
        """Sent to the provider."""
        made: dict[str, Any] = await owner.got(
            "POST", f"/api/v1/suppliers/{supplier}/connections/{connector}", {}, code=201
        )
        return made

    async def answered(self, authorize_url: str, auto: str = CARLA) -> str:
        """What the provider sends the browser back to, as path and query."""
        async with httpx.AsyncClient() as browser:
            answer = await browser.get(f"{authorize_url}&auto={auto}")
        back = urlsplit(answer.headers["location"])
        return f"{back.path}?{back.query}"

    async def connected(self, business: Linked, auto: str = CARLA) -> UUID:
        """An account of theirs, connected as a person does it."""
        begun = await self.begun(business.owner, business.supplier)
        back = await self.answered(begun["authorize_url"], auto)
        await business.owner.see(back, code=303)
        return UUID(begun["connection"]["id"])

    async def state(self, id: UUID) -> str:
        """As the database has it."""
        found: str = await self.admin.fetchval("select state from connections where id = $1", id)
        return found

    async def expires(self, id: UUID, seconds: float) -> None:
        """The token that is held ends so soon."""
        await self.admin.execute(
            """update connection_accounts set refreshed_at = clock_timestamp() - interval '1 hour',
              expires_at = clock_timestamp() + make_interval(secs => $2) where connection_id = $1""",
            id,
            seconds,
        )


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


@asynccontextmanager
async def housed(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[House]:
    """The app with the connectors of tests, and their providers."""
    acme = Acme()
    admin = await asyncpg.connect(postgres.admin_url, database=database.name)
    try:
        async with stage.serving([acme]) as at:
            environ = {
                "WEDSYNC_ACME_CALENDAR_BASE_URL": at,
                "WEDSYNC_ACME_CALENDAR_CLIENT_ID": CLIENT_ID,
                "WEDSYNC_ACME_CALENDAR_CLIENT_SECRET": CLIENT_SECRET,
                "WEDSYNC_ACME_CALENDAR_AUTHORIZE_URL": f"{at}/acme/oauth/authorize",
                "WEDSYNC_ACME_CALENDAR_TOKEN_URL": f"{at}/acme/oauth/token",
                "WEDSYNC_ACME_CALENDAR_REVOKE_URL": f"{at}/acme/oauth/revoke",
            }
            own = msgspec.structs.replace(settings, connector_environ=environ)
            async with served(own, connectors=PACKAGE) as app:
                house = House(app, own, admin)
                house.acme, house.at = acme, at
                yield house
    finally:
        await admin.close()
