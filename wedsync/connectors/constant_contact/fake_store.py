"""What the fake Constant Contact remembers of its accounts: a list, contacts, tags, imports, drafts and campaigns."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from wedsync.connections.marketing.driven import Seen
from wedsync.connections.standin import StandInError

CONTACTS_MAX: Final = 20_000
EMAIL_MAX: Final = 50
TAGGED_MAX: Final = 500
Thing = dict[str, Any]


class ConstantContactError(StandInError):
    """A list of one error, as most of the API tells it."""

    def __init__(self, status: int, key: str, message: str = "") -> None:
        super().__init__(status, message or key, [{"error_key": key, "error_message": message or key}])


class Account:
    """One customer of Constant Contact's, with one list."""

    def __init__(self, number: int, name: str, email: str, now: Callable[[], datetime]) -> None:
        self.id = f"a07e1l{number}"
        self.name = name
        self.email = email
        self.list_id = str(uuid4())
        self.contacts: dict[str, Thing] = {}
        self.tags: dict[str, str] = {}
        self.imports: dict[str, Thing] = {}
        self.emails: dict[str, Thing] = {}
        self.campaigns: list[Thing] = []
        self.imports_wait = False
        self._now = now

    @property
    def at(self) -> str:
        return self._now().isoformat(timespec="seconds").replace("+00:00", "Z")

    def start_import(self, body: Mapping[str, Any]) -> Thing:
        """Done at once, or where `imports_wait` when it is asked for the second time."""
        if not body.get("import_data") or body.get("list_ids") != [self.list_id]:
            raise ConstantContactError(400, "activities.api.validation.error", "list_ids")
        id = str(uuid4())
        for row in body["import_data"]:
            email = str(row.get("email", "")).lower()
            if "@" in email and len(email) <= EMAIL_MAX:
                self._take(email, row)
        state = "processing" if self.imports_wait else "completed"
        self.imports[id] = {"activity_id": id, "state": state, "created_at": self.at, "percent_done": 100}
        return dict(self.imports[id])

    def look_at(self, id: str) -> Thing:
        if id not in self.imports:
            raise ConstantContactError(404, "not_found")
        found = dict(self.imports[id])
        self.imports[id]["state"] = "completed"
        return found

    def put_contact(self, id: str, body: Mapping[str, Any]) -> Thing:
        """As a whole: what is not named is taken away."""
        held = next((one for one in self.contacts.values() if one["contact_id"] == id), None)
        if held is None:
            raise ConstantContactError(404, "contacts.api.not_found")
        if "update_source" not in body:
            raise ConstantContactError(400, "contacts.api.validation.error", "update_source")
        for name in ("first_name", "last_name", "list_memberships", "taggings"):
            held[name] = body.get(name, [] if name in ("list_memberships", "taggings") else "")
        if body["email_address"].get("permission_to_send") == "unsubscribed":
            self.opt_out(body["email_address"]["address"].lower())
        return held

    def opt_out(self, email: str) -> None:
        """Raises ConstantContactError 404."""
        if email not in self.contacts:
            raise ConstantContactError(404, "contacts.api.not_found")
        mail = self.contacts[email]["email_address"]
        mail |= {"permission_to_send": "unsubscribed", "opt_out_date": self.at, "opt_out_source": "Contact"}

    def change_taggings(self, verb: str, body: Mapping[str, Any]) -> Thing:
        who, tags = body["source"].get("contact_ids", []), body["tag_ids"]
        if len(who) > TAGGED_MAX or not who:
            raise ConstantContactError(400, "activities.api.validation.error", "contact_ids")
        if not set(tags) <= set(self.tags):
            raise ConstantContactError(404, "not_found", "tag_ids")
        for one in self.contacts.values():
            if one["contact_id"] in who:
                kept = [tag for tag in one["taggings"] if tag not in tags]
                one["taggings"] = [*kept, *tags] if verb == "add" else kept
        return {"activity_id": str(uuid4()), "state": "initialized", "created_at": self.at, "percent_done": 0}

    def add_tag(self, name: str) -> Thing:
        if name in self.tags.values():
            raise ConstantContactError(400, "contacts.api.validation.error", "the tag exists")
        id = str(uuid4())
        self.tags[id] = name
        return {"tag_id": id, "name": name, "tag_source": "Contact", "created_at": self.at, "updated_at": self.at}

    def add_email(self, body: Mapping[str, Any]) -> Thing:
        if any(one["name"] == body["name"] for one in self.emails.values()):
            raise ConstantContactError(409, "emails.api.conflict", "the name is taken")
        (activity,) = body["email_campaign_activities"]
        if "[[trackingImage]]" not in activity["html_content"]:
            raise ConstantContactError(400, "emails.api.validation.error", "[[trackingImage]] is missing")
        id = str(uuid4())
        made = {"campaign_activity_id": str(uuid4()), "role": "primary_email"}
        self.emails[id] = {
            "campaign_id": id,
            "name": body["name"],
            "current_status": "DRAFT",
            "type": "NEWSLETTER",
            "type_code": 10,
            "created_at": self.at,
            "updated_at": self.at,
            "campaign_activities": [made, {"campaign_activity_id": str(uuid4()), "role": "permalink"}],
            "content": dict(activity),
        }
        return self.shown_email(id)

    def shown_email(self, id: str) -> Thing:
        if id not in self.emails:
            raise ConstantContactError(404, "not_found")
        return {name: value for name, value in self.emails[id].items() if name != "content"}

    def put_activity(self, id: str, body: Mapping[str, Any]) -> Thing:
        for one in self.emails.values():
            if one["campaign_activities"][0]["campaign_activity_id"] == id:
                one["content"] = dict(body)
                return {**body, "campaign_activity_id": id, "campaign_id": one["campaign_id"], "role": "primary_email"}
        raise ConstantContactError(404, "not_found")

    def seen(self) -> dict[str, Seen]:
        """As the business reads them."""
        return {
            email: Seen(
                status="unsubscribed" if one["email_address"]["permission_to_send"] == "unsubscribed" else "subscribed",
                first_name=one["first_name"],
                last_name=one["last_name"],
                tags=frozenset(self.tags[tag] for tag in one["taggings"]),
            )
            for email, one in self.contacts.items()
        }

    def _take(self, email: str, row: Mapping[str, Any]) -> None:
        """An import changes nobody's permission."""
        if email not in self.contacts and len(self.contacts) >= CONTACTS_MAX:
            raise ConstantContactError(400, "contacts.api.validation.error", "This sandbox is full. Start it anew.")
        held = self.contacts.setdefault(
            email,
            {
                "contact_id": str(uuid4()),
                "email_address": {"address": email, "permission_to_send": "implicit", "opt_in_source": "Account"},
                "first_name": "",
                "last_name": "",
                "list_memberships": [self.list_id],
                "taggings": [],
                "update_source": "Account",
                "created_at": self.at,
            },
        )
        held |= {name: row[name] for name in ("first_name", "last_name") if name in row} | {"updated_at": self.at}
