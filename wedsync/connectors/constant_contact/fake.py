"""A Constant Contact that remembers: two businesses' lists behind the V3 API's own addresses, with moods and pages.

The API is below `/constant_contact/api`, OAuth below `/constant_contact/oauth`. A visitor unsubscribes people at
`/constant_contact` as they would by the link of a letter; nothing tells of it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import uuid4

from litestar import Response, Router, get, post, put
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from wedsync.connections.calendars import driven as moods_of_all
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.contract import Connection
from wedsync.connections.fake_client import CLIENT_ID, CLIENT_SECRET
from wedsync.connections.fake_consent import Consent
from wedsync.connections.fakes import Moods, given, pages
from wedsync.connections.marketing import fake_answers
from wedsync.connections.marketing.driven import MOODS as OF_MARKETING
from wedsync.connections.marketing.driven import SPENT, Seen
from wedsync.connections.marketing.fake_answers import EXCHANGES_MAX, AnyRequest, Exchange, ProviderError
from wedsync.connectors.constant_contact.fake_store import Account, ConstantContactError, Thing
from wedsync.kit import clock
from wedsync.kit.errors import not_found

MOODS: Final = {**OF_MARKETING, SPENT: "Answers 429 quota_exceeded: the day's allowance of the application is used up."}
SCOPES: Final = {
    "account_read": "See your account",
    "contact_data": "Change your contacts",
    "campaign_data": "Change your letters",
    "offline_access": "Stay connected",
}
Posted = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


class ConstantContact:
    """The provider. A `Driven`: what people do with it can be done by methods. `page_size` is of contacts."""

    title = "Constant Contact"

    def __init__(self) -> None:
        self.moods = Moods(MOODS)
        self.page_size = 500
        self.exchanges: deque[Exchange] = deque(maxlen=EXCHANGES_MAX)
        self.stopping = asyncio.Event()
        self.accounts = {
            email: Account(number, email.partition("@")[0].title(), email, clock.machine_now)
            for number, email in enumerate(ACCOUNTS, start=1)
        }
        names = {email: account.name for email, account in self.accounts.items()}
        self.consent = Consent(
            "/constant_contact/oauth",
            "Constant Contact",
            accounts=names,
            scopes=SCOPES,
            life_s=86_400.0,
            rotates=True,
            offline=("scope", "offline_access"),
        )
        itself = {"contact": given(self)}
        self.routes: Sequence[ControllerRouterHandler] = [
            Router(self.address, route_handlers=API, dependencies=itself),
            Router("/constant_contact", route_handlers=PAGES_OF_IT, dependencies=itself),
            *self.consent.routes,
        ]

    @property
    def address(self) -> str:
        return "/constant_contact/api"

    async def start(self) -> None:
        """Nothing of it calls anybody."""

    async def stop(self) -> None:
        self.stopping.set()

    def settings_at(self, at: str) -> Mapping[str, Any]:
        return {
            "constant_contact_base_url": f"{at}{self.address}",
            "constant_contact_client_id": CLIENT_ID,
            "constant_contact_client_secret": CLIENT_SECRET,
            "constant_contact_authorize_url": f"{at}/constant_contact/oauth/authorize",
            "constant_contact_token_url": f"{at}/constant_contact/oauth/token",
        }

    def connection(self, at: str, account: str) -> Connection:
        return Connection(id=uuid4(), secrets={"access_token": (self.consent.issue(account).access,)})

    def list_of(self, account: str) -> str:
        return self.accounts[account].list_id

    async def unsubscribe(self, account: str, email: str) -> None:
        self.account(account).opt_out(email)

    def seen(self, account: str) -> dict[str, Seen]:
        return self.accounts[account].seen()

    def send(self, account: str, title: str, *, sends: int, opens: int, clicks: int) -> None:
        home = self.account(account)
        id = str(uuid4())
        home.emails[id] = {"campaign_id": id, "name": title, "current_status": "DONE", "type": "NEWSLETTER"}
        counts = {"sends": sends, "opens": opens, "clicks": clicks, "bounces": 2, "optouts": 1, "abuse": 0}
        said = {"campaign_id": id, "campaign_type": "NEWSLETTER", "last_sent_date": home.at, "unique_counts": counts}
        home.campaigns.insert(0, said)

    def account(self, email: str) -> Account:
        """Raises Refusal 404."""
        if email not in self.accounts:
            raise not_found("account")
        return self.accounts[email]

    def of(self, request: AnyRequest) -> Account:
        """Whoever's token it is. Raises ConstantContactError 401."""
        account = None if self.moods.current == moods_of_all.DEAD else self.consent.account_of(request)
        if account is None:
            raise ConstantContactError(401, "unauthorized", "Unauthorized")
        # Whoever connects as somebody else in the sandbox is shown the first account.
        return self.accounts.get(account) or self.accounts[ACCOUNTS[0]]

    def trouble(self, mood: str) -> ProviderError | None:
        match mood:
            case moods_of_all.BUSY:
                return ConstantContactError(429, "throttled", "You have exceeded your rate limit.")
            case moods_of_all.BROKEN:
                return ConstantContactError(503, "service_unavailable")
            case moods_of_all.DEAD:
                return ConstantContactError(401, "unauthorized", "Unauthorized")
        return ConstantContactError(429, "quota_exceeded", "Quota exceeded.") if mood == SPENT else None


