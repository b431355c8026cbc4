"""A Mailchimp that remembers: two businesses' audiences behind the Marketing API's own addresses, with moods and pages.

The API is below `/mailchimp/api`, OAuth below `/mailchimp/oauth`. A visitor unsubscribes people at `/mailchimp` as they
would by the link of a letter; that is told by hooks, which Mailchimp does not sign.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

import msgspec
from litestar import Response, get, patch, post, put
from litestar.enums import MediaType
from litestar.response import Redirect

from wedsync.connections.calendars import driven as moods_of_all
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.fakes import FINE, pages
from wedsync.connections.marketing.driven import MOODS as OF_MARKETING
from wedsync.connections.marketing.standin import Audiences
from wedsync.connections.standin import OF_HOOKS, AnyRequest, Posted, StandInError, switched
from wedsync.connectors.mailchimp.fake_store import Account, MailchimpError, Thing, digest
from wedsync.kit import clock

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
REFUSALS: Final[Mapping[str, StandInError]] = {
    moods_of_all.BUSY: MailchimpError(429, "Too Many Requests", "You have exceeded the limit of 10 connections."),
    moods_of_all.BROKEN: MailchimpError(503, "Internal Server Error"),
    moods_of_all.DEAD: MailchimpError(401, "API Key Invalid", "Your API key may be invalid."),
    BARE: StandInError(403, "Forbidden", PAGE.encode()),
}


class Mailchimp(Audiences[Account]):
    """The provider. A `Driven`: what people do with it can be done by methods."""

    title = "Mailchimp"
    name = "mailchimp"

    def __init__(self) -> None:
        accounts = {
            email: Account(number, email.partition("@")[0].title(), clock.machine_now)
            for number, email in enumerate(ACCOUNTS, start=1)
        }
        super().__init__(MOODS, REFUSALS, accounts, scopes={}, life_s=LIFE_S, offline=("scope", "never"))
        self.routes = self.routed("chimp", API, PAGES_OF_IT)

    def settings_at(self, at: str) -> Mapping[str, Any]:
        return {**super().settings_at(at), "mailchimp_metadata_url": f"{at}/mailchimp/oauth/metadata"}

    async def unsubscribe(self, account: str, email: str) -> None:
        home = self.account(account)
        home.patch(digest(email), {"status": "unsubscribed"})
        self._tell(home, "unsubscribe", email)

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

    def _tell(self, home: Account, kind: str, email: str) -> None:
        """Everybody who is to be told, without waiting for them."""
        fired_at = f"{clock.machine_now():%Y-%m-%d %H:%M:%S}"
        said = {"type": kind, "fired_at": fired_at, "data[list_id]": home.list_id, "data[email]": email}
        body = urlencode(said | {"data[id]": digest(email)[:10], "data[reason]": "manual"}).encode()
        for hook in home.hooks.values():
            self.hook(hook["url"], {"content-type": "application/x-www-form-urlencoded"}, body)


def build(settings: Any) -> Mailchimp:
    return Mailchimp()


async def answered(chimp: Mailchimp, request: AnyRequest, act: Callable[[Account, Any], Any]) -> Response[bytes]:
    """By whose token it is."""
    return await chimp.answered(request, lambda _, body: act(chimp.of(request), body))


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
            if since is None or datetime.fromisoformat(one["last_changed"]) > since
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
    mood = chimp.moods.take() if chimp.moods.current not in OF_HOOKS else FINE
    if mood in (moods_of_all.BUSY, moods_of_all.BROKEN):
        code = 429 if mood == moods_of_all.BUSY else 503
        return Response(b"{}", status_code=code, headers={"retry-after": str(moods_of_all.RETRY_AFTER_S)})
    _, _, token = request.headers.get("authorization", "").partition(" ")
    grant = None if mood == moods_of_all.DEAD else chimp.consent.grants.by_access(token)
    if grant is None:
        return Response(msgspec.json.encode({"error": "invalid_token"}), media_type=MediaType.JSON)
    home = chimp.held_by(grant.account)
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
    return switched(chimp.moods, data, "/mailchimp")


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
