"""Every write of people: asking to sign in, opening and ending sessions, API keys."""

import hashlib
import secrets
from urllib.parse import quote
from uuid import UUID, uuid4

import msgspec

from wedsync.events.record import record
from wedsync.kit import sql
from wedsync.kit.actor import ANONYMOUS, Actor
from wedsync.kit.db import Door, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.kit.seal import KeyRing
from wedsync.people import model
from wedsync.web import mail
from wedsync.web.context import as_struct

queries = sql.load("wedsync.people")


def digest(token: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(token.encode()).digest()


async def ask_to_sign_in(door: Door, ring: KeyRing, *, email: str, public_url: str, next_path: str = "/me") -> UUID:
    """Mail a single-use link; returns whom to. The link goes from here into a sealed delivery and nowhere else."""
    token = secrets.token_urlsafe(32)
    async with door.regardless().bare(ANONYMOUS) as tx:
        person: UUID = await tx.value("select app.person_for($1)", email.strip().lower())
        await request_pass(
            tx,
            ring,
            person,
            email.strip().lower(),
            token,
            f"{public_url}/sign-in/{token}?next={quote(next_path, safe='/')}",
        )
    return person


async def request_pass(tx: Tx, ring: KeyRing, person: UUID, email: str, token: str, url: str) -> None:
    """Store the pass and owe the mail."""
    delivery = uuid4()
    words = mail.compose("people/notices/session.requested.txt", url=url, minutes=model.SIGN_IN_MINUTES)
    sealed = ring.seal(mail.message(email, words), tenant=person, table="deliveries", column="sealed", row=delivery)
    tx.nudges.append("[]")  # no event, but a mail that should not wait for the worker's next look
    pass_hash = digest(token)
    await tx.value(
        "select app.request_sign_in($1, $2, $3, $4, $5)", person, pass_hash, model.SIGN_IN_MINUTES, delivery, sealed
    )


async def open_session(door: Door, token: str) -> tuple[UUID, str]:
    """Redeem a sign-in link once; returns (person, session token for the cookie). Raises Refusal 410."""
    session_token = secrets.token_urlsafe(32)
    async with door.regardless().bare(ANONYMOUS) as tx:
        row = await tx.row(
            "select * from app.open_session($1, $2, $3)", digest(token), digest(session_token), model.SESSION_DAYS
        )
    if row is None:
        refusal = Refusal(
            410, "link_used", "This sign-in link has been used or has expired. Ask for a new one; it takes a moment."
        )
        refusal.place = ("sign_in", digest(token).hex())
        raise refusal
    return row["person_id"], session_token


async def end_session(door: Door, actor: Actor, session_id: UUID) -> None:
    """Sign out: the session and, by its event, its sockets."""
    if actor.id is None:
        return
    async with door.regardless().enter(actor, actor.id) as tx:
        if await tx.row(queries.session_image, session_id) is None:
            raise not_found("session")
        await tx.value("select app.end_session($1)", session_id)
        record(tx, model.SESSION_ENDED, op="UPDATE", row=await tx.row(queries.session_image, session_id))


async def add_key(tx: Tx, person: UUID, new: model.NewKey) -> model.Key:
    """Make an API key; the answer is the only place its secret is ever shown. Raises Refusal 409 for too many."""
    await tx.row(queries.hold_keys, person)
    if await tx.value(queries.count_keys, person) >= model.KEYS_MAX:
        raise Refusal(409, "too_many_keys", f"You have {model.KEYS_MAX} API keys. Revoke one you do not use first.")
    token = f"wsk_{secrets.token_urlsafe(32)}"
    row = await tx.row(queries.add_key, person, new.tenant_id or person, new.name, token[:12], digest(token))
    if row is None:
        raise not_found("person")
    return msgspec.structs.replace(as_struct(model.Key, row), secret=token)


async def revoke_key(tx: Tx, key_id: UUID) -> None:
    """Withdraw an API key at once."""
    if await tx.row(queries.revoke_key, key_id) is None:
        raise not_found("key")


async def rename(door: Door, actor: Actor, name: str) -> None:
    """What the person is called from now on. Raises Refusal 422 for no name."""
    if not name or len(name) > 300 or actor.id is None:
        raise Refusal(422, "invalid", "name: tell us your name, in up to 300 characters")
    async with door.enter(actor, actor.id) as tx:
        await tx.run(queries.rename, actor.id, name)
