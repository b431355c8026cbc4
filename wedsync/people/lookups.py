"""How `web.auth` learns who a cookie, token or key belongs to: one definer function each."""

from collections.abc import Mapping

from wedsync.kit.actor import Actor
from wedsync.kit.db import Door, Row
from wedsync.people.actions import digest
from wedsync.web.auth import Remembered, read_token


def make(door: Door, jwt_secret: str) -> Mapping[str, Remembered]:
    """The three lookups by kind of secret, each remembered for seconds."""

    async def session(token: str) -> Actor | None:
        return _actor(await door.ask("select * from app.session($1)", digest(token)))

    async def token(text: str) -> Actor | None:
        known = read_token(jwt_secret, text)
        if known is None:
            return None
        actor = _actor(await door.ask("select * from app.session_of($1)", known[1]))
        return actor if actor is not None and actor.id == known[0] else None

    async def key(text: str) -> Actor | None:
        row = await door.ask("select * from app.api_key($1)", digest(text))
        if row is None:
            return None
        only = None if row["tenant_id"] == row["person_id"] else row["tenant_id"]
        return Actor(
            kind="key",
            id=row["person_id"],
            key_id=row["key_id"],
            only=only,
            name=row["name"],
            email=row["email"] or "",
        )

    return {"session": Remembered(session), "token": Remembered(token), "key": Remembered(key)}


def _actor(row: Row | None) -> Actor | None:
    if row is None:
        return None
    return Actor(
        kind="person",
        id=row["person_id"],
        session_id=row["session_id"],
        name=row["name"],
        email=row["email"] or "",
        is_operator=row["is_operator"],
    )
