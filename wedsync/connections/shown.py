"""A source as doors show it: with the address to send to, without its secret."""

import msgspec

from wedsync.connections import model
from wedsync.kit.db import Row
from wedsync.kit.errors import not_found


def connection_of(public_url: str, row: Row | None) -> model.Connection:
    """Raises Refusal 404 where there is none."""
    if row is None:
        raise not_found("connection")
    own = "/api/webhooks/couples" if row["connector"] == model.COUPLES else f"/hooks/{row['connector']}/{row['id']}"
    settings = msgspec.json.decode(row["settings"])
    return model.Connection(**{**dict(row), "settings": settings, "url": public_url + own})
