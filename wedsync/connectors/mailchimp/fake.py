"""A Mailchimp that remembers: two businesses' audiences behind the Marketing API's own addresses, with moods and pages.

The API is below `/mailchimp/api`, OAuth below `/mailchimp/oauth`. A visitor unsubscribes people at `/mailchimp` as they
would by the link of a letter; that is told by hooks, which Mailchimp does not sign.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import uuid4

import msgspec
from litestar import Response, Router, get, patch, post, put
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from wedsync.connections.calendars import driven as moods_of_all
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.contract import Connection
from wedsync.connections.fake_client import CLIENT_ID, CLIENT_SECRET
from wedsync.connections.fake_consent import Consent
from wedsync.connections.fakes import FINE, Moods, given, pages
from wedsync.connections.marketing import fake_answers
from wedsync.connections.marketing.driven import MOODS as OF_MARKETING
from wedsync.connections.marketing.driven import Seen
from wedsync.connections.marketing.fake_answers import EXCHANGES_MAX, SILENT, AnyRequest, Exchange, ProviderError
from wedsync.connectors.mailchimp.fake_store import Account, MailchimpError, Thing, digest
from wedsync.kit import clock
from wedsync.kit.errors import not_found
from wedsync.kit.http import Wire

BARE: Final = "bare 403"
MOODS: Final = {
    **OF_MARKETING,
    moods_of_all.DUPLICATE: moods_of_all.MOODS[moods_of_all.DUPLICATE],
    moods_of_all.OFF: moods_of_all.MOODS[moods_of_all.OFF],
    BARE: "Answers 403 with a page, as under too many calls.",
}
LIFE_S: Final = 10 * 365 * 86400.0
"""Mailchimp's tokens do not end by themselves."""
PAGE: Final = "<!doctype html><html><body>Forbidden</body></html>"
Posted = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


