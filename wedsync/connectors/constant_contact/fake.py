"""A Constant Contact that remembers: two businesses' lists behind the V3 API's own addresses, with moods and pages.

The API is below `/constant_contact/api`, OAuth below `/constant_contact/oauth`. A visitor unsubscribes people at
`/constant_contact` as they would by the link of a letter; nothing tells of it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

from litestar import Response, get, post, put
from litestar.enums import MediaType
from litestar.response import Redirect

from wedsync.connections.calendars import driven as moods_of_all
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.fakes import pages
from wedsync.connections.marketing.driven import MOODS as OF_MARKETING
from wedsync.connections.marketing.driven import SPENT
from wedsync.connections.marketing.standin import Audiences
from wedsync.connections.standin import AnyRequest, Posted, StandInError, switched
from wedsync.connectors.constant_contact.fake_store import Account, ConstantContactError, Thing
from wedsync.kit import clock

MOODS: Final = {**OF_MARKETING, SPENT: "Answers 429 quota_exceeded: the day's allowance of the application is used up."}
SCOPES: Final = {
    "account_read": "See your account",
    "contact_data": "Change your contacts",
    "campaign_data": "Change your letters",
    "offline_access": "Stay connected",
}
LIFE_S: Final = 86_400.0
REFUSALS: Final[Mapping[str, StandInError]] = {
    moods_of_all.BUSY: ConstantContactError(429, "throttled", "You have exceeded your rate limit."),
    moods_of_all.BROKEN: ConstantContactError(503, "service_unavailable"),
    moods_of_all.DEAD: ConstantContactError(401, "unauthorized", "Unauthorized"),
    SPENT: ConstantContactError(429, "quota_exceeded", "Quota exceeded."),
}


class ConstantContact(Audiences[Account]):
    """The provider. A `Driven`: what people do with it can be done by methods. `page_size` is of contacts."""

    title = "Constant Contact"
    name = "constant_contact"

    def __init__(self) -> None:
        accounts = {
            email: Account(number, email.partition("@")[0].title(), email, clock.machine_now)
            for number, email in enumerate(ACCOUNTS, start=1)
        }
        offline = ("scope", "offline_access")
        super().__init__(MOODS, REFUSALS, accounts, scopes=SCOPES, life_s=LIFE_S, rotates=True, offline=offline)
        self.routes = self.routed("contact", API, PAGES_OF_IT)

    async def unsubscribe(self, account: str, email: str) -> None:
        self.account(account).opt_out(email)

    def send(self, account: str, title: str, *, sends: int, opens: int, clicks: int) -> None:
        home = self.account(account)
        id = str(uuid4())
        home.emails[id] = {"campaign_id": id, "name": title, "current_status": "DONE", "type": "NEWSLETTER"}
        counts = {"sends": sends, "opens": opens, "clicks": clicks, "bounces": 2, "optouts": 1, "abuse": 0}
        said = {"campaign_id": id, "campaign_type": "NEWSLETTER", "last_sent_date": home.at, "unique_counts": counts}
        home.campaigns.insert(0, said)


def build(settings: Any) -> ConstantContact:
    return ConstantContact()


async def answered(
    contact: ConstantContact, request: AnyRequest, act: Callable[[Account, Any], Any], *, status: int = 200
) -> Response[bytes]:
    """By whose token it is."""
    return await contact.answered(request, lambda _, body: act(contact.of(request), body), status=status)


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
    return await answered(contact, request, lambda home, body: home.start_import(body), status=201)


@get("/activities/{id:str}")
async def activity(id: str, request: AnyRequest, contact: ConstantContact) -> Response[bytes]:
    return await answered(contact, request, lambda home, _: home.look_at(id))


@post("/activities/contacts_taggings_add")
async def add_taggings(request: AnyRequest, contact: ConstantContact) -> Response[bytes]:
    return await answered(contact, request, lambda home, body: home.change_taggings("add", body), status=201)


@post("/activities/contacts_taggings_remove")
async def remove_taggings(request: AnyRequest, contact: ConstantContact) -> Response[bytes]:
    return await answered(contact, request, lambda home, body: home.change_taggings("remove", body), status=201)


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
    return await answered(contact, request, lambda home, body: home.add_tag(body["name"]), status=201)


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
    return switched(contact.moods, data, "/constant_contact")


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
