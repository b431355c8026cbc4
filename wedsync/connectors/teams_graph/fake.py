"""A Microsoft Graph that remembers: two suppliers' teams, the sign-in of apps, moods, and a page to look in.

`/teams-graph/v1.0` is the API, `/teams-graph/{tenant}/oauth2/v2.0/token` gives apps their tokens.
"""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec
from litestar import HttpMethod, Request, Response, Router, get, post, route
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from wedsync.connections.contract import Connection
from wedsync.connections.fake_client import CLIENT_ID, CLIENT_SECRET
from wedsync.connections.fakes import Moods, drop_connection, given, pages
from wedsync.connectors.teams_graph.fake_store import PAGE, PERMISSIONS, Call, GraphError, Object, Team, answer

PREFIX: Final = "/teams-graph"
ACCOUNTS: Final = ("carla@sandbox.example", "dario@sandbox.example")
SLOW_S: Final = 3.0
RETRY_AFTER_S: Final = 7
LIFE_S: Final = 3599
KEPT_MAX: Final = 500
TOKENS_MAX: Final = 1000
HIDDEN: Final = "not listed yet"
LOST: Final = "lost reply"
ENDED: Final = "secret ended"
MOODS: Final = {
    "slow": f"Answers after {SLOW_S:g} seconds.",
    "429": f"Answers 429 with Retry-After: {RETRY_AFTER_S}.",
    "5xx": "Answers 502, as Graph does where a service behind it fails.",
    "dead token": "Refuses every token with 401.",
    ENDED: "Gives no tokens: the client secret has ended.",
    LOST: "Does what is asked and closes the connection without an answer; questions it answers.",
    "truncated": "Answers with the first half of the answer.",
    "unknown fields": "Answers with members that nobody has heard of.",
    HIDDEN: "Makes channels that are listed by and by.",
}
REFUSALS: Final = {
    "429": GraphError(429, "TooManyRequests", "Too many requests."),
    "5xx": GraphError(502, "BadGateway", "Failed to execute backend request."),
}
ApiRequest = Request[Any, Any, Any]
Posted = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One call as it came and what it was answered, for whoever holds it against Graph's own metadata."""

    verb: str
    path: str
    said: Object | None
    status: int
    told: Object | None