class Mailchimp:
    """The provider. A `Driven`: what people do with it can be done by methods."""

    title = "Mailchimp"

    def __init__(self) -> None:
        self.moods = Moods(MOODS)
        self.exchanges: deque[Exchange] = deque(maxlen=EXCHANGES_MAX)
        self.stopping = asyncio.Event()
        self.accounts = {
            email: Account(number, email.partition("@")[0].title(), clock.machine_now)
            for number, email in enumerate(ACCOUNTS, start=1)
        }
        names = {email: account.name for email, account in self.accounts.items()}
        self.consent = Consent(
            "/mailchimp/oauth", "Mailchimp", accounts=names, scopes={}, life_s=LIFE_S, offline=("scope", "never")
        )
        self._wire: Wire | None = None
        self._sending: set[asyncio.Task[None]] = set()
        itself = {"chimp": given(self)}
        self.routes: Sequence[ControllerRouterHandler] = [
            Router(self.address, route_handlers=API, dependencies=itself),
            Router("/mailchimp", route_handlers=PAGES_OF_IT, dependencies=itself),
            *self.consent.routes,
        ]

    @property
    def address(self) -> str:
        return "/mailchimp/api"

    async def start(self) -> None:
        self._wire = Wire(user_agent="MailChimp")

    async def stop(self) -> None:
        self.stopping.set()
        for task in self._sending:
            task.cancel()
        if self._wire is not None:
            await self._wire.close()

    def settings_at(self, at: str) -> Mapping[str, Any]:
        return {
            "mailchimp_base_url": f"{at}{self.address}",
            "mailchimp_metadata_url": f"{at}/mailchimp/oauth/metadata",
            "mailchimp_client_id": CLIENT_ID,
            "mailchimp_client_secret": CLIENT_SECRET,
            "mailchimp_authorize_url": f"{at}/mailchimp/oauth/authorize",
            "mailchimp_token_url": f"{at}/mailchimp/oauth/token",
        }

    def connection(self, at: str, account: str) -> Connection:
        return Connection(id=uuid4(), secrets={"access_token": (self.consent.issue(account).access,)})

    def list_of(self, account: str) -> str:
        return self.accounts[account].list_id

    async def unsubscribe(self, account: str, email: str) -> None:
        home = self.account(account)
        home.patch(digest(email), {"status": "unsubscribed"})
        self._tell(home, "unsubscribe", email)

    def seen(self, account: str) -> dict[str, Seen]:
        return self.accounts[account].seen()

    def send(self, account: str, title: str, *, sends: int, opens: int, clicks: int) -> None:
        home = self.account(account)
        home.campaigns.insert(
            0,
            {
                "id": f"{len(home.campaigns):010x}",
                "campaign_title": title,
                "type": "regular",
                "list_id": home.list_id,
                "subject_line": title,
                "emails_sent": sends,
                "abuse_reports": 0,
                "unsubscribed": 1,
                "send_time": clock.machine_now().isoformat(timespec="seconds"),
                "bounces": {"hard_bounces": 1, "soft_bounces": 1, "syntax_errors": 0},
                "opens": {"opens_total": opens * 2, "unique_opens": opens, "open_rate": opens / sends},
                "clicks": {"clicks_total": clicks * 2, "unique_clicks": clicks, "unique_subscriber_clicks": clicks},
            },
        )

    def account(self, email: str) -> Account:
        """Raises Refusal 404."""
        if email not in self.accounts:
            raise not_found("account")
        return self.accounts[email]

    def of(self, request: AnyRequest) -> Account:
        """Whoever's token it is; Raises MailchimpError 401."""
        account = None if self.moods.current == moods_of_all.DEAD else self.consent.account_of(request)
        if account is None:
            raise MailchimpError(401, "API Key Invalid", "Your API key may be invalid.")
        # Whoever connects as somebody else in the sandbox is shown the first account.
        return self.accounts.get(account) or self.accounts[ACCOUNTS[0]]

    def trouble(self, mood: str) -> ProviderError | None:
        match mood:
            case moods_of_all.BUSY:
                return MailchimpError(429, "Too Many Requests", "You have exceeded the limit of 10 connections.")
            case moods_of_all.BROKEN:
                return MailchimpError(503, "Internal Server Error")
            case moods_of_all.DEAD:
                return MailchimpError(401, "API Key Invalid", "Your API key may be invalid.")
            case _ if mood == BARE:
                return ProviderError(403, PAGE.encode())
        return None

    def _tell(self, home: Account, kind: str, email: str) -> None:
        """Everybody who is to be told, without waiting for them."""
        if self.moods.current == moods_of_all.OFF or self._wire is None:
            return
        fired_at = f"{clock.machine_now():%Y-%m-%d %H:%M:%S}"
        said = {"type": kind, "fired_at": fired_at, "data[list_id]": home.list_id, "data[email]": email}
        body = urlencode(said | {"data[id]": digest(email)[:10], "data[reason]": "manual"}).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        for hook in home.hooks.values():
            for _ in range(2 if self.moods.current == moods_of_all.DUPLICATE else 1):
                sent = self._wire.request("POST", hook["url"], headers=headers, body=body, timeout_s=10.0, trusted=True)
                task = asyncio.create_task(_ended(sent))
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)


def build(settings: Any) -> Mailchimp:
    return Mailchimp()


async def _ended(sent: Any) -> None:
    await sent


async def answered(chimp: Mailchimp, request: AnyRequest, act: Callable[[Account, Any], Any]) -> Response[bytes]:
    """By whose token it is."""
    return await fake_answers.answered(chimp, request, lambda body: act(chimp.of(request), body))


@get("/lists")
async def lists(request: AnyRequest, chimp: Mailchimp) -> Response[bytes]:
    return await answered(
        chimp,
        request,
        lambda home, _: {"lists": [{"id": home.list_id, "name": f"{home.name}'s couples"}], "total_items": 1},
    )


