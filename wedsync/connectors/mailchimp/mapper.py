"""Ours to Mailchimp's and back: members, templates with its merge tags, reports in our numbers. Asks nobody."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from wedsync.connections.marketing import starter
from wedsync.connections.marketing.contract import Contact, Gone, Report, Template, Why

FIRST_NAME: Final = "*|FNAME|*"
UNSUBSCRIBE: Final = "*|UNSUB|*"
TITLE_MAX: Final = 50
WHY: Final[dict[str, Why]] = {"unsubscribed": "unsubscribed", "cleaned": "bounced"}


class Named(msgspec.Struct, frozen=True):
    id: str
    name: str = ""


class Lists(msgspec.Struct, frozen=True):
    lists: tuple[Named, ...] = ()


class Member(msgspec.Struct, frozen=True):
    email_address: str
    status: str = ""
    last_changed: str = ""


class Members(msgspec.Struct, frozen=True):
    members: tuple[Member, ...] = ()
    total_items: int = 0


class Segment(msgspec.Struct, frozen=True):
    id: int
    name: str = ""


class Segments(msgspec.Struct, frozen=True):
    segments: tuple[Segment, ...] = ()
    total_items: int = 0


class Changed(msgspec.Struct, frozen=True):
    """What a batch came to; who is no member is counted there and no trouble of ours."""

    total_added: int = 0
    total_removed: int = 0


class Hook(msgspec.Struct, frozen=True):
    id: str
    url: str = ""


class Hooks(msgspec.Struct, frozen=True):
    webhooks: tuple[Hook, ...] = ()


class NamedNumber(msgspec.Struct, frozen=True):
    id: int
    name: str = ""


class Templates(msgspec.Struct, frozen=True):
    templates: tuple[NamedNumber, ...] = ()


class Bounces(msgspec.Struct, frozen=True):
    hard_bounces: int = 0
    soft_bounces: int = 0
    syntax_errors: int = 0


class Opens(msgspec.Struct, frozen=True):
    unique_opens: int = 0


class Clicks(msgspec.Struct, frozen=True):
    unique_subscriber_clicks: int = 0


class One(msgspec.Struct, frozen=True):
    id: str
    campaign_title: str = ""
    subject_line: str = ""
    emails_sent: int = 0
    abuse_reports: int = 0
    unsubscribed: int = 0
    send_time: str = ""
    bounces: Bounces = Bounces()
    opens: Opens = Opens()
    clicks: Clicks = Clicks()


class All(msgspec.Struct, frozen=True):
    reports: tuple[One, ...] = ()


class Metadata(msgspec.Struct, frozen=True):
    """Who is connected; the id is a number or text."""

    dc: str = ""
    accountname: str = ""
    user_id: int | str = ""


def to_member(contact: Contact) -> dict[str, Any]:
    """Never `status: subscribed`: who has unsubscribed stays so. Somebody who is back is asked by Mailchimp itself."""
    body: dict[str, Any] = {"email_address": contact.email, "status_if_new": "subscribed"}
    if contact.is_again:
        body["status_if_new"] = body["status"] = "pending"
    body["merge_fields"] = {"FNAME": contact.first_name, "LNAME": contact.last_name}
    return body


def to_hook(address: str) -> dict[str, Any]:
    """What tells of people, not of what we did ourselves."""
    events = {"subscribe": False, "unsubscribe": True, "profile": False, "cleaned": True, "upemail": True}
    return {
        "url": address,
        "events": {**events, "campaign": False},
        "sources": {"user": True, "admin": True, "api": False},
    }


def to_html(template: Template) -> str:
    """With Mailchimp's merge tags; a page without its unsubscribe tag it does not send."""
    return template.html.replace(starter.FIRST_NAME, FIRST_NAME).replace(starter.UNSUBSCRIBE, UNSUBSCRIBE)


def to_title(template: Template) -> str:
    return template.title[:TITLE_MAX]


def to_gone(members: Sequence[Member]) -> tuple[Gone, ...]:
    return tuple(Gone(email=one.email_address, why=WHY.get(one.status, "unsubscribed")) for one in members)


def to_report(one: One) -> Report | None:
    """None for what was not sent."""
    sent_at = time_of(one.send_time)
    if sent_at is None:
        return None
    return Report(
        id=one.id,
        title=one.campaign_title or one.subject_line or one.id,
        sent_at=sent_at,
        sends=one.emails_sent,
        opens=one.opens.unique_opens,
        clicks=one.clicks.unique_subscriber_clicks,
        bounces=one.bounces.hard_bounces + one.bounces.soft_bounces + one.bounces.syntax_errors,
        unsubscribes=one.unsubscribed,
        complaints=one.abuse_reports,
    )


def time_of(text: str) -> datetime | None:
    """Null for what is no time."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
