"""Finds items, their ids and their times in an API's answers by its description; says what is to be written. Pure.

Which value is which field of ours is the map's business (`connections.records.mapped`): a record from here is empty.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from wedsync.connections.records import documents
from wedsync.connections.records.contract import Found, Push, Values
from wedsync.connections.records.described import Described
from wedsync.connections.records.record import Record

ID_CHARACTERS_MAX = 200


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One record of an answer. `modified` is as the API writes it, "" where it says nothing."""

    id: str
    modified: str
    document: Mapping[str, Any]


def items(api: Described, answer: Any) -> list[Item] | None:
    """The items of a list, those without an id left out; None where there is no list at the place that is described."""
    _, found = documents.at(answer, api.items) if api.items else (True, answer)
    if not isinstance(found, list):
        return None
    read = [item(api, one) for one in found]
    return [one for one in read if one is not None]


def item(api: Described, document: Any, id: str = "") -> Item | None:
    """`id`: the one it was asked for by, where it does not say its own."""
    if not isinstance(document, Mapping):
        return None
    own = _text(documents.at(document, api.id)[1]) or id
    modified = _text(documents.at(document, api.modified)[1]) if api.modified else ""
    return Item(id=own, modified=modified, document=document) if own and len(own) <= ID_CHARACTERS_MAX else None


def one(api: Described, answer: Any, id: str) -> Item | None:
    """The record of an answer about one."""
    _, found = documents.at(answer, api.item_at) if api.item_at else (True, answer)
    return item(api, found, id)


def to_found(api: Described, one: Item) -> Found:
    return Found(
        id=one.id, record=Record(), etag=etag(api, one), updated_at=moment(one.modified), document=one.document
    )


def etag(api: Described, one: Item) -> str:
    """Of an item that only lists give, all of it; else when it changed, for a list may say less than the record."""
    if one.modified:
        return one.modified[:ID_CHARACTERS_MAX]
    if api.item_path:
        return ""
    return hashlib.blake2b(msgspec.json.encode(one.document), digest_size=16).hexdigest()


def moment(text: str) -> datetime | None:
    """A time as APIs write it: ISO 8601, or seconds or milliseconds since 1970; None for what cannot be read."""
    try:
        if text.replace(".", "", 1).isdigit():
            seconds = float(text)
            return datetime.fromtimestamp(seconds / (1000 if seconds > 1e11 else 1), UTC)
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def like(text: str, at: datetime) -> str:
    """A time in the form in which the API has written another one."""
    if text.replace(".", "", 1).isdigit():
        seconds = at.timestamp() * (1000 if float(text) > 1e11 else 1)
        return str(int(seconds))
    if len(text) == 10:
        return at.date().isoformat()
    if text.endswith("Z"):
        return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    told = at.isoformat(timespec="seconds")
    return told if "+" in text[10:] or "-" in text[10:] else told.removesuffix("+00:00")


def moved(push: Push, document: Mapping[str, Any]) -> bool:
    """Whether something stands there that is neither what was read nor what is to be written."""
    wanted = dict(push.values)
    return any(not same(there(document, path), was, wanted.get(path)) for path, was in push.was)


def missing(push: Push, document: Mapping[str, Any]) -> Values:
    """What is not there yet."""
    return tuple((path, value) for path, value in push.values if not same(there(document, path), value))


def body(api: Described, document: Mapping[str, Any], values: Values) -> dict[str, Any]:
    """What is sent: the values alone, or the whole record with them."""
    return documents.written(values) if api.write == "PATCH" else _laid(document, documents.written(values))


def there(document: Any, path: tuple[str, ...]) -> Any:
    node = document
    for name in path:
        node = node.get(name) if isinstance(node, Mapping) else None
    return node


def same(value: Any, *others: Any) -> bool:
    """A blank is a blank however it is written, and a number is what it says."""
    return any(_text(value) == _text(other) for other in others)


def _laid(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(under)
    for name, value in over.items():
        held = made.get(name)
        made[name] = _laid(held, value) if isinstance(held, Mapping) and isinstance(value, Mapping) else value
    return made


def _text(value: Any) -> str:
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