class TeamsGraph:
    """The provider. Each account has a Microsoft 365 of its own with one team, of which it is the owner."""

    title = "Microsoft Teams, by Graph"

    def __init__(self) -> None:
        self.moods = Moods(MOODS)
        self.stopping = asyncio.Event()
        self.teams: dict[str, Team] = {}
        self.tokens: dict[str, str] = {}
        self.exchanges: list[Exchange] = []
        self.page_size = PAGE
        for email in ACCOUNTS:
            self.team(email)
        handlers = [call_api, give_token, show, change_mood]
        self.routes: Sequence[ControllerRouterHandler] = [
            Router(PREFIX, route_handlers=handlers, dependencies={"fake": given(self)})
        ]

    @property
    def address(self) -> str:
        return PREFIX

    async def start(self) -> None: ...

    async def stop(self) -> None:
        self.stopping.set()

    def settings_at(self, at: str) -> Mapping[str, Any]:
        return {
            "teams_graph_base_url": f"{at}{PREFIX}/v1.0",
            "teams_graph_token_url": f"{at}{PREFIX}/{{tenant}}/oauth2/v2.0/token",
        }

    def team(self, email: str) -> Team:
        """Of this account; whoever asks first gets one."""
        if email not in self.teams:
            ids = [str(uuid5(NAMESPACE_URL, f"{email} {what}")) for what in ("team", "tenant")]
            name = f"{email.partition('@')[0].title()} Studio"
            self.teams[email] = Team(id=ids[0], tenant=ids[1], name=name, granted=set(PERMISSIONS))
            self.teams[email].add_person(email, "owner")
        return self.teams[email]

    def typed(self, at: str, email: str) -> dict[str, str]:
        """What a person gives to connect the team."""
        link = f"{at}{PREFIX}/l/team/conversations?{self.team(email).link}"
        return {"username": CLIENT_ID, "password": CLIENT_SECRET, "address": link}

    def connection(self, at: str, email: str) -> Connection:
        held = {name: (value,) for name, value in self.typed(at, email).items()}
        return Connection(id=UUID(self.team(email).id), secrets=held)

    def by(self, request: ApiRequest, id: str) -> Team:
        """The team that a token's app may ask about. Raises GraphError."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        tenant = self.tokens.get(token)
        if tenant is None or self.moods.current == "dead token":
            raise GraphError(401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid.")
        found = next((one for one in self.teams.values() if (one.id, one.tenant) == (id, tenant)), None)
        if found is None:
            raise GraphError(404, "NotFound", "No team found with this group id.")
        return found


def build(settings: Any) -> TeamsGraph:
    return TeamsGraph()


@route("/v1.0/teams/{rest:path}", http_method=[HttpMethod.GET, HttpMethod.POST], status_code=200)
async def call_api(rest: str, request: ApiRequest, fake: TeamsGraph) -> Response[bytes]:
    """All of Graph that is there; see fake_store.py."""
    is_asking = request.method == "GET"
    mood = "" if is_asking and fake.moods.current == LOST else fake.moods.take()
    if mood == "slow":
        with suppress(TimeoutError):
            await asyncio.wait_for(fake.stopping.wait(), SLOW_S)
    body = await request.body()
    said: Object | None = msgspec.json.decode(body) if body else None
    status, told, headers = _answered(fake, request, rest.strip("/"), said or {}, mood)
    path = "/" + rest.strip("/").partition("/")[2]
    fake.exchanges.append(Exchange(verb=request.method, path=path, said=said, status=status, told=told))
    del fake.exchanges[:-KEPT_MAX]
    if mood == "unknown fields" and told is not None:
        told = {**told, "@odata.unheard": "of", "somethingNew": {"parts": [1, None]}}
    out = b"" if told is None else msgspec.json.encode(told)
    if mood == LOST:
        drop_connection(request)
    return Response(
        out[: len(out) // 2] if mood == "truncated" else out,
        status_code=status,
        media_type="application/json",
        headers=headers,
    )


def _answered(
    fake: TeamsGraph, request: ApiRequest, path: str, said: Object, mood: str
) -> tuple[int, Object | None, dict[str, str]]:
    headers = {"request-id": secrets.token_hex(16)}
    id, _, rest = path.partition("/")
    try:
        if mood in REFUSALS:
            raise REFUSALS[mood]
        query = dict(request.query_params.items())
        at = f"{request.base_url}".rstrip("/") + request.url.path
        call = Call(query=query, body=said, at=at, hides=mood == HIDDEN, page=fake.page_size)
        status, told = answer(fake.by(request, id), request.method, f"/{rest}" if rest else "", call)
        return status, told, headers
    except GraphError as error:
        inner = {"request-id": headers["request-id"], **({"code": error.inner} if error.inner else {})}
        if error.status == 429:
            headers["retry-after"] = str(RETRY_AFTER_S)
        told = {"error": {"code": error.code, "message": error.message, "innerError": inner}}
        return error.status, told, headers


@post("/{tenant:str}/oauth2/v2.0/token", status_code=200)
async def give_token(tenant: str, request: ApiRequest, fake: TeamsGraph) -> Response[Any]:
    """Client credentials (RFC 6749 4.4), for the app in its own Microsoft 365."""
    form = dict(parse_qsl((await request.body()).decode()))
    if tenant not in [one.tenant for one in fake.teams.values()]:
        return Response({"error": "invalid_request", "error_description": "AADSTS90002"}, status_code=400)
    if form.get("grant_type") != "client_credentials" or not form.get("scope", "").endswith("/.default"):
        return Response({"error": "invalid_scope", "error_description": "AADSTS1002012"}, status_code=400)
    is_known = (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
    if not is_known or fake.moods.current == ENDED:
        return Response({"error": "invalid_client", "error_description": "AADSTS7000222"}, status_code=401)
    token = f"app.{secrets.token_urlsafe(24)}"
    fake.tokens[token] = tenant
    while len(fake.tokens) > TOKENS_MAX:
        del fake.tokens[next(iter(fake.tokens))]
    return Response({"token_type": "Bearer", "expires_in": LIFE_S, "ext_expires_in": LIFE_S, "access_token": token})


@get("/", media_type=MediaType.HTML)
async def show(request: ApiRequest, fake: TeamsGraph) -> str:
    """Each team with its channels, and what is typed to connect it."""
    at = str(request.base_url).rstrip("/")
    return PAGES.get_template("teams_graph.html").render(
        teams=[(team, fake.typed(at, email)) for email, team in fake.teams.items()],
        moods=fake.moods,
        action=f"{PREFIX}/mood",
    )


@post("/mood")
async def change_mood(fake: TeamsGraph, data: Posted) -> Redirect:
    times = data.get("times", "")
    fake.moods.switch(data.get("mood", ""), int(times) if times.isdigit() else None)
    return Redirect(PREFIX, status_code=303)


PAGES = pages(Path(__file__).parent / "templates")
