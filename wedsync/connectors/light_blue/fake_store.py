"""What the fake Light Blue remembers of its photographers: the Inbox, and what they made of what came in."""

from datetime import date, datetime
from typing import Final, Literal

import msgspec

from wedsync.connections.records.driven import Taken
from wedsync.connections.records.record import Record

ITEMS_MAX: Final = 5_000
KNOWN: Final = frozenset(
    {
        *("Key", "Type", "Source", "SourceAPIVersion", "Reference", "DateFormat", "DecimalSeparator", "Message"),
        *("ContactNameFull", "ContactNameFirst", "ContactNameLast", "ContactNameMaiden", "ContactTitle", "ContactRole"),
        *("ContactEmail", "ContactPhone", "ContactPhoneType", "ContactPhoneHome", "ContactPhoneWork"),
        *("ContactPhoneMobile", "ContactSource", "ContactTag", "ContactMailingList", "ContactWebsite"),
        *("ShootTitle", "ShootType", "ShootDate"),
    }
)
"""The parameters it understands; the others are passed over, as they do it."""
USEFUL: Final = ("ContactNameFull", "ContactNameFirst", "ContactNameLast", "ContactEmail", "ShootTitle", "Message")
ORDERS: Final = {"dd/mm/yyyy": "%d/%m/%Y", "mm/dd/yyyy": "%m/%d/%Y", "yyyy-mm-dd": "%Y-%m-%d"}


class Item(msgspec.Struct, kw_only=True):
    """One thing in an Inbox."""

    number: int
    fields: dict[str, str]
    at: datetime
    state: Literal["new", "accepted", "discarded"] = "new"


class Studio:
    """One photographer, and the key of the account."""

    def __init__(self, name: str, key: str) -> None:
        self.name = name
        self.key = key
        self.items: list[Item] = []

    def take(self, fields: dict[str, str], at: datetime) -> int:
        """The status that they answer."""
        known = {name: value for name, value in fields.items() if name in KNOWN and name != "Key"}
        if known.get("Type") != "contact form" or not any(known.get(name) for name in USEFUL):
            return -3
        reference = known.get("Reference")
        if reference and any(one.fields.get("Reference") == reference for one in self.items):
            return -4
        if len(self.items) >= ITEMS_MAX:
            return -99
        self.items.append(Item(number=len(self.items) + 1, fields=known, at=at))
        return 0


def read(item: Item) -> Taken:
    """What a photographer reads of it."""
    said = item.fields
    names, emails, phones = (
        said.get(name, "").split("\r") for name in ("ContactNameFull", "ContactEmail", "ContactPhoneMobile")
    )
    message = said.get("Message", "")
    venues = [line.removeprefix("Venue: ") for line in message.split("\n") if line.startswith("Venue: ")]
    return Taken(
        said.get("Reference", ""),
        Record(
            stage="booked" if "booked" in message else "held" if "holding" in message else "enquiry",
            wedding_on=_day(said),
            name=names[0],
            partner_name="".join(names[1:2]),
            email=emails[0],
            partner_email="".join(emails[1:2]),
            phone=phones[0],
            partner_phone="".join(phones[1:2]),
            venue="".join(venues),
        ),
    )


def _day(said: dict[str, str]) -> date | None:
    text = said.get("ShootDate", "")
    return datetime.strptime(text, ORDERS[said["DateFormat"]]).date() if text else None
