"""A town whose suppliers and couples chat: the served app, a worker as it is started, and their programs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx
import msgspec

from tests.contracts.town import Linked, Somebody, Town
from tests.engines_fixture import Database, RunningPostgres
from tests.eventually import eventually
from tests.served import served
from wedsync.connections import stage
from wedsync.connectors.slack.fake import Slack, signed
from wedsync.connectors.slack.fake_store import Channel, Object, Workspace
from wedsync.connectors.teams.fake import Teams
from wedsync.connectors.teams_graph.fake import TeamsGraph
from wedsync.kit.config import Settings
from wedsync.processes import registry, senders, worker

HOOKS = "/hooks/slack"


class Chatting(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's workspace and its channel of a wedding."""

    workspace: Workspace
    connection: str
    chat: dict[str, Any]

    @property
    def channel(self) -> Channel:
        return self.workspace.named(self.chat["name"])

    @property
    def texts(self) -> list[str]:
        return [one["text"] for one in self.channel.messages]

    @property
    def buttons(self) -> list[Object]:
        """Those that confirm."""
        blocks = [block for one in self.channel.messages for block in one["blocks"] if block["type"] == "actions"]
        return [one for block in blocks for one in block["elements"] if "value" in one]


class ChatHouse(Town):
    """The town with Slack beside it, and a worker at work."""

    slack: Slack
    teams: Teams
    graph: TeamsGraph
    at: str

    async def workspace(self, who: Somebody, tenant: str, kind: str = "suppliers") -> str:
        """Somebody connects the workspace of their own address, as a person does; the connection's id."""
        begun = await who.got("POST", f"/api/v1/{kind}/{tenant}/connections/slack", {}, code=201)
        async with httpx.AsyncClient() as browser:
            answer = await browser.get(f"{begun['authorize_url']}&auto={who.email}")
        back = urlsplit(answer.headers["location"])
        await who.see(f"{back.path}?{back.query}", code=303)
        id: str = begun["connection"]["id"]
        return id

    async def again(self, business: Linked, made: Chatting) -> None:
        """The owner connects the same workspace again."""
        begun = await business.owner.got("POST", f"/api/v1/connections/{made.connection}/reconnect", {})
        async with httpx.AsyncClient() as browser:
            answer = await browser.get(f"{begun['authorize_url']}&auto={business.owner.email}")
        back = urlsplit(answer.headers["location"])
        await business.owner.see(f"{back.path}?{back.query}", code=303)

    async def indexed(self, business: Linked, wedding: str) -> None:
        """The business's list of weddings has heard of this one."""

        async def known() -> Any:
            said = (
                "select count(*) from supplier_index where supplier_id = $1 and wedding_id = $2 and status = 'active'"
            )
            return bool(await self.admin.fetchval(said, UUID(business.supplier), UUID(wedding)))

        await eventually(known)

    async def opened(self, who: Somebody, tenant: str, kind: str = "suppliers", **wanted: Any) -> Chatting:
        """A workspace is connected and has made a channel."""
        connection = await self.workspace(who, tenant, kind)
        wanted["connection_id"] = connection
        chat = await who.got("POST", f"/api/v1/{kind}/{tenant}/chats", wanted, code=201)
        made = Chatting(workspace=self.slack.workspace(who.email), connection=connection, chat=chat)
        await self.until(made, who, "active")
        return made

    async def until(self, made: Chatting, who: Somebody, state: str) -> dict[str, Any]:
        """The channel as its owner sees it, once it is in this state."""
        kind = "weddings" if made.chat["link_id"] is None else "suppliers"

        async def found() -> Any:
            listed = (await who.got("GET", f"/api/v1/{kind}/{made.chat['tenant_id']}/chats"))["items"]
            here = [one for one in listed if one["id"] == made.chat["id"] and one["state"] == state]
            return here[0] if here else None

        shown: dict[str, Any] = await eventually(found)
        return shown

    async def idle(self) -> None:
        """Nothing is left to do for chats: no reaction waits, and nothing that goes to a channel."""

        async def nothing() -> Any:
            waiting = """select count(*) from jobs
              where (kind <> 'delivery' or name in ('slack', 'teams', 'teams_graph'))
                and run_at < clock_timestamp() + interval '1 hour'"""
            return int(await self.admin.fetchval(waiting)) == 0

        await eventually(nothing)

    async def press(self, made: Chatting, ts: str, user: str, *, secret: str = "", ago_s: int = 0) -> httpx.Response:
        """A button is pressed; what Slack was answered."""
        body = self.slack.pressed(made.channel.id, ts, user)
        return await self.told(body, signed(secret or self.slack.secret, body, ago_s=ago_s))

    async def told(self, body: bytes, headers: dict[str, str]) -> httpx.Response:
        form = {"content-type": "application/x-www-form-urlencoded"}
        return await self.public._http.post(HOOKS, content=body, headers=form | headers)

    async def ended(self, tenant: str) -> list[tuple[str, str]]:
        """How what was owed to channels ended: (state, reason)."""
        rows = await self.admin.fetch(
            "select state, reason from deliveries where tenant_id = $1 and connector = 'slack' order by made_at, id",
            UUID(tenant),
        )
        return [(row["state"], row["reason"]) for row in rows]


@asynccontextmanager
async def housed(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[ChatHouse]:
    """The app and a worker, pointed at a Slack, a Teams and a Graph of their own."""
    fake, teams, graph = Slack(), Teams(), TeamsGraph()
    admin = await asyncpg.connect(postgres.admin_url, database=database.name)
    stop = asyncio.Event()
    urls = {"database_url": database.user, "service_database_url": database.service}
    try:
        async with stage.serving([fake, teams, graph]) as at:
            pointed = {**urls, **fake.settings_at(at), **teams.settings_at(at), **graph.settings_at(at)}
            own = msgspec.structs.replace(settings, **pointed, egress_allow=("127.0.0.0/8",))
            async with served(own) as app, senders.opened(own) as opened:
                house = ChatHouse(app, own, admin)
                house.slack, house.teams, house.graph, house.at = fake, teams, graph, at
                works = registry.works(own, opened.remote, opened.crms, opened.host)
                working = asyncio.create_task(
                    worker.serve(
                        own,
                        catalogue=registry.catalogue(own),
                        senders=opened.senders,
                        works=works,
                        stop=stop,
                        chats=opened.chats,
                    )
                )
                try:
                    yield house
                finally:
                    stop.set()
                    await working
    finally:
        await admin.close()