@put("/lists/{list_id:str}/members/{key:str}")
async def put_member(list_id: str, key: str, request: AnyRequest, chimp: Mailchimp) -> Response[bytes]:
    return await answered(chimp, request, lambda home, body: _in(home, list_id).put(key, body))


@patch("/lists/{list_id:str}/members/{key:str}")
async def patch_member(list_id: str, key: str, request: AnyRequest, chimp: Mailchimp) -> Response[bytes]:
    return await answered(chimp, request, lambda home, body: _in(home, list_id).patch(key, body))


@get("/lists/{list_id:str}/members")
async def list_members(list_id: str, request: AnyRequest, chimp: Mailchimp) -> Response[bytes]:
    def act(home: Account, _: Any) -> Thing:
        query = request.query_params
        since = datetime.fromisoformat(query["since_last_changed"]) if "since_last_changed" in query else None
        found = [
            home.shown(key)
            for key, one in _in(home, list_id).members.items()
            if one["status"] == query["status"]
            if since is None or datetime.fromisoformat(one["last_changed"]) >= since
        ]
        found.sort(key=lambda one: str(one["last_changed"]))
        first, count = int(query["offset"]), int(query["count"])
        return {"members": found[first : first + count], "list_id": list_id, "total_items": len(found)}

    return await answered(chimp, request, act)


@post("/lists/{list_id:str}/members/{key:str}/events")
async def add_event(list_id: str, key: str, request: AnyRequest, chimp: Mailchimp) -> Response[bytes]:
    def act(home: Account, body: Any) -> None:
        email = _in(home, list_id).member(key)["email_address"]
        home.begun.append((email, f"event:{body['name']}"))

    return await answered(chimp, request, act)


@get("/lists/{list_id:str}/segments")
async def list_segments(list_id: str, request: AnyRequest, chimp: Mailchimp) -> Response[bytes]:
    def act(home: Account, _: Any) -> Thing:
        found = [home.shown_segment(id) for id in _in(home, list_id).segments]
        first, count = int(request.query_params["offset"]), int(request.query_params["count"])
        return {"segments": found[first : first + count], "list_id": list_id, "total_items": len(found)}

    return await answered(chimp, request, act)


@post("/lists/{list_id:str}/segments")
async def add_segment(list_id: str, request: AnyRequest, chimp: Mailchimp) -> Response[bytes]:
    return await answered(
        chimp,
        request,
        lambda home, body: _in(home, list_id).add_segment(body["name"], body.get("static_segment", [])),
    )


@post("/lists/{list_id:str}/segments/{segment:int}")
async def change_segment(list_id: str, segment: int, request: AnyRequest, chimp: Mailchimp) -> Response[bytes]:
    return await answered(
        chimp,
        request,
        lambda home, body: _in(home, list_id).change_segment(
            segment, body.get("members_to_add", []), body.get("members_to_remove", [])
        ),
    )


@post("/customer-journeys/journeys/{journey:int}/steps/{step:int}/actions/trigger")
async def trigger(journey: int, step: int, request: AnyRequest, chimp: Mailchimp) -> Response[bytes]:
    def act(home: Account, body: Any) -> None:
        home.begun.append((home.member(digest(body["email_address"]))["email_address"], f"{journey}/{step}"))

    return await answered(chimp, request, act)


@get("/lists/{list_id:str}/webhooks")
async def list_hooks(list_id: str, request: AnyRequest, chimp: Mailchimp) -> Response[bytes]:
    return await answered(
        chimp,
        request,
        lambda home, _: {
            "webhooks": list(_in(home, list_id).hooks.values()),
            "list_id": list_id,
            "total_items": len(home.hooks),
        },
    )


@post("/lists/{list_id:str}/webhooks")
async def add_hook(list_id: str, request: AnyRequest, chimp: Mailchimp) -> Response[bytes]:
    """Mailchimp asks the address whether it is there, by GET and without its secret's being looked at."""

    def act(home: Account, body: Any) -> Thing:
        made = {"id": uuid4().hex[:10], "list_id": list_id, **body}
        _in(home, list_id).hooks[made["id"]] = made
        return made

    return await answered(chimp, request, act)


