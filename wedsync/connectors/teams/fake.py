"""A Teams that remembers: workflows of two suppliers' channels that take cards, with moods and a page to look in."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from wedsync.connections.fakes import Moods, drop_connection, given, pages

WORKFLOWS: Final = {
    "carla@sandbox.example": "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
    "dario@sandbox.example": "f9e8d7c6b5a493827160f5e4d3c2b1a0",
}
SIG: Final = "the-sandbox-is-no-secret"
SLOW_S: Final = 3.0
RETRY_AFTER_S: Final = 7
SIZE_MAX_BYTES: Final = 28 * 1024
KEPT_MAX: Final = 200
MOODS: Final = {
    "slow": f"Answers after {SLOW_S:g} seconds.",
    "429": f"Answers 429 with Retry-After: {RETRY_AFTER_S}.",
    "5xx": "Answers 503.",
    "dead token": "Answers 404: the workflow was deleted.",
    "lost reply": "Takes the card and closes the connection without an answer.",
}
STATUS: Final = {"429": 429, "5xx": 503, "dead token": 404}
ApiRequest = Request[Any, Any, Any]
Posted = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


class Teams:
    """The provider. `cards` are what each workflow was given, oldest first."""

    title = "Microsoft Teams"

    def __init__(self) -> None:
        self.moods = Moods(MOODS)
        self.stopping = asyncio.Event()
        self.cards: dict[str, list[dict[str, Any]]] = {id: [] for id in WORKFLOWS.values()}
        provided = {"teams": given(self)}
        self.routes: Sequence[ControllerRouterHandler] = [
            Router("/teams", route_handlers=[invoke, show, change_mood], dependencies=provided)
        ]

    @property
    def address(self) -> str:
        return "/teams"

    async def start(self) -> None: ...

    async def stop(self) -> None:
        self.stopping.set()

    def settings_at(self, at: str) -> Mapping[str, Any]:
        return {"teams_hosts": str(urlsplit(at).hostname)}

    def workflow_at(self, at: str, account: str) -> str:
        """The address that a person copies."""
        id = WORKFLOWS[account]
        return (
            f"{at}/teams/workflows/{id}/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Frun&sv=1.0&sig={SIG}"
        )


def build(settings: Any) -> Teams:
    return Teams()


@post("/workflows/{id:str}/triggers/manual/paths/invoke")
async def invoke(id: str, request: ApiRequest, teams: Teams) -> Response[Any]:
    """What a workflow answers: that it has begun."""
    mood = teams.moods.take()
    if mood == "slow":
        with suppress(TimeoutError):
            await asyncio.wait_for(teams.stopping.wait(), SLOW_S)
    body = await request.body()
    status = STATUS.get(mood, 0) or _judged(teams, id, request.query_params.get("sig", ""), body)
    if status == 202:
        teams.cards[id] = [*teams.cards[id], msgspec.json.decode(body)][-KEPT_MAX:]
    if mood == "lost reply":
        drop_connection(request)
    headers = {"retry-after": str(RETRY_AFTER_S)} if status == 429 else {}
    return Response(None, status_code=status, headers=headers)


def _judged(teams: Teams, id: str, sig: str, body: bytes) -> int:
    if id not in teams.cards:
        return 404
    if sig != SIG:
        return 401
    if len(body) > SIZE_MAX_BYTES:
        return 413
    try:
        said = msgspec.json.decode(body)
        (one,) = said["attachments"]
        is_card = one["contentType"] == "application/vnd.microsoft.card.adaptive" and one["content"]["body"]
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        return 400
    return 202 if is_card and said["type"] == "message" else 400


@get("/", media_type=MediaType.HTML)
async def show(request: ApiRequest, teams: Teams) -> str:
    """Each channel as its team reads it, and the address of its workflow."""
    at = str(request.base_url).rstrip("/")
    return PAGES.get_template("teams.html").render(
        channels=[(email, teams.workflow_at(at, email), teams.cards[id]) for email, id in WORKFLOWS.items()],
        moods=teams.moods,
        action="/teams/mood",
    )


@post("/mood")
async def change_mood(teams: Teams, data: Posted) -> Redirect:
    times = data.get("times", "")
    teams.moods.switch(data.get("mood", ""), int(times) if times.isdigit() else None)
    return Redirect("/teams", status_code=303)


PAGES = pages(Path(__file__).parent / "templates")
