"""Ours to Constant Contact's and back: imports, letters, who left, reports in our numbers. Asks nobody."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from wedsync.connections.marketing import starter
from wedsync.connections.marketing.contract import Contact, Gone, Report, Template

EMAIL_MAX: Final = 50
"""An import takes no longer address."""
TITLE_MAX: Final = 80
FIRST_NAME: Final = "[[FIRSTNAME]]"
IMAGE: Final = "[[trackingImage]]"
FORMAT: Final = 5
"""Custom code; the older formats cannot be written by API."""
KEPT: Final = (
    *("first_name", "last_name", "job_title", "company_name", "birthday_month", "birthday_day", "anniversary"),
    *("custom_fields", "phone_numbers", "street_addresses", "list_memberships", "taggings", "notes"),
)
"""What a contact must be written back with, for a PUT takes away what it does not name."""
READ_ONLY: Final = (
    "phone_number_id",
    "street_address_id",
    "created_at",
    "updated_at",
    "update_source",
    "create_source",
)


class Page(msgspec.Struct, frozen=True):
    href: str = ""


class Links(msgspec.Struct, frozen=True):
    next: Page | None = None


class Summary(msgspec.Struct, frozen=True):
    encoded_account_id: str
    organization_name: str = ""


class Address(msgspec.Struct, frozen=True):
    email_address: str
    confirm_status: str = ""


class ContactList(msgspec.Struct, frozen=True):
    list_id: str
    name: str = ""


class Lists(msgspec.Struct, frozen=True):
    lists: tuple[ContactList, ...] = ()


class Activity(msgspec.Struct, frozen=True):
    activity_id: str
    state: str = ""
    activity_errors: tuple[str, ...] = ()

    @property
    def is_over(self) -> bool:
        return self.state in ("completed", "failed", "timed_out", "cancelled")


class Mail(msgspec.Struct, frozen=True):
    address: str
    permission_to_send: str = ""
    opt_out_date: str = ""


class Person(msgspec.Struct, frozen=True):
    contact_id: str
    email_address: Mail | None = None


class People(msgspec.Struct, frozen=True):
    contacts: tuple[Person, ...] = ()
    links: Links | None = msgspec.field(default=None, name="_links")


class Whole(msgspec.Struct, frozen=True):
    """Contacts as they are, to be written back."""

    contacts: tuple[dict[str, Any], ...] = ()


class Tag(msgspec.Struct, frozen=True):
    tag_id: str
    name: str = ""


class Tags(msgspec.Struct, frozen=True):
    tags: tuple[Tag, ...] = ()
    links: Links | None = msgspec.field(default=None, name="_links")


class CampaignActivity(msgspec.Struct, frozen=True):
    campaign_activity_id: str
    role: str = ""


class Email(msgspec.Struct, frozen=True):
    campaign_id: str
    name: str = ""
    campaign_activities: tuple[CampaignActivity, ...] = ()

    @property
    def primary(self) -> str:
        """The letter itself, "" where there is none."""
        found = (one.campaign_activity_id for one in self.campaign_activities if one.role == "primary_email")
        return next(found, "")


class Emails(msgspec.Struct, frozen=True):
    campaigns: tuple[Email, ...] = ()


class Changed(msgspec.Struct, frozen=True):
    campaign_activity_id: str


class Counts(msgspec.Struct, frozen=True):
    sends: int = 0
    opens: int = 0
    clicks: int = 0
    bounces: int = 0
    optouts: int = 0
    abuse: int = 0


class Campaign(msgspec.Struct, frozen=True):
    campaign_id: str
    last_sent_date: str = ""
    unique_counts: Counts = Counts()


class Summaries(msgspec.Struct, frozen=True):
    bulk_email_campaign_summaries: tuple[Campaign, ...] = ()


def to_import(list_id: str, contacts: Sequence[Contact]) -> dict[str, Any]:
    """Who unsubscribed stays so: an import changes nobody's permission."""
    rows = []
    for one in contacts:
        row = {"email": one.email, "first_name": one.first_name, "last_name": one.last_name}
        rows.append({name: value for name, value in row.items() if value})
    return {"import_data": rows, "list_ids": [list_id]}


def refused(contacts: Sequence[Contact]) -> dict[str, str]:
    """Those that an import would not take, and why."""
    found = {
        one.email: "Constant Contact takes no address this long." for one in contacts if len(one.email) > EMAIL_MAX
    }
    back = "They unsubscribed there; only they themselves can come back, by a form of yours at Constant Contact."
    return found | {one.email: back for one in contacts if one.is_again}


def to_withdrawn(contact: Mapping[str, Any]) -> dict[str, Any]:
    """The contact as it is, but that nothing may be sent."""
    mail = contact.get("email_address") or {}
    body: dict[str, Any] = {name: _plain(contact[name]) for name in KEPT if contact.get(name)}
    body["email_address"] = {"address": mail.get("address", ""), "permission_to_send": "unsubscribed"}
    body["update_source"] = "Account"
    return body


def to_activity(template: Template, *, sender: str) -> dict[str, Any]:
    """A letter. Constant Contact adds the unsubscribe link and the postal address below it by itself."""
    html = template.html.replace(starter.FIRST_NAME, FIRST_NAME)
    html = html.replace(f'<a href="{starter.UNSUBSCRIBE}" style="color:#6a635b">Unsubscribe</a>', "")
    return {
        "format_type": FORMAT,
        "from_name": template.business[:100],
        "from_email": sender,
        "reply_to_email": sender,
        "subject": template.subject,
        "html_content": _tracked(html),
    }


def to_gone(people: Sequence[Person]) -> tuple[Gone, ...]:
    return tuple(Gone(email=one.email_address.address) for one in people if one.email_address is not None)


def to_reports(campaigns: Sequence[Campaign], titles: Mapping[str, str]) -> tuple[Report, ...]:
    """The numbers are of people already."""
    found = []
    for one in campaigns:
        sent_at = time_of(one.last_sent_date)
        if sent_at is None:
            continue
        counts = one.unique_counts
        found.append(
            Report(
                id=one.campaign_id,
                title=titles.get(one.campaign_id) or one.campaign_id,
                sent_at=sent_at,
                sends=counts.sends,
                opens=counts.opens,
                clicks=counts.clicks,
                bounces=counts.bounces,
                unsubscribes=counts.optouts,
                complaints=counts.abuse,
            )
        )
    return tuple(found)


def time_of(text: str) -> datetime | None:
    """Null for what is no time."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _tracked(html: str) -> str:
    """Every letter must hold the image that counts its readers."""
    return html.replace("</body>", f"{IMAGE}</body>", 1)


def _plain(value: Any) -> Any:
    """Without what is only read."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: one for name, one in value.items() if name not in READ_ONLY}
    return value
