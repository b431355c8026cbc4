"""What is written into the simple query that begins a transaction: it is text, and takes no parameters."""

from uuid import UUID

from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal


def person_of(actor: Actor) -> UUID:
    """The acting person; a caller without one has no standing anywhere."""
    if actor.id is None:
        raise Refusal(401, "sign_in_required", "Sign in first, or send a bearer token.")
    return as_uuid(actor.id)


def as_uuid(value: UUID) -> UUID:
    """Nothing but UUIDs may reach the text."""
    if not isinstance(value, UUID):
        raise TypeError(f"expected a UUID, got {type(value).__name__}")
    return value


def suffix_of(actor: Actor) -> str:
    """What kind of caller enters, and the only tenant that its key opens."""
    kind = "key" if actor.kind == "key" else "person"
    return f"'{kind}', " + ("null" if actor.only is None else f"'{as_uuid(actor.only)}'")
