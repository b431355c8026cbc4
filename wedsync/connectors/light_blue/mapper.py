"""From our record to the parameters of Light Blue's contact form. Pure, and one way only: it tells nothing back.

Of the client's package and notes nothing is sent: their words may be prices.
"""

from typing import Final

from wedsync.connections.records.record import Record

TYPE: Final = "contact form"
"""The only one there is."""
DATE_FORMAT: Final = "dd/mm/yyyy"
SOURCE: Final = "WedSync"
VERSION: Final = "1"
SEPARATOR: Final = "\r"
"""Between the values of several contacts."""
PHASES: Final = {
    "enquiry": "They have asked for this date.",
    "held": "You are holding this date for them.",
    "booked": "They have booked.",
}


def fields(record: Record, reference: str) -> dict[str, str]:
    """One call: the couple as contacts in the order of our record, and their wedding as a shoot."""
    found = {
        "Type": TYPE,
        "Source": SOURCE,
        "SourceAPIVersion": VERSION,
        "Reference": reference,
        "DateFormat": DATE_FORMAT,
        "ShootType": "Wedding",
        "ShootTitle": _title(record),
        "ShootDate": "" if record.wedding_on is None else f"{record.wedding_on:%d/%m/}{record.wedding_on.year:04d}",
        "Message": _message(record),
        **_contacts(record),
    }
    return {name: value for name, value in found.items() if value.strip()}


def _contacts(record: Record) -> dict[str, str]:
    """Each parameter holds all contacts' values in the same order, empty where one of them says nothing."""
    both = [
        (record.name, record.email, record.phone),
        (record.partner_name, record.partner_email, record.partner_phone),
    ]
    people = [one for one in both if any(one)]
    names, emails, phones = (SEPARATOR.join(column) for column in zip(*people, strict=True)) if people else ("", "", "")
    return {"ContactNameFull": names, "ContactEmail": emails, "ContactPhoneMobile": phones}


def _title(record: Record) -> str:
    """As photographers call it: by the two names, else by where it came from."""
    return " & ".join(one for one in (record.name, record.partner_name) if one) or record.email


def _message(record: Record) -> str:
    """What has no parameter of its own, in words."""
    lines = [PHASES[record.stage]] if record.stage in PHASES else []
    lines += [f"Venue: {record.venue}"] if record.venue else []
    return "\n".join(lines)
