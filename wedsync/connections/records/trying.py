"""Tries a map on records as they were read last: what each would be, what could not be read, what is left. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from wedsync.connections.records import documents, mapped
from wedsync.connections.records.contract import Found
from wedsync.connections.records.fields import MapRule, compiled
from wedsync.connections.records.record import TITLES, Field, Record

VALUES_SHOWN: Final = 3
FIELDS_SHOWN: Final = 200


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One record as it was read: `own` as its connector makes it, `document` what a map may read of it."""

    id: str
    own: Record
    document: Mapping[str, Any]


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """Why one field of one record could not be read."""

    field: Field
    source: str
    value: str
    reason: str


class TriedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What one record would be; `id` is the CRM's own, `silent` are the fields it says nothing about."""

    id: str
    record: Record
    problems: tuple[Unread, ...]
    silent: tuple[Field, ...]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A value of the documents: where it stands, a few of them, in how many it is, and which fields read it."""

    path: str
    values: tuple[str, ...]
    count: int
    targets: tuple[Field, ...]


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """One field: in how many of the records it could not be read, or is at no place that its rule names."""

    field: Field
    title: str
    count: int
    reason: str


class MapTrial(msgspec.Struct, frozen=True, kw_only=True):
    """What a map makes of `read` records; the first of them as they would be."""

    read: int
    records: tuple[TriedRecord, ...]
    troubles: tuple[Trouble, ...]
    fields: tuple[Seen, ...]


def tried(rules: Sequence[MapRule], told: Sequence[Told], *, may_write: bool, shown_max: int = 20) -> MapTrial:
    """Raises Refusal 422 where the map cannot be used."""
    by = compiled(rules, may_write=may_write) if rules else None
    found = [mapped.read(by, Found(id=one.id, record=one.own, document=one.document)) for one in told]
    only_out = frozenset() if by is None else by.only_out
    return MapTrial(
        read=len(found),
        records=tuple(_record(one, only_out) for one in found[:shown_max]),
        troubles=tuple(_troubles(found)),
        fields=tuple(seen([one.document for one in found], rules)),
    )


def seen(several: Sequence[Mapping[str, Any]], rules: Sequence[MapRule]) -> list[Seen]:
    """Every value that any of the documents has, in the order of their places."""
    values: dict[str, list[str]] = {}
    counts: dict[str, int] = {}
    for document in several:
        for path, value in documents.leaves(document):
            kept = values.setdefault(path, [])
            counts[path] = counts.get(path, 0) + 1
            if value and value not in kept and len(kept) < VALUES_SHOWN:
                kept.append(value)
    return [
        Seen(path=path, values=tuple(kept), count=counts[path], targets=_readers(path, rules))
        for path, kept in list(values.items())[:FIELDS_SHOWN]
    ]


def _readers(path: str, rules: Sequence[MapRule]) -> tuple[Field, ...]:
    return tuple(rule.target for rule in rules if not documents.unmapped_path(path, rule.source))


def _record(found: Found, only_out: frozenset[Field]) -> TriedRecord:
    problems = tuple(
        Unread(field=_field(one.target), source=one.source, value=one.value, reason=one.reason)
        for one in found.problems
    )
    silent = tuple(sorted(found.silent - only_out))
    return TriedRecord(id=found.id, record=mapped.heard(found, None), problems=problems, silent=silent)


def _field(name: str) -> Field:
    field: Field = msgspec.convert(name, type=Field)
    return field


def _troubles(found: Sequence[Found]) -> list[Trouble]:
    """Of each field its commonest trouble, the fields in our order."""
    reasons: dict[Field, list[str]] = {}
    for one in found:
        for problem in one.problems:
            reasons.setdefault(_field(problem.target), []).append(f"{problem.reason} ({problem.source})")
        for field in one.absent:
            reasons.setdefault(field, []).append(NOWHERE)
    return [
        Trouble(field=field, title=title, count=len(said), reason=max(sorted(set(said)), key=said.count))
        for field, title in TITLES.items()
        if (said := reasons.get(field))
    ]


NOWHERE: Final = "There is no such value in it. Look at what the CRM calls it."
