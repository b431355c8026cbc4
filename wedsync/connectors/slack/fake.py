"""A Slack that remembers: two suppliers' workspaces behind the Web API's own methods, with moods and a page to look in.

The API is below `/slack/api`, OAuth below `/slack/oauth`. At `/slack` a visitor reads the channels and presses the
buttons of messages as somebody who is in them; what is pressed is told, signed as Slack signs.
"""

import asyncio
import hmac
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, urlencode

import msgspec
from litestar import Request, Response, Router, get, post, route
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from wedsync.connections.fake_client import CLIENT_ID, CLIENT_SECRET, HOOK_SECRET
from wedsync.connections.fake_consent import Consent
from wedsync.connections.fakes import Moods, drop_connection, given, pages
from wedsync.connectors.slack.fake_store import CHANGING, METHODS, Object, SlackError, Workspace
from wedsync.kit import clock
from wedsync.kit.errors import not_found
from wedsync.kit.http import Reply, Wire

ACCOUNTS: Final = {"carla@sandbox.example": "T0CARLA", "dario@sandbox.example": "T0DARIO"}
SLOW_S: Final = 3.0
RETRY_AFTER_S: Final = 7
TIMEOUT_S: Final = 3.0
"""So long Slack waits for an answer to a pressed button."""
CALLS_KEPT_MAX: Final = 500
MOODS: Final = {
    "slow": f"Answers after {SLOW_S:g} seconds.",
    "429": f"Answers 429 with Retry-After: {RETRY_AFTER_S}.",
    "5xx": "Answers 503.",
    "dead token": "Refuses every token: ok false, token_revoked.",
    "lost reply": "Does what is asked and closes the connection without an answer; questions it answers.",
    "truncated": "Answers 200 with the first half of the answer.",
    "unknown fields": "Answers with members that nobody has heard of.",
    "duplicate": "Tells every pressed button twice.",
}
ApiRequest = Request[Any, Any, Any]
Posted = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call as it was, for whoever holds it against the provider's own description."""

    verb: str
    method: str
    query: dict[str, str]
    form: dict[str, str]
    answer: Object


class Slack:
    """The provider. Who connects as an account that has no workspace yet gets one."""

    title = "Slack"

    def __init__(self, hooks_url: str = "", secret: str = HOOK_SECRET) -> None:
        self.moods = Moods(MOODS)
        self.stopping = asyncio.Event()
        self.hooks_url = hooks_url
        self.secret = secret
        self.calls: list[Call] = []
        self.workspaces: dict[str, Workspace] = {}
        self._wire: Wire | None = None
        names = {email: email.partition("@")[0].title() for email in ACCOUNTS}
        for email in ACCOUNTS:
            self.workspace(email)
        self.consent = Consent(
            "/slack/oauth", "Slack", accounts=names, scopes=SCOPES, separator=",", life_s=43_200, rotates=True
        )
        provided = {"slack": given(self)}
        self.routes: Sequence[ControllerRouterHandler] = [
            Router("/slack/api", route_handlers=[call], dependencies=provided),
            Router("/slack", route_handlers=[show, press, change_mood], dependencies=provided),
            *self.consent.routes,
        ]

    @property
    def address(self) -> str:
        return "/slack"

    async def start(self) -> None:
        self._wire = Wire(user_agent="Slackbot 1.0 (+https://api.slack.com/robots)")

    async def stop(self) -> None:
        self.stopping.set()
        if self._wire is not None:
            await self._wire.close()

    def settings_at(self, at: str) -> Mapping[str, Any]:
        return {
            "slack_base_url": f"{at}/slack/api",
            "slack_client_id": CLIENT_ID,
            "slack_client_secret": CLIENT_SECRET,
            "slack_signing_secret": self.secret,
            "slack_authorize_url": f"{at}/slack/oauth/authorize",
            "slack_token_url": f"{at}/slack/oauth/token",
            "slack_revoke_url": f"{at}/slack/oauth/revoke",
        }

    def workspace(self, email: str) -> Workspace:
        """Of this account; its owner is in it."""
        id = ACCOUNTS.get(email) or "T" + "".join(one for one in email.upper() if one.isascii() and one.isalnum())
        if id not in self.workspaces:
            name = f"{email.partition('@')[0].title()} Studio"
            self.workspaces[id] = Workspace(id=id, name=name, people={})
            self.workspaces[id].add_person(email)
        return self.workspaces[id]

    async def press(self, channel: str, ts: str, user: str) -> int:
        """What somebody's client does when a button of a message is pressed. The status that Slack was answered; 0
        where nobody answered in time."""
        body = self.pressed(channel, ts, user)
        status = await self._tell(body)
        return await self._tell(body) if self.moods.current == "duplicate" else status

    def pressed(self, channel: str, ts: str, user: str) -> bytes:
        """What Slack sends of it: the first button of the message was pressed."""
        home = next((one for one in self.workspaces.values() if channel in one.channels), None)
        message = home.channel(channel).message(ts) if home is not None else None
        if home is None or message is None:
            raise not_found("message")
        buttons = [one for block in message["blocks"] if block["type"] == "actions" for one in block["elements"]]
        if not buttons:
            raise not_found("button")
        at = f"{clock.machine_now().timestamp():.6f}"
        told: Object = {
            "type": "block_actions",
            "user": {"id": user, "username": user.lower(), "name": user.lower(), "team_id": home.id},
            "api_app_id": "A0WEDSYNC",
            "token": "verification-is-by-signature",
            "container": {"type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": False},
            "trigger_id": f"1.2.{at}",
            "team": {"id": home.id, "domain": home.name.lower().replace(" ", "-")},
            "enterprise": None,
            "is_enterprise_install": False,
            "channel": {"id": channel, "name": home.channel(channel).name},
            "message": message,
            "state": {"values": {}},
            "response_url": "https://hooks.slack.example/actions/1/2/3",
            "actions": [buttons[0] | {"block_id": "notice", "action_ts": at}],
        }
        return urlencode({"payload": msgspec.json.encode(told).decode()}).encode()

    async def _tell(self, body: bytes) -> int:
        if self._wire is None or not self.hooks_url:
            return 0
        headers = {"content-type": "application/x-www-form-urlencoded", **signed(self.secret, body)}
        answer = await self._wire.request(
            "POST", self.hooks_url, headers=headers, body=body, timeout_s=TIMEOUT_S, trusted=True
        )
        return answer.status if isinstance(answer, Reply) else 0