def build(settings: Any) -> ConstantContact:
    return ConstantContact()


async def answered(
    contact: ConstantContact, request: AnyRequest, act: Callable[[Account, Any], Any], *, code: int = 200
) -> Response[bytes]:
    """By whose token it is."""
    return await fake_answers.answered(contact, request, lambda body: act(contact.of(request), body), code=code)


@get("/account/summary")
async def summary(request: AnyRequest, contact: ConstantContact) -> Response[bytes]:
    return await answered(
        contact,
        request,
        lambda home, _: {"encoded_account_id": home.id, "organization_name": home.name, "contact_email": home.email},
    )


@get("/account/emails")
async def addresses(request: AnyRequest, contact: ConstantContact) -> Response[bytes]:
    return await answered(
        contact,
        request,
        lambda home, _: [{"email_address": home.email, "email_id": 1, "confirm_status": "CONFIRMED"}],
    )


@get("/contact_lists")
async def lists(request: AnyRequest, contact: ConstantContact) -> Response[bytes]:
    return await answered(
        contact,
        request,
        lambda home, _: {"lists": [{"list_id": home.list_id, "name": f"{home.name}'s couples"}]},
    )


@post("/activities/contacts_json_import")
async def import_contacts(request: AnyRequest, contact: ConstantContact) -> Response[bytes]:
    return await answered(contact, request, lambda home, body: home.start_import(body), code=201)


@get("/activities/{id:str}")
async def activity(id: str, request: AnyRequest, contact: ConstantContact) -> Response[bytes]:
    return await answered(contact, request, lambda home, _: home.look_at(id))


@post("/activities/contacts_taggings_add")
async def add_taggings(request: AnyRequest, contact: ConstantContact) -> Response[bytes]:
    return await answered(contact, request, lambda home, body: home.change_taggings("add", body), code=201)


@post("/activities/contacts_taggings_remove")
async def remove_taggings(request: AnyRequest, contact: ConstantContact) -> Response[bytes]:
    return await answered(contact, request, lambda home, body: home.change_taggings("remove", body), code=201)


@get("/contacts")
async def list_contacts(request: AnyRequest, contact: ConstantContact) -> Response[bytes]:
    def act(home: Account, _: Any) -> Thing:
        query = request.query_params
        found = [one for one in home.contacts.values() if _is_asked(one, query)]
        first = int(query.get("cursor", "0"))
        last = first + min(contact.page_size, int(query.get("limit", "50")))
        answer: Thing = {"contacts": found[first:last]}
        if last < len(found):
            said = {name: value for name, value in query.items() if name != "cursor"} | {"cursor": str(last)}
            answer["_links"] = {"next": {"href": f"/v3/contacts?{urlencode(said)}"}}
        return answer

    return await answered(contact, request, act)