@get("/templates")
async def list_templates(request: AnyRequest, chimp: Mailchimp) -> Response[bytes]:
    return await answered(
        chimp,
        request,
        lambda home, _: {"templates": list(home.templates.values()), "total_items": len(home.templates)},
    )


@post("/templates")
async def add_template(request: AnyRequest, chimp: Mailchimp) -> Response[bytes]:
    def act(home: Account, body: Any) -> Thing:
        id = len(home.templates) + 1
        home.templates[id] = {"id": id, "type": "user", **body}
        return home.templates[id]

    return await answered(chimp, request, act)


@patch("/templates/{id:int}")
async def patch_template(id: int, request: AnyRequest, chimp: Mailchimp) -> Response[bytes]:
    def act(home: Account, body: Any) -> Thing:
        if id not in home.templates:
            raise MailchimpError(404, "Resource Not Found")
        home.templates[id] |= body
        return home.templates[id]

    return await answered(chimp, request, act)


@get("/reports")
async def list_reports(request: AnyRequest, chimp: Mailchimp) -> Response[bytes]:
    return await answered(
        chimp,
        request,
        lambda home, _: {"reports": home.campaigns, "total_items": len(home.campaigns)},
    )


@get("/oauth/metadata")
async def metadata(request: AnyRequest, chimp: Mailchimp) -> Response[bytes]:
    """Takes `Authorization: OAuth …`; an ended token is a 200 that says so."""
    mood = chimp.moods.take() if chimp.moods.current not in SILENT else FINE
    if mood in (moods_of_all.BUSY, moods_of_all.BROKEN):
        code = 429 if mood == moods_of_all.BUSY else 503
        return Response(b"{}", status_code=code, headers={"retry-after": str(moods_of_all.RETRY_AFTER_S)})
    _, _, token = request.headers.get("authorization", "").partition(" ")
    grant = None if mood == moods_of_all.DEAD else chimp.consent.grants.by_access(token)
    if grant is None:
        return Response(msgspec.json.encode({"error": "invalid_token"}), media_type=MediaType.JSON)
    home = chimp.accounts.get(grant.account) or chimp.accounts[ACCOUNTS[0]]
    said = {"dc": "us1", "accountname": home.name, "user_id": home.number, "role": "owner"}
    return Response(msgspec.json.encode(said), media_type=MediaType.JSON)


@get("/", media_type=MediaType.HTML)
async def show(chimp: Mailchimp) -> str:
    return PAGES.get_template("audiences.html").render(
        accounts=chimp.accounts, moods=chimp.moods, action="/mailchimp/mood"
    )


@post("/unsubscribe")
async def act_as_reader(chimp: Mailchimp, data: Posted) -> Redirect:
    """By the link of a letter."""
    await chimp.unsubscribe(data.get("account", ""), data.get("email", ""))
    return Redirect("/mailchimp", status_code=303)


@post("/mood")
async def change_mood(chimp: Mailchimp, data: Posted) -> Redirect:
    times = data.get("times", "")
    chimp.moods.switch(data.get("mood", ""), int(times) if times.isdigit() else None)
    return Redirect("/mailchimp", status_code=303)


def _in(home: Account, list_id: str) -> Account:
    if list_id != home.list_id:
        raise MailchimpError(404, "Resource Not Found", "The requested resource could not be found.")
    return home


API: Final = [
    *(lists, put_member, patch_member, list_members, add_event, list_segments, add_segment, change_segment),
    *(trigger, list_hooks, add_hook, list_templates, add_template, patch_template, list_reports),
]
PAGES_OF_IT: Final = [show, act_as_reader, change_mood, metadata]
PAGES: Final = pages(Path(__file__).parent / "templates")
