"""Webhooks in words for people: what an endpoint may hear of, how a delivery stands, what went wrong and what to do."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final, Literal

import msgspec

from wedsync.kit.credentials import Shown
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
            ("alert.*", "Emergencies: raised, who sees to it, over"),
            ("duty.*", "Who is called for an emergency"),
            ("amendment.*", "What was changed on the day, by whom and why"),
            ("mode.*", "What WedSync itself cannot do for a while, and that it can again"),
            ("arrival.*", "When suppliers come, and whether they are there"),
            ("item_mark.*", "How far the day has come: late, started, done"),
            ("day_pack.*", "A day pack is ready to be printed"),
            ("weather_gate.*", "What to do if the weather is bad, and what was decided"),
            ("day_stage.*", "The day is over, and what is still open after it"),
            ("menu_option.*", "Menus"),
        ),
    ),
    Group(
        "Working together",
        (
            ("link.*", "Who is linked, and what is shared"),
            ("acknowledgement.*", "Seen and confirmed"),
            ("proposal.*", "Suggested changes, and what came of them"),
            ("assignment.*", "Who works on which wedding"),
            ("link_booking.*", "What suppliers have booked for the wedding"),
            ("link_day.*", "Whether suppliers are free on its date"),
            ("photos.*", "Photographs and films: promised, delayed, delivered"),
            ("space.*", "Spaces of venues, and whether everybody fits"),
            ("payment.*", "Payments: asked for, due, received, refunded, disputed"),
            ("message.*", "Messages that a supplier shares with the couple"),
            ("form.*", "Questionnaires: asked, answered, final"),
            ("milestone.*", "Milestones: booked, six months to go, final details, over, photos delivered"),
            ("enrolment.*", "Journeys: begun, planned anew, resting, ended"),
            ("journey_step.*", "Steps of journeys: sent, left out, calls to your systems"),
            ("marketing.*", "Who wants no offers of a supplier"),
            ("connection.*", "Connections to other services"),
            ("calendar.*", "Connected calendars"),
            ("calendar_conflict.*", "What a connected calendar and we disagree on"),
            ("record_book.*", "Connected CRMs"),
            ("chat.*", "Channels in chat programs"),
            ("marketing_audience.*", "Mailing lists"),
            ("marketing_consent.*", "Who agreed to marketing mail"),
            ("record_map.*", "Which fields of a connected CRM are which of yours"),
            ("record_message.*", "What a connected CRM holds of your words with couples"),
            ("record_conflict.*", "What a connected CRM and we disagree on"),
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
            ("opening.*", "When an operator of WedSync may read your wedding"),
            ("held_change.*", "Changes of the last week that wait for your second word"),
            ("notice.*", "Notices"),
            ("phone.*", "Your phone"),
            ("endpoint.*", "Webhook endpoints"),
            ("rule.*", "Routing rules of webhooks"),
        ),
        "couple",
    ),
    Group(
        "Your business",
        (
            ("portfolio.*", "What is open over all your weddings"),
            ("client.*", "Your own clients, and lists of them"),
            ("journey.*", "Your journeys"),
            ("plan.*", "Your plan"),
            ("limit.*", "Limits of your plan that come near"),
            ("enquiry.*", "What couples ask on your public page"),
            ("listing.*", "Your public page"),
            ("onboarding.*", "Setting your business up"),
            ("invitation.*", "Couples you invited, and what became of it"),
            ("invitation_style.*", "How your invitations look"),
            ("booking.*", "Holds and bookings"),
            ("conflict.*", "What cannot both be right"),
            ("availability.*", "Days that are free or taken"),
            ("resource.*", "What can be booked"),
            ("busy_source.*", "Busy times of other calendars"),
            ("booking_settings.*", "Who may ask for free days"),
            ("supplier.*", "Your own details"),
            ("supplier_member.*", "Your team"),
            ("endpoint.*", "Webhook endpoints"),
            ("rule.*", "Routing rules of webhooks"),
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
    "resting": ("Left alone just now", "wait", "hourglass"),
    "paused": ("Paused", "wait", "clock"),
    "disabled": ("Switched off", "bad", "circle-alert"),
}
LANES: Final = ("critical", "high", "normal", "low")
FIELDS: Final = {
    "url": FieldError("url", "Must be an https address", "Such as https://example.com/hook"),
    "events": FieldError("events", "Choose at least one, and write patterns like rsvp.* or task.done", ""),
    "headers": FieldError(
        "headers", "hold a name without a value, or a value that is too long", "Write each as Name: value."
    ),
    "description": FieldError("description", "Is too long", "300 characters are enough."),
}

KINDS: Final = {
    "none": "Only by the signature",
    "api_key": "API key in a header",
    "basic": "User name and password (Basic)",
    "bearer": "Fixed token (Bearer)",
    "oauth2": "OAuth 2 client credentials",
    "mtls": "Client certificate (mTLS)",
}
#: Each field of a kind: its label and a hint.
PROOFS: Final = {
    "header": ("Header", "Such as X-Api-Key"),
    "value": ("Key", ""),
    "username": ("User name", ""),
    "password": ("Password", ""),
    "token": ("Token", "Sent as Authorization: Bearer"),
    "token_url": ("Address of the token server", "Such as https://login.example.com/oauth/token"),
    "client_id": ("Client id", ""),
    "client_secret": ("Client secret", ""),
    "scope": ("Scope", ""),
    "audience": ("Audience", ""),
    "client_auth": ("The client proves itself", ""),
    "certificate": ("Certificate", "PEM, yours first, then those between it and the root"),
    "key": ("Private key", "PEM, without a password; it is kept sealed"),
}
CERTIFICATE_SOON: Final = timedelta(days=30)

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
    ("The token server", "The receiver was not called. Check the client id, its secret, and the token server itself."),
    (
        "The operator's egress proxy",
        "This is on our side, not your receiver's. We try again by ourselves.",
    ),
    ("The client certificate", "Set a certificate that is valid, then resume the endpoint."),
    ("The URL", "We do not call such an address. Change the endpoint's address."),
    ("The endpoint has no signing secret", "Rotate the secret to make one."),
)
_AGAIN: Final = re.compile(r"We (slow down and )?try again by ourselves.*")


def proof_words(seen: Shown, header_names: Sequence[str]) -> str:
    """What goes with each request: `Fixed token (Bearer), set. Own headers: x-tenant`."""
    words = [] if seen.kind == "none" else [f"{KINDS[seen.kind]}, set."]
    return " ".join([*words, *([f"Own headers: {', '.join(header_names)}."] if header_names else [])])


def certificate_warning(seen: Shown, now: datetime) -> str:
    """Said from thirty days before a client certificate is over."""
    if seen.expires_at is None or seen.expires_at - now > CERTIFICATE_SOON:
        return ""
    on = f"{seen.expires_at:%Y-%m-%d}"
    if seen.expires_at <= now:
        return f"The client certificate expired on {on}. Set one that is valid; until then nothing can be sent."
    return f"The client certificate expires on {on}. Set the next one before."


def groups(face: Face) -> list[Group]:
    """What the picker offers: nobody is offered what would never come."""
    return [group for group in GROUPS if group.face in ("", face)]


def offered(face: Face) -> set[str]:
    """The patterns that have a box of their own."""
    return {EVERYTHING, *(pattern for group in groups(face) for pattern, _ in group.patterns)}


def testable(types: Iterable[str], events: Sequence[str], face: Face) -> list[str]:
    """The types that an endpoint hears of, in the order of the picker, as far as they may ever come to this face."""
    offers = [pattern for group in groups(face) for pattern, _ in group.patterns]
    heard = sorted(name for name in types if any(fnmatchcase(name, pattern) for pattern in events))
    return [name for offer in offers for name in heard if fnmatchcase(name, offer)]


def events_words(events: Sequence[str], face: Face) -> str:
    """`Names, date, places and times; Tasks`, patterns without a box as they are written."""
    if EVERYTHING in events:
        return "Everything it may see" if face == "supplier" else "Everything"
    known = {pattern: words for group in groups(face) for pattern, words in group.patterns}
    return "; ".join(known.get(pattern, pattern) for pattern in events)


def advice(*, status: int | None, detail: str, is_once: bool = False) -> str:
    """What to do about one try that did not succeed; empty where there is nothing. `is_once`: there is no other try."""
    words = _advice(status, detail)
    if not is_once or not words:
        return words
    return _AGAIN.sub("", words).strip() or "Check that the address is right and answers."


def _advice(status: int | None, detail: str) -> str:
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


def parked(endpoint_state: str) -> str:
    """What becomes of deliveries that wait, and what to do."""
    if endpoint_state != "active":
        return (
            "These wait until the endpoint is resumed. Mend what the reason says, then resume it; you choose what of "
            "them is sent."
        )
    return (
        "These were refused each time, so trying on would not help, and nothing is dropped. Mend the receiver, then "
        "send them, or cancel those you do not want."
    )


def happened(*, status: int | None, detail: str) -> str:
    """What came back, in a few words."""
    if status is None:
        return detail or "No answer."
    return "Taken." if 200 <= status < 300 else f"The receiver answered {status}."
