"""For guests who lost their link: a name, forgivingly read, finds the party, and the link goes to its own address.

The page says the same whether or not somebody was found, names nobody, and is limited by who asks and who is mailed.
"""

from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import msgspec
from litestar import Response, get, post

from wedsync.guests import sealed
from wedsync.guests.importing.names import matches
from wedsync.kit.actor import ANONYMOUS
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.kit.limits import Limits, Window
from wedsync.kit.seal import KeyRing
from wedsync.web import forms, mail, respond
from wedsync.web.callers import block_of
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest
from wedsync.web.visitor import plain_shell
from wedsync.weddings.actions import pass_token

TRIES = Window("rsvp-find", 10, 600.0)
TRIES_OF_ALL = Window("rsvp-find-site", 120, 600.0)
MAILS = Window("rsvp-find-mail", 3, 3600.0)
MAIL_MINUTES = 24 * 60
NAME_CHARS_MAX = 200


@get("/w/{slug:str}/rsvp", include_in_schema=False)
async def find(request: AnyRequest, ctx: Context, slug: str) -> Response[str]:
    """An empty form."""
    return _page(request, slug, await _names_of(ctx, slug))


@post("/w/{slug:str}/rsvp", include_in_schema=False)
async def mail_link(request: AnyRequest, ctx: Context, slug: str) -> Response[str]:
    """Mail the link to the one party that has somebody of this name."""
    name = (await forms.read(request)).text("name")[:NAME_CHARS_MAX]
    couple = await _names_of(ctx, slug)
    limits = ctx.limits
    await _allow(limits, TRIES, f"{slug}|{block_of(request.scope)}")
    await _allow(limits, TRIES_OF_ALL, slug)
    if not name:
        return _page(request, slug, couple, errors={"name": "Write your name, as on the invitation."}, code=422)
    async with ctx.door.bare(ANONYMOUS) as tx:
        rows = await tx.rows("select * from app.party_names($1)", slug)
        found = {row["party_id"] for row in rows if matches(name, row["display_name"])}
        if len(found) > 1:
            found = {row["party_id"] for row in rows if row["display_name"].casefold() == name.casefold()}
            if len(found) != 1:
                return _page(request, slug, couple, name=name, state="unsure")
        for party in found:
            await _send(tx, ctx, slug, [row for row in rows if row["party_id"] == party], limits)
    return _page(request, slug, couple, state="sent")


async def _send(tx: Tx, ctx: Context, slug: str, party: list[Row], limits: Limits) -> None:
    """To the party's first address, if it has one and was not mailed too often."""
    head = party[0]
    address = _address(ctx.ring, party)
    if not address or not (await limits.hit(MAILS, str(head["party_id"]))).is_allowed:
        return
    token = pass_token(ctx.settings.jwt_secret, "rsvp", head["pass_id"])
    words = mail.compose(
        "guests/notices/party_link.requested.txt",
        names=head["couple_names"],
        party=head["party_name"],
        url=f"{ctx.settings.public_url}/rsvp/{token}",
    )
    delivery: UUID = uuid4()
    body = mail.message(address, words, name=head["party_name"])
    content = ctx.ring.seal(body, tenant=head["wedding_id"], table="deliveries", column="sealed", row=delivery)
    await tx.value(
        "select app.owe_party_link($1, $2, $3, $4, $5)", slug, head["party_id"], delivery, content, MAIL_MINUTES
    )


def _address(ring: KeyRing, party: list[Row]) -> str:
    opened = (
        sealed.open_contact(ring, row["wedding_id"], row["guest_id"], row["contact"]) for row in party if row["contact"]
    )
    return next((contact.email for contact in opened if contact.email), "")


async def _names_of(ctx: Context, slug: str) -> str:
    async with ctx.door.bare(ANONYMOUS) as tx:
        site = await tx.row("select * from app.site($1)", slug)
    if site is None:
        raise not_found("wedding website")
    names: str = msgspec.json.decode(site["snapshot"])["couple_names"]
    return names


async def _allow(limits: Limits, window: Window, key: str) -> None:
    decision = await limits.hit(window, key)
    if not decision.is_allowed:
        raise Refusal(
            429, "too_many_tries", "That was tried often just now. Wait some minutes, or ask the couple for your link.",
            headers=decision.headers(),
        )  # fmt: skip


def _page(
    request: AnyRequest,
    slug: str,
    couple: str,
    *,
    name: str = "",
    state: str = "",
    errors: dict[str, str] | None = None,
    code: int = 200,
) -> Response[Any]:
    return respond.html(
        "guests/rsvp_find.html",
        plain_shell(request),
        code=code,
        slug=quote(slug),
        names=couple,
        name=name,
        state=state,
        errors=errors or {},
    )


ROUTES = (find, mail_link)
