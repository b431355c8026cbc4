"""Webhooks in words for people: what an endpoint may hear of, how a delivery stands, what went wrong and what to do."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from wedsync.kit.errors import FieldError

Face = Literal["couple", "supplier"]


class Group(msgspec.Struct, frozen=True):
    """One heading of the picker: patterns and their words. `face` is whose events these are; empty for both."""

    words: str
    patterns: Sequence[tuple[str, str]]
    face: Face | str = ""


EVERYTHING: Final = "*"
GROUPS: Final = (
    Group(
        "The wedding",
        (
            ("wedding.*", "Names, date, places and times"),
            ("wedding_day.*", "The days it lasts"),
            ("day_contact.*", "Whom to call on the day"),
            ("headcount.*", "Head counts and final numbers"),
        ),
    ),
    Group(
        "Guests",
        (
            ("rsvp.*", "Invitations and answers"),
            ("guest.*", "Names on the guest list"),
            ("party.*", "Households"),
            ("needs.*", "Dietary and access needs"),
            ("dietary_sheet.*", "Dietary sheets for the kitchen"),
            ("contact.*", "Addresses and phone numbers"),
        ),
    ),
    Group(
        "Plan",
        (
            ("schedule_item.*", "Every item of the schedule"),
            ("schedule.*", "The schedule moved as a whole"),
            ("task.*", "Tasks"),
            ("menu_option.*", "Menus"),
        ),
    ),
    Group(
        "Working together",
        (
            ("link.*", "Who is linked, and what is shared"),
            ("acknowledgement.*", "Seen and confirmed"),
            ("assignment.*", "Who works on which wedding"),
            ("link_booking.*", "What suppliers have booked for the wedding"),
            ("link_day.*", "Whether suppliers are free on its date"),
            ("connection.*", "Connections to other services"),
        ),
    ),
    Group(
        "Only yours",
        (
            ("budget_line.*", "Budget"),
            ("budget_payment.*", "Payments"),
            ("site.*", "Your website"),
            ("membership.*", "The two of you, and helpers"),
            ("import.*", "Imports of guest lists"),
            ("notice.*", "Notices"),
            ("endpoint.*", "Webhook endpoints"),
        ),
        "couple",
    ),
    Group(
        "Your business",
        (
            ("portfolio.*", "What is open over all your weddings"),
            ("booking.*", "Holds and bookings"),
            ("conflict.*", "What cannot both be right"),
            ("availability.*", "Days that are free or taken"),
            ("resource.*", "What can be booked"),
            ("busy_source.*", "Busy times of other calendars"),
            ("booking_settings.*", "Who may ask for free days"),
            ("supplier.*", "Your own details"),
            ("supplier_member.*", "Your team"),
            ("endpoint.*", "Webhook endpoints"),
        ),
        "supplier",
    ),
)

Tone = Literal["good", "wait", "bad", "open", ""]
STATES: Final[Mapping[str, tuple[str, Tone, str]]] = {
    "pending": ("On its way", "open", "send"),
    "in_flight": ("Being sent now", "open", "send"),
    "deferred": ("Trying again", "wait", "rotate-ccw"),
    "parked": ("Waiting", "wait", "hourglass"),
    "delivered": ("Delivered", "good", "check"),
    "superseded": ("Overtaken by a newer one", "", ""),
    "filtered": ("Filtered out", "", ""),
    "expired": ("Too late", "bad", "clock"),
    "cancelled": ("Cancelled", "", ""),
    "revoked": ("No longer shared", "", "eye-off"),
    "dead": ("Given up", "bad", "circle-x"),
}
#: The tabs of the log: their address, their words, the states behind them.
TABS: Final[Sequence[tuple[str, str, tuple[str, ...] | None]]] = (
    ("", "All", None),
    ("delivered", "Delivered", ("delivered",)),
    ("underway", "On their way", ("pending", "deferred")),
    ("parked", "Waiting", ("parked",)),
    ("failed", "Failed", ("dead", "expired")),
    ("ended", "Not sent", ("cancelled", "revoked", "superseded", "filtered")),
)
ENDPOINTS: Final[Mapping[str, tuple[str, Tone, str]]] = {
    "active": ("Active", "good", "check"),
    "paused": ("Paused", "wait", "clock"),
    "disabled": ("Switched off", "bad", "circle-alert"),
}
LANES: Final = ("critical", "high", "normal", "low")
FIELDS: Final = {
    "url": FieldError("url", "Must be an https address", "Such as https://example.com/hook"),
    "events": FieldError("events", "Choose at least one, and write patterns like rsvp.* or task.done", ""),
    "description": FieldError("description", "Is too long", "300 characters are enough."),
}

_STATUS: Final[Mapping[int, str]] = {
    400: "Your receiver did not like the request. Its answer below says why; often it reads another format than JSON.",
    401: "Your receiver could not tell that it was us. Give it this endpoint's current secret; take away other logins.",
    403: "Something refused us before your code ran, often a firewall or a login in front. Let POST requests through.",
    404: "There is nothing at this path. Check the address for typing mistakes and whether the receiver is deployed.",
    405: "Your receiver does not take POST at this path. Point the endpoint to the path that does.",
    408: "Your receiver gave up waiting. Answer first, then do the work: a 2xx within 10 seconds is enough.",
    410: "Your receiver said it is gone for good, so the endpoint was switched off. Resume it when that was a mistake.",
    413: "Your receiver allows only smaller bodies. Raise its limit to 1 MB.",
    415: "Your receiver does not take application/json. Let it read JSON.",
    422: "Your receiver did not accept what it read. Its answer below says why.",
    425: "Your receiver was not ready. We try again by ourselves.",
    429: "Your receiver asked for fewer requests. We slow down and try again by ourselves.",
}
_DETAIL: Final[Sequence[tuple[str, str]]] = (
    ("Looking up the name took", "Its name server is slow. We try again by ourselves; check its DNS when it goes on."),
    ("No answer within", "Answer first, then do the work: a 2xx within 10 seconds is enough."),
    ("Could not connect", "Nothing took the connection. Check that the receiver runs and its firewall lets us in."),
    ("No secure connection", "Its certificate was not accepted. Renew it, send the whole chain, and match the name."),
    ("The connection to", "The receiver closed the connection without an answer. Its own log says why."),
    ("The URL", "We do not call such an address. Change the endpoint's address."),
    ("The endpoint has no signing secret", "Rotate the secret to make one."),
)


def groups(face: Face) -> list[Group]:
    """What the picker offers: nobody is offered what would never come."""
    return [group for group in GROUPS if group.face in ("", face)]


def offered(face: Face) -> set[str]:
    """The patterns that have a box of their own."""
    return {EVERYTHING, *(pattern for group in groups(face) for pattern, _ in group.patterns)}


def events_words(events: Sequence[str], face: Face) -> str:
    """`Names, date, places and times; Tasks`, patterns without a box as they are written."""
    if EVERYTHING in events:
        return "Everything it may see" if face == "supplier" else "Everything"
    known = {pattern: words for group in groups(face) for pattern, words in group.patterns}
    return "; ".join(known.get(pattern, pattern) for pattern in events)


def advice(*, status: int | None, detail: str) -> str:
    """What to do about one try that did not succeed; empty where there is nothing to do."""
    if status is None:
        found = (words for start, words in _DETAIL if detail.startswith(start))
        return next(found, "We try again by ourselves; if it goes on, check that the address is right and answers.")
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return "We follow no redirects. Change the endpoint's address to where it leads."
    if status >= 500:
        return "Your receiver failed; its own log says why. We try again by ourselves, for about three days."
    return _STATUS.get(status, "Your receiver refused the request. Its answer below may say why.")


def happened(*, status: int | None, detail: str) -> str:
    """What came back, in a few words."""
    if status is None:
        return detail or "No answer."
    return "Taken." if 200 <= status < 300 else f"The receiver answered {status}."
