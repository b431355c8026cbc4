"""The web application as programs meet it: asks as one of the people, and checks what a refusal looks like."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
from litestar import Litestar

from tests.served import served
from tests.world import World, build
from wedsync.kit.config import Settings

ERRORS = ("type", "title", "status", "code", "detail")


class Desk:
    """The application, asked as one of the people of the world."""

    def __init__(self, app: Litestar, world: World) -> None:
        self.app = app
        self.world = world
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test", timeout=60)

    async def ask(self, method: str, path: str, *, who: str = "couple", **given: Any) -> httpx.Response:
        """One request; `{name}` in the path is an id of the world."""
        ids = {k: str(v) for k, v in {**self.world.ids, "wedding": self.world.wedding_id}.items()}
        headers = {"accept": "application/json", **given.pop("headers", {})}
        if who in self.world.tokens:
            headers["authorization"] = f"Bearer {self.world.tokens[who]}"
        if isinstance(given.get("json"), str):
            given["content"] = given.pop("json")
        if "content" in given:
            headers.setdefault("content-type", "application/json")
        self.http.cookies.clear()
        return await self.http.request(method, path.format(**ids), headers=headers, **given)

    async def tops(self) -> tuple[int, int]:
        """How far the logs of both weddings go."""
        found = []
        for who, wedding in (("couple", self.world.wedding_id), ("other_couple", self.world.other_id)):
            async with self.world.door.enter(self.world.actor(who), wedding) as tx:
                found.append(await tx.value("select top from streams where id = $1", wedding))
        return found[0], found[1]

    async def refused(self, method: str, path: str, status: int | set[int], **given: Any) -> dict[str, Any]:
        """The problem a request gets; that it is one, and that nothing changed."""
        before = await self.tops()
        answer = await self.ask(method, path, **given)
        wanted = {status} if isinstance(status, int) else status
        assert answer.status_code in wanted, (method, path, str(given)[:200], answer.status_code, answer.text[:500])
        problem = problem_of(answer)
        assert await self.tops() == before
        return problem


def problem_of(answer: httpx.Response) -> dict[str, Any]:
    """The problem document of an answer; every refusal is one."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text[:300]
    problem: dict[str, Any] = answer.json()
    assert set(ERRORS) <= problem.keys()
    assert problem["status"] == answer.status_code
    assert re.fullmatch("[a-z_0-9]+", problem["code"])
    assert len(problem["detail"]) > 10
    assert "Traceback" not in answer.text
    return problem


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Desk]:
    """A desk with an application and a world of its own."""
    async with served(settings) as app, seated(app, settings) as desk:
        yield desk


@asynccontextmanager
async def seated(app: Litestar, settings: Settings) -> AsyncIterator[Desk]:
    """A desk with a world of its own at an application that is served."""
    world = await build(settings)
    try:
        yield Desk(app, world)
    finally:
        await world.door.pool.close()


def paths(app: Litestar, method: str) -> list[str]:
    """The API's paths that take a method."""
    served = [(r.path_format, getattr(r, "methods", ())) for r in app.routes]
    return sorted(path for path, methods in served if method in methods and path.startswith("/api/"))


def own(desk: Desk, path: str) -> str:
    """A path with its parameters filled in from the couple's own wedding."""
    own = {
        **{f"{name.removesuffix('s')}_id": str(value) for name, value in desk.world.ids.items()},
        "wedding_id": str(desk.world.wedding_id),
        "tenant": str(desk.world.wedding_id),
        "supplier_id": str(desk.world.businesses["standard"]),
        "link_id": str(desk.world.links["standard"]),
        "item_id": str(desk.world.ids["schedule_items"]),
        "task_id": str(desk.world.ids["task_shared"]),
        "party_id": str(desk.world.ids["parties"]),
        "line_id": str(desk.world.ids["budget_lines"]),
        "payment_id": str(desk.world.ids["budget_payments"]),
        "token": desk.world.passes["rsvp"],
    }
    return re.sub(r"\{(\w+)\}", lambda m: own.get(m[1]) or str(desk.world.ids.get(m[1], UUID(int=7))), path)
