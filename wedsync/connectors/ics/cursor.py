"""How far a feed has been read."""

import msgspec


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the server said of the feed, and a digest of it for servers that say nothing. A window of its own: what is
    read depends on it, so another one is another reading."""

    etag: str = ""
    modified: str = ""
    digest: str = ""
    until: str = ""


def read(text: str) -> Cursor | None:
    """None where it is none of ours."""
    if not text:
        return Cursor()
    try:
        return msgspec.json.decode(text, type=Cursor)
    except msgspec.MsgspecError:
        return None


def written(cursor: Cursor) -> str:
    return msgspec.json.encode(cursor).decode()