def signed(secret: str, body: bytes, *, ago_s: int = 0) -> dict[str, str]:
    """The two headers by which what Slack sends is known."""
    at = str(int(clock.machine_now().timestamp()) - ago_s)
    mac = hmac.digest(secret.encode(), b"v0:%b:%b" % (at.encode(), body), "sha256").hex()
    return {"x-slack-request-timestamp": at, "x-slack-signature": f"v0={mac}"}


def build(settings: Any) -> Slack:
    """Tells the product of the same settings."""
    public = getattr(settings, "public_url", "")
    return Slack(f"{public}/hooks/slack" if public else "")


@route("/{method:str}", http_method=["GET", "POST"])
async def call(method: str, request: ApiRequest, slack: Slack) -> Response[bytes]:
    """Any method, in whatever mood it is."""
    query = dict(parse_qsl(request.url.query, keep_blank_values=True))
    form = _form(request.headers.get("content-type", ""), await request.body())
    mood = slack.moods.take() if slack.moods.current != "duplicate" else ""
    if mood == "slow":
        with suppress(TimeoutError):
            await asyncio.wait_for(slack.stopping.wait(), SLOW_S)
    if mood == "5xx":
        return Response(b"", status_code=503)
    answer = _answer(slack, request, method, query | form, mood)
    slack.calls = slack.calls[-CALLS_KEPT_MAX:]
    slack.calls.append(Call(verb=request.method, method=method, query=query, form=form, answer=answer))
    if mood == "lost reply" and method in CHANGING:
        drop_connection(request)
    told: bytes = msgspec.json.encode(
        answer | {"novelty": {"of": ["tomorrow"]}} if mood == "unknown fields" else answer
    )
    headers = {"retry-after": str(RETRY_AFTER_S)} if mood == "429" else {}
    body = told[: len(told) // 2] if mood == "truncated" else told
    return Response(body, status_code=429 if mood == "429" else 200, headers=headers, media_type=MediaType.JSON)


def _form(kind: str, body: bytes) -> dict[str, str]:
    """The arguments, as a form or, as Slack's own libraries send what is nested, as JSON."""
    if not body or not kind.startswith("application/json"):
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    said = msgspec.json.decode(body, type=dict[str, Any])
    return {name: one if isinstance(one, str) else msgspec.json.encode(one).decode() for name, one in said.items()}


def _answer(slack: Slack, request: ApiRequest, method: str, form: Mapping[str, str], mood: str) -> Object:
    account = slack.consent.account_of(request)
    act = METHODS.get(method)
    try:
        if mood == "429":
            raise SlackError("ratelimited")
        if mood == "dead token":
            raise SlackError("token_revoked")
        if account is None:
            raise SlackError("invalid_auth")
        if act is None:
            raise SlackError("unknown_method")
        return {"ok": True, **act(slack.workspace(account), form)}
    except SlackError as error:
        return {"ok": False, "error": str(error)}


@get("/", media_type=MediaType.HTML)
async def show(slack: Slack) -> str:
    """The channels as those who are in them read them."""
    return PAGES.get_template("slack.html").render(
        workspaces=[one for one in slack.workspaces.values() if one.channels],
        hooks_url=slack.hooks_url,
        moods=slack.moods,
        action="/slack/mood",
    )


@post("/press")
async def press(slack: Slack, data: Posted) -> Redirect:
    await slack.press(data.get("channel", ""), data.get("ts", ""), data.get("user", ""))
    return Redirect("/slack", status_code=303)


@post("/mood")
async def change_mood(slack: Slack, data: Posted) -> Redirect:
    times = data.get("times", "")
    slack.moods.switch(data.get("mood", ""), int(times) if times.isdigit() else None)
    return Redirect("/slack", status_code=303)


SCOPES: Final = {
    "channels:history": "Look whether a message has been posted already",
    "channels:manage": "Make public channels",
    "channels:read": "See public channels",
    "chat:write": "Post messages",
    "groups:history": "The same in private channels it is in",
    "groups:read": "See private channels it is in",
    "groups:write": "Make private channels",
    "users:read": "See who is in the workspace",
    "users:read.email": "Find people by their e-mail address",
}
PAGES = pages(Path(__file__).parent / "templates")
