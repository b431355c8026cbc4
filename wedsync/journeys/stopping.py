"""The way out of a supplier's offers: one press in a mail, without a login, for one person and one supplier."""

import hmac
from hashlib import sha256
from typing import Final
from uuid import UUID

from wedsync.journeys.actions import queries
from wedsync.kit.actor import ANONYMOUS
from wedsync.kit.config import Settings
from wedsync.kit.db import Door, Row
from wedsync.kit.errors import not_found

PAGE: Final = "no-offers"


def stop_url(settings: Settings, link_id: UUID, person_id: UUID) -> str:
    """It works for ever: who wants no more offers may say so a year later."""
    return f"{settings.public_url}/{PAGE}/{out_token(settings.jwt_secret, link_id, person_id)}"


def out_token(secret: str, link_id: UUID, person_id: UUID) -> str:
    """Names a link and a person; nobody can make one."""
    named = f"{link_id.hex}{person_id.hex}"
    return f"{named}-{hmac.new(secret.encode(), f'offers:{named}'.encode(), sha256).hexdigest()[:32]}"


def from_out_token(secret: str, token: str) -> tuple[UUID, UUID]:
    """(link, person). Raises Refusal 404 for what we did not make."""
    try:
        link_id, person_id = UUID(hex=token[:32]), UUID(hex=token[32:64])
    except ValueError as error:
        raise not_found("page") from error
    made = out_token(secret, link_id, person_id)
    if not hmac.compare_digest(made.encode(), token.encode()):
        raise not_found("page")
    return link_id, person_id


async def place(door: Door, settings: Settings, token: str) -> Row:
    """Whose offers they are, and whether they have stopped. Raises Refusal 404."""
    link_id, person_id = from_out_token(settings.jwt_secret, token)
    async with door.bare(ANONYMOUS) as tx:
        row = await tx.row(queries.marketing_place, link_id, person_id)
    if row is None:
        raise not_found("page")
    return row


async def stop(door: Door, settings: Settings, token: str) -> None:
    """Twice is once. Raises Refusal 404."""
    link_id, person_id = from_out_token(settings.jwt_secret, token)
    async with door.bare(ANONYMOUS) as tx:
        tx.nudges += [row[0] for row in await tx.rows(queries.stop_marketing, link_id, person_id)]