@put("/contacts/{id:str}")
async def put_contact(id: str, request: AnyRequest, contact: ConstantContact) -> Response[bytes]:
    return await answered(contact, request, lambda home, body: home.put_contact(id, body))


@get("/contact_tags")
async def list_tags(request: AnyRequest, contact: ConstantContact) -> Response[bytes]:
    return await answered(
        contact, request, lambda home, _: {"tags": [{"tag_id": id, "name": name} for id, name in home.tags.items()]}
    )


@post("/contact_tags")
async def add_tag(request: AnyRequest, contact: ConstantContact) -> Response[bytes]:
    return await answered(contact, request, lambda home, body: home.add_tag(body["name"]), code=201)


@get("/emails")
async def list_emails(request: AnyRequest, contact: ConstantContact) -> Response[bytes]:
    def act(home: Account, _: Any) -> Thing:
        named = ("campaign_id", "name", "current_status", "type")
        return {"campaigns": [{name: one[name] for name in named} for one in home.emails.values()]}

    return await answered(contact, request, act)


@post("/emails")
async def add_email(request: AnyRequest, contact: ConstantContact) -> Response[bytes]:
    return await answered(contact, request, lambda home, body: home.add_email(body))


@get("/emails/{campaign:str}")
async def get_email(campaign: str, request: AnyRequest, contact: ConstantContact) -> Response[bytes]:
    return await answered(contact, request, lambda home, _: home.shown_email(campaign))


@put("/emails/activities/{id:str}")
async def put_email(id: str, request: AnyRequest, contact: ConstantContact) -> Response[bytes]:
    return await answered(contact, request, lambda home, body: home.put_activity(id, body))


@get("/reports/summary_reports/email_campaign_summaries")
async def summaries(request: AnyRequest, contact: ConstantContact) -> Response[bytes]:
    return await answered(contact, request, lambda home, _: {"bulk_email_campaign_summaries": home.campaigns})


@get("/", media_type=MediaType.HTML)
async def show(contact: ConstantContact) -> str:
    return PAGES.get_template("lists.html").render(
        accounts=contact.accounts, moods=contact.moods, action="/constant_contact/mood"
    )


@post("/unsubscribe")
async def act_as_reader(contact: ConstantContact, data: Posted) -> Redirect:
    """By the link of a letter."""
    await contact.unsubscribe(data.get("account", ""), data.get("email", ""))
    return Redirect("/constant_contact", status_code=303)


@post("/mood")
async def change_mood(contact: ConstantContact, data: Posted) -> Redirect:
    times = data.get("times", "")
    contact.moods.switch(data.get("mood", ""), int(times) if times.isdigit() else None)
    return Redirect("/constant_contact", status_code=303)


def _is_asked(one: Thing, query: Mapping[str, str]) -> bool:
    mail = one["email_address"]
    if "email" in query and mail["address"] != query["email"].lower():
        return False
    if "lists" in query and query["lists"] not in one["list_memberships"]:
        return False
    if query.get("status") == "unsubscribed":
        is_out = mail["permission_to_send"] == "unsubscribed"
        return is_out and str(mail["opt_out_date"]) >= query.get("optout_after", "").replace("+00:00", "Z")
    return True


API: Final = [
    *(summary, addresses, lists, import_contacts, activity, add_taggings, remove_taggings),
    *(list_contacts, put_contact),
    *(list_tags, add_tag, list_emails, add_email, get_email, put_email, summaries),
]
PAGES_OF_IT: Final = [show, act_as_reader, change_mood]
PAGES: Final = pages(Path(__file__).parent / "templates")
