"""A CRM seen through its map: what its connector reads becomes our record by the map, and is written back by it. Pure
but for the calls that it passes on.

Where a rule finds nothing at all (a CRM has renamed a field), the record says nothing of that field: what was known of
it stays. A field that is there and blank was cleared.
"""

from typing import Any

import msgspec

from wedsync.connections.contract import Connection, Outcome, Rejected
from wedsync.connections.records import documents
from wedsync.connections.records.contract import (
    Documents,
    Found,
    Gone,
    Listed,
    Moved,
    Pull,
    Pulled,
    Push,
    Pushed,
    ReadOnly,
    Records,
)
from wedsync.connections.records.fields import Compiled, MapRule, typed
from wedsync.connections.records.merge import changed
from wedsync.connections.records.record import Field, Record, checked
from wedsync.kit.mapping import Mapped as MappedValues


class _Silent(msgspec.Struct, frozen=True):
    """Nothing is said of a field that can be understood. `is_absent`: there is no such place in the document."""

    is_absent: bool = False


def read(by: Compiled | None, found: Found) -> Found:
    """What was found, its record as the map makes it; by no map it is as the connector made it."""
    document = documents.kept(found.document)
    if by is None:
        return msgspec.structs.replace(found, own=found.record, document=document)
    came = by.mapper.apply(document)
    values: dict[Field, Any] = {}
    silent: set[Field] = set(by.only_out)
    absent: set[Field] = set()
    for rule in by.rules:
        if rule.direction == "out":
            continue
        said = _said(rule, came, document)
        if isinstance(said, _Silent):
            silent.add(rule.target)
            absent |= {rule.target} if said.is_absent else set()
        else:
            values[rule.target] = said
    return msgspec.structs.replace(
        found,
        record=msgspec.structs.replace(found.record, **values),
        own=found.record,
        document=document,
        silent=frozenset(silent),
        absent=frozenset(absent),
        problems=tuple(came.problems),
        unread=found.unread + len(came.problems),
    )


def _said(rule: MapRule, came: MappedValues, document: Any) -> Any:
    """What a document says of a rule's field; a blank where it was cleared."""
    if rule.target in came.values:
        return came.values[rule.target]
    if any(problem.target == rule.target for problem in came.problems):
        return _Silent()
    if rule.default is not None:
        return typed(rule.target, rule.default)
    if not is_there(rule, document):
        return _Silent(is_absent=True)
    if rule.target == "stage":
        return _Silent()
    return None if rule.target == "wedding_on" else ""


def is_there(rule: MapRule, document: Any) -> bool:
    """Whether any place that the rule reads is in the document, be it blank."""
    return any(documents.at(document, source)[0] for source in rule.source)


def heard(found: Found, before: Record | None) -> Record:
    """What is there now as far as we know: of what it says nothing about, what was there before."""
    now = checked(found.record)
    if before is None or not found.silent:
        return now
    return msgspec.structs.replace(now, **{field: getattr(before, field) for field in found.silent})


class Mapped:
    """A connector of records, seen through a map. Itself a `Records`."""

    def __init__(self, connector: Records, by: Compiled, connection: Connection) -> None:
        self._connector = connector
        self._by = by
        self._is_document = isinstance(connector, Documents)
        if isinstance(connector, Documents):
            self.writes = by.writes if connector.may_write(connection) else frozenset[Field]()
        else:
            self.writes = connector.writes - by.targets

    async def close(self) -> None:
        """The connector is its process's."""

    def spelled(self, record: Record) -> Record:
        """Written by the map and read by it again; what cannot be written is as it is, and told when it is tried."""
        if not self._is_document:
            own = self._connector.spelled(record)
            return msgspec.structs.replace(own, **{field: getattr(record, field) for field in self._by.targets})
        there: dict[str, Any] = {}
        for field in sorted(self._by.writes):
            try:
                value = self._by.written(field, record)
            except ValueError:
                continue
            made = documents.written([(self._by.outgoing[field].path, value)])
            came = self._by.mapper.apply(made).values
            if value is not None and field in came:
                there[field] = came[field]
        return checked(msgspec.structs.replace(record, **there))

    async def pull(self, pull: Pull, connection: Connection) -> Pulled | Outcome:
        said = await self._connector.pull(pull, connection)
        if not isinstance(said, Pulled):
            return said
        hints = tuple(
            hint if hint.found is None else msgspec.structs.replace(hint, found=read(self._by, hint.found))
            for hint in said.hints
        )
        return msgspec.structs.replace(said, hints=hints)

    async def listed(self, cursor: str, connection: Connection, *, timeout_s: float) -> Listed | Outcome:
        return await self._connector.listed(cursor, connection, timeout_s=timeout_s)

    async def read(self, id: str, connection: Connection, *, timeout_s: float) -> Found | Gone | Outcome:
        said = await self._connector.read(id, connection, timeout_s=timeout_s)
        return read(self._by, said) if isinstance(said, Found) else said

    async def push(self, push: Push, connection: Connection) -> Pushed | Moved | Gone | ReadOnly | Outcome:
        if self._is_document:
            try:
                push = self._by_paths(push)
            except ValueError as error:
                return Rejected(reason=str(error))
        said = await self._connector.push(push, connection)
        return msgspec.structs.replace(said, found=read(self._by, said.found)) if isinstance(said, Pushed) else said

    def _by_paths(self, push: Push) -> Push:
        """The same push in the CRM's own names. Raises ValueError for a value that cannot be said there."""
        fields = [field for field in changed(push.record, push.before) if field in self._by.writes]
        paths = {field: self._by.outgoing[field].path for field in fields}
        return msgspec.structs.replace(
            push,
            values=tuple((paths[field], self._by.written(field, push.record)) for field in fields),
            was=tuple(
                (paths[field], self._by.written(field, push.before))
                for field in fields
                if field not in self._by.only_out
            ),
        )
