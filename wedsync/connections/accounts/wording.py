"""The states, exchanges and connectors of accounts in people's words."""

from typing import Final

from wedsync.connections.accounts.model import Offer

STATES: Final = {
    "draft": ("Not finished", "wait", "Connecting was begun and not finished."),
    "connecting": ("Connecting", "wait", "We may go in, and are waiting for the provider to say who it is."),
    "active": ("Works", "good", "Everything goes through."),
    "degraded": ("Unwell", "wait", "Lately too much did not go through. We go on trying, and nothing is lost."),
    "needs_reconnect": ("Connect it again", "bad", "The provider no longer lets us in. Nothing goes either way."),
    "paused": ("Paused", "", "Nothing goes either way until you resume it."),
    "disconnected": ("Disconnected", "", "We hold nothing of it any more."),
}
"""Badge, tone, and what it means."""
SAFE: Final = {
    "live": "A wedding of yours is on.",
    "failing": "A wedding of yours is less than a day away, and lately too much did not go through here.",
}
"""Why an account is in safe mode."""
EXCHANGES: Final = {
    "connect": "Connected",
    "check": "Checked",
    "refresh": "Asked for the next token",
    "pause": "Paused",
    "resume": "Resumed",
    "disconnect": "Disconnected",
    "reveal": "Looked which account it is",
    "pull": "Asked what has changed",
    "push": "Sent a change",
    "watch": "Asked to be told of changes",
    "unwatch": "Asked to be told no more",
    "calendars": "Asked for the calendars",
    "read": "Read a job",
    "list": "Listed all jobs",
    "channel": "Made or closed a channel",
    "message": "Posted or changed a message",
    "send": "Handed in a client",
    "spaces": "Asked for the spaces",
}
WORDS: Final = {
    "ok": ("Done", "good"),
    "delivered": ("Done", "good"),
    "retry_later": ("Later", "wait"),
    "unknown": ("Unclear", "wait"),
    "rejected": ("Refused", "bad"),
    "reconnect_needed": ("Not let in", "bad"),
}
STATUS: Final = {
    "verified": ("Verified", "good"),
    "documented, untested live": ("Built by the documents, not yet tried live", ""),
    "needs partner credentials": ("Needs a partner's credentials", "wait"),
    "import only": ("Import only", ""),
}
FIELDS: Final = {
    "username": ("User name", "text", "username"),
    "password": ("Password", "password", "new-password"),
    "address": ("Address", "url", "off"),
}
DOES: Final = {
    "calendars": "calendars",
    "records": "clients and jobs",
    "chats": "channels for weddings",
    "markets": "keeps clients who agreed in a mailing list",
    "sends": "takes in new enquiries and bookings",
    "watches": "tells us of changes at once",
    "delivers": "delivers",
}


def what(name: str) -> str:
    """An exchange; what nobody named here goes by its own word."""
    return EXCHANGES.get(name, name.replace("_", " ").capitalize())


def abilities(offer: Offer) -> str:
    """What it does beside being connected."""
    return ", ".join(DOES[one] for one in offer.does if one in DOES)
