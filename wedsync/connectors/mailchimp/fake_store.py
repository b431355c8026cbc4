"""What the fake Mailchimp remembers of its accounts: an audience, hooks, templates, reports."""

import hashlib
import itertools
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from wedsync.connections.marketing.driven import Seen
from wedsync.connections.standin import StandInError

MEMBERS_MAX: Final = 20_000
BATCH_MAX: Final = 500
STATUSES: Final = ("subscribed", "unsubscribed", "cleaned", "pending", "transactional")
Thing = dict[str, Any]


class MailchimpError(StandInError):
    """A problem as Mailchimp tells it (RFC 7807)."""

    def __init__(self, status: int, title: str, detail: str = "") -> None:
        body = {
            "type": "https://mailchimp.com/developer/marketing/docs/errors/",
            "title": title,
            "status": status,
            "detail": detail or title,
            "instance": "00000000-0000-0000-0000-000000000000",
        }
        super().__init__(status, title, body)


class Account:
    """One customer of Mailchimp's, with one audience."""

    def __init__(self, number: int, name: str, now: Callable[[], datetime]) -> None:
        self.number = number
        self.name = name
        self.list_id = f"a{number:09d}"
        self.members: dict[str, Thing] = {}
        self.segments: dict[int, Thing] = {}
        self.hooks: dict[str, Thing] = {}
        self.templates: dict[int, Thing] = {}
        self.campaigns: list[Thing] = []
        self.begun: list[tuple[str, str]] = []
        self._now = now
        self._numbers = itertools.count(number * 1000 + 1)

    def put(self, key: str, body: Mapping[str, Any]) -> Thing:
        """Add or change a member. Raises MailchimpError."""
        email = str(body.get("email_address", "")).lower()
        if "@" not in email or "status_if_new" not in body:
            raise MailchimpError(400, "Invalid Resource", "The resource submitted could not be validated.")
        if digest(email) != key.lower():
            raise MailchimpError(400, "Invalid Resource", "The hash is not of that address.")
        held = self.members.get(key)
        if held is None and len(self.members) >= MEMBERS_MAX:
            raise MailchimpError(400, "Bad Request", "This sandbox is full. Start it anew.")
        if held is not None and held["status"] in ("unsubscribed", "cleaned") and body.get("status") == "subscribed":
            raise MailchimpError(400, "Member In Compliance State", f"{email} is in a compliance state.")
        status = body["status_if_new"] if held is None else body.get("status", held["status"])
        return self._keep(key, email, status, body.get("merge_fields") or {})

    def patch(self, key: str, body: Mapping[str, Any]) -> Thing:
        held = self.member(key)
        status = body.get("status", held["status"])
        if status not in STATUSES:
            raise MailchimpError(400, "Invalid Resource", "The resource submitted could not be validated.")
        return self._keep(key, held["email_address"], status, body.get("merge_fields") or {})

    def member(self, key: str) -> Thing:
        if key not in self.members:
            raise MailchimpError(404, "Resource Not Found", "The requested resource could not be found.")
        return self.members[key]

    def add_segment(self, name: str, emails: list[str]) -> Thing:
        if any(one["name"] == name for one in self.segments.values()):
            raise MailchimpError(400, "Bad Request", "Sorry, that tag already exists.")
        id = next(self._numbers)
        self.segments[id] = {"id": id, "name": name, "type": "static", "list_id": self.list_id, "who": set()}
        self.change_segment(id, emails, [])
        return self.shown_segment(id)

    def change_segment(self, id: int, gains: list[str], losses: list[str]) -> Thing:
        """Who is no member is told as an error of the batch, and the others go on."""
        if id not in self.segments:
            raise MailchimpError(404, "Resource Not Found", "The requested resource could not be found.")
        if max(len(gains), len(losses)) > BATCH_MAX:
            raise MailchimpError(400, "Invalid Resource", "No more than 500 at once.")
        who = self.segments[id]["who"]
        strangers = [one for one in (*gains, *losses) if digest(one) not in self.members]
        added = [one for one in gains if digest(one) in self.members]
        who |= {digest(one) for one in added}
        gone = [one for one in losses if digest(one) in who]
        who -= {digest(one) for one in gone}
        return {
            "members_added": [self.shown(digest(one)) for one in added],
            "members_removed": [self.shown(digest(one)) for one in gone],
            "errors": [{"email_addresses": strangers, "error": "Not subscribed"}] if strangers else [],
            "total_added": len(added),
            "total_removed": len(gone),
            "error_count": len(strangers),
        }

    def shown_segment(self, id: int) -> Thing:
        one = self.segments[id]
        at = self._now().isoformat(timespec="seconds")
        shown = {name: one[name] for name in ("id", "name", "type", "list_id")}
        return {**shown, "member_count": len(one["who"]), "created_at": at, "updated_at": at}

    def shown(self, key: str) -> Thing:
        held = self.members[key]
        tags = [{"id": id, "name": one["name"]} for id, one in self.segments.items() if key in one["who"]]
        return {**held, "tags": tags, "tags_count": len(tags)}

    def seen(self) -> dict[str, Seen]:
        """As the business reads them."""
        return {
            one["email_address"]: Seen(
                status=one["status"],
                first_name=one["merge_fields"].get("FNAME", ""),
                last_name=one["merge_fields"].get("LNAME", ""),
                tags=frozenset(tag["name"] for tag in self.shown(key)["tags"]),
            )
            for key, one in self.members.items()
        }

    def _keep(self, key: str, email: str, status: str, fields: Mapping[str, Any]) -> Thing:
        held = self.members.get(key, {"merge_fields": {}})
        self.members[key] = {
            "id": key,
            "email_address": email,
            "status": status,
            "merge_fields": {**held["merge_fields"], **fields},
            "last_changed": self._now().isoformat(timespec="seconds"),
            "list_id": self.list_id,
            "email_type": "html",
            "vip": False,
        }
        return self.shown(key)


def digest(email: str) -> str:
    """As Mailchimp finds members."""
    return hashlib.md5(email.lower().encode(), usedforsecurity=False).hexdigest()
