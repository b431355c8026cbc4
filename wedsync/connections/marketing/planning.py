"""What is to be done in an audience, decided without asking anybody: who is in, with which tags, and who goes; pure.

The most restrictive holds: whoever has withdrawn anywhere, bounced, or wants no mail of suppliers at all, is out, until
they agree anew. Somebody who never agreed is in no list, however they came to be known.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

import msgspec

from wedsync.clients.model import Details, Stage
from wedsync.connections.marketing.contract import Contact
from wedsync.kit.seal import normalise

State = Literal["sending", "there", "refused", "out"]
NAME_MAX: Final = 50
TAG_MAX: Final = 100
SEASONS: Final = {12: "winter", 1: "winter", 2: "winter", 3: "spring", 4: "spring", 5: "spring"} | {
    6: "summer",
    7: "summer",
    8: "summer",
    9: "autumn",
    10: "autumn",
    11: "autumn",
}
"""As couples and suppliers north of the equator say it; the month is in the tag beside it."""
ROLES: Final[Mapping[Stage, str]] = {
    "enquiry": "enquiry",
    "held": "enquiry",
    "booked": "client",
    "fulfilled": "past client",
    "completed": "past client",
    "cancelled": "did not book",
}
SIX_MONTHS_D: Final = 183
QUIET_D: Final = 2
"""So long before a wedding and after it nothing changes for its couple: what is new might begin a letter there."""
FIRST, LAST = "season: ", "location: "
OURS: Final = (FIRST, "role: ", "milestone: ", LAST)
"""What our tags begin with. Others are the supplier's own, and never touched."""


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """One act of the ledger, in the order of their times."""

    email: str
    is_given: bool
    by_provider: bool
    at: datetime


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A client with the milestones that were told of it."""

    id: UUID
    details: Details
    stage: Stage
    wedding_on: date | None
    milestones: tuple[str, ...] = ()


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What we last put into the audience; `contact` is as it was sent."""

    id: UUID
    contact: Contact
    state: State


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`upserts` are not there, or not as they are; of `retags` only the tags differ; `withdrawn` are to go."""

    upserts: tuple[tuple[UUID, Contact], ...]
    retags: tuple[tuple[Held, Contact], ...]
    withdrawn: tuple[Held, ...]


def key(email: str) -> str:
    """By which addresses are compared."""
    return normalise(email, "email")


def agreed(consents: Iterable[Consent], barred: Iterable[str] = ()) -> dict[str, bool]:
    """Who may be written to, by the key of their address; True: they had unsubscribed at a provider once."""
    now: dict[str, Consent] = {}
    had_left: set[str] = set()
    for one in sorted(consents, key=lambda one: one.at):
        now[key(one.email)] = one
        if one.by_provider and not one.is_given:
            had_left.add(key(one.email))
    never = {key(email) for email in barred}
    return {email: email in had_left for email, one in now.items() if one.is_given and email not in never}


def contacts(clients: Sequence[Known], may: Mapping[str, bool], today: date) -> dict[str, tuple[UUID, Contact]]:
    """Everybody who is to be in, each address once: of two clients with one address the newer is meant."""
    found: dict[str, tuple[UUID, Contact]] = {}
    for client in clients:
        tags = tags_of(client, today)
        details = client.details
        for email, name in ((details.email, details.name), (details.partner_email, details.partner_name)):
            if email and key(email) in may:
                first, last = names(name)
                found[key(email)] = (
                    client.id,
                    Contact(
                        email=key(email),
                        first_name=first,
                        last_name=last,
                        tags=tags,
                        is_again=may[key(email)],
                    ),
                )
    return found


def quiet(clients: Iterable[Known], today: date) -> frozenset[str]:
    """Whose wedding is now, by the key of their address: marketing waits, and only who withdraws goes at once."""
    return frozenset(
        key(email)
        for client in clients
        if client.wedding_on is not None and abs((client.wedding_on - today).days) <= QUIET_D
        for email in client.details.emails
    )


def plan(
    wanted: Mapping[str, tuple[UUID, Contact]], held: Iterable[Held], silent: Collection[str] = frozenset()
) -> Plan:
    """Nothing where all is as it was sent: the same again is no change. Nothing is sent of who is to be left alone."""
    there = {key(one.contact.email): one for one in held}
    upserts = tuple(
        (client, _asked(contact, there.get(email)))
        for email, (client, contact) in sorted(wanted.items())
        if email not in silent and (email not in there or _differs(contact, there[email]))
    )
    sent = {contact.email for _, contact in upserts}
    retags = tuple(
        (there[email], contact)
        for email, (_, contact) in sorted(wanted.items())
        if email in there and there[email].state == "there" and contact.tags != there[email].contact.tags
        if contact.email not in sent and email not in silent
    )
    gone = tuple(one for email, one in sorted(there.items()) if email not in wanted and one.state != "out")
    return Plan(upserts=upserts, retags=retags, withdrawn=gone)


def retagged(
    before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Who gains which tag, and who loses it: tag -> addresses."""
    gains: dict[str, list[str]] = {}
    losses: dict[str, list[str]] = {}
    for email, tags in sorted(after.items()):
        old = set(before.get(email, ()))
        for tag in sorted(set(tags) - old):
            gains.setdefault(tag, []).append(email)
        for tag in sorted(old - set(tags)):
            losses.setdefault(tag, []).append(email)
    return {tag: tuple(who) for tag, who in gains.items()}, {tag: tuple(who) for tag, who in losses.items()}


def tags_of(client: Known, today: date) -> tuple[str, ...]:
    """By season, role, milestone and location."""
    found = [f"role: {ROLES[client.stage]}"]
    if client.wedding_on is not None:
        found.append(f"{FIRST}{SEASONS[client.wedding_on.month]} {client.wedding_on.year}")
    found += [f"milestone: {one.replace('_', ' ')}" for one in milestones(client, today)]
    if client.details.venue.strip():
        found.append(f"{LAST}{' '.join(client.details.venue.split())}")
    return tuple(sorted({one[:TAG_MAX] for one in found}))


def milestones(client: Known, today: date) -> tuple[str, ...]:
    """Those that were told, and those that stage and date tell by themselves."""
    found = set(client.milestones)
    is_booked = client.stage in ("booked", "fulfilled", "completed")
    if is_booked:
        found.add("booked")
    if is_booked and client.wedding_on is not None:
        left_d = (client.wedding_on - today).days
        if left_d < 0:
            found.add("date_passed")
        elif left_d <= SIX_MONTHS_D:
            found.add("six_months")
    return tuple(sorted(found))


def milestones_of(tags: Iterable[str]) -> frozenset[str]:
    """The milestones among tags."""
    start = "milestone: "
    return frozenset(one.removeprefix(start).replace(" ", "_") for one in tags if one.startswith(start))


def names(name: str) -> tuple[str, str]:
    """First and last name; of one word the last is empty."""
    first, _, last = " ".join(name.split()).partition(" ")
    return first[:NAME_MAX], last[:NAME_MAX]


def _asked(contact: Contact, held: Held | None) -> Contact:
    """Who is in stays in without being asked again; who was taken out is asked by the provider."""
    is_again = contact.is_again if held is None else held.state == "out"
    return msgspec.structs.replace(contact, is_again=is_again)


def _differs(contact: Contact, held: Held) -> bool:
    if held.state in ("sending", "out"):
        return True
    return msgspec.structs.replace(contact, tags=(), is_again=False) != msgspec.structs.replace(
        held.contact, tags=(), is_again=False
    )
