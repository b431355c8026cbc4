"""An event as its subscribers get it: decoded once, rendered once per shape, spliced per group.

The images of a row arrive as JSON text and leave as JSON text: only a filter, a column list or a sealed image makes us
look inside. What differs between groups (their position, their ids) is spliced between bytes that all of them share.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import msgspec

from wedsync.events.audience import Seen, View
from wedsync.events.filters import Binding
from wedsync.events.scope import Scope

NULL: Final = b"null"
#: A row above this is cut to its short columns: the Python client's socket takes no frame above 1 MiB.
ROW_MAX_BYTES: Final = 900_000
SHORT_COLUMN_BYTES: Final = 64

#: (table, record, tenant) -> the record with what was sealed in it, and without `sealed`.
OpenSealed = Callable[[str, dict[str, Any], str], dict[str, Any]]
Row = dict[str, Any]


class Subject(msgspec.Struct, frozen=True, gc=False):
    """The changed row."""

    table: str = ""
    id: str = ""


class LiveEvent(msgspec.Struct, frozen=True, gc=False):
    """An event, or the word that there are some (`wake`), as it comes through the feed or from the log."""

    stream: str
    epoch: int
    seq: int
    wake: bool = False
    id: str = ""
    type: str = ""
    scope: int = 0
    link_id: str | None = None
    membership_id: str | None = None
    subject: Subject = Subject()
    op: str = ""
    record: msgspec.Raw = msgspec.Raw(NULL)
    old_record: msgspec.Raw = msgspec.Raw(NULL)
    actor: msgspec.Raw = msgspec.Raw(NULL)
    bulk: bool = False
    occurred_at: str = ""

    @property
    def tenant(self) -> str:
        return self.stream.partition(":")[2]

    @property
    def size(self) -> int:
        """About how many bytes it holds."""
        return len(memoryview(self.record)) + len(memoryview(self.old_record)) + 400

    @property
    def seconds(self) -> float:
        """When it occurred, in seconds since 1970; 0 where that cannot be read."""
        try:
            return datetime.fromisoformat(self.occurred_at).timestamp()
        except ValueError:
            return 0.0

    @property
    def seen(self) -> Seen:
        return Seen(self.scope, self.link_id, self.membership_id)


_event = msgspec.json.Decoder(LiveEvent)
_events = msgspec.json.Decoder(list[LiveEvent])
_row = msgspec.json.Decoder(dict[str, Any])


def read_event(text: str | bytes) -> LiveEvent:
    """One event of the log."""
    return _event.decode(text)


def read_nudge(payload: bytes) -> list[LiveEvent]:
    """The events of one message of the feed. Raises msgspec.DecodeError."""
    return _events.decode(payload)


class Rendering:
    """One event with everything that was worked out for it, kept while it is sent and dropped after."""

    def __init__(self, event: LiveEvent, *, columns: Mapping[str, bytes], open_sealed: OpenSealed | None) -> None:
        self.event = event
        self.seen = event.seen
        self.before = _moved_from(event, self.seen)
        self._columns = columns
        self._open = open_sealed
        self._rows: dict[tuple[bool, bool], Row | None] = {}
        self._texts: dict[tuple[bool, bool], bytes] = {}
        self._changes: dict[tuple[View, bool, tuple[str, ...]], tuple[bytes, bytes]] = {}
        self._casts: dict[tuple[View, bool], tuple[bytes, bytes]] = {}
        self._tests: dict[tuple[str, View, bool], bool] = {}

    def op(self, view: View) -> str:
        """What the change is for who meets it so."""
        if view is View.WHOLE:
            return self.event.op
        return "INSERT" if view is View.APPEARS else "DELETE"

    def row(self, *, old: bool, opened: bool) -> Row | None:
        """An image as a dict: sealed values opened, or left out."""
        key = (old, opened)
        if key not in self._rows:
            raw = bytes(self.event.old_record if old else self.event.record)
            row: Row | None = None if raw == NULL else _row.decode(raw)
            if row is not None and "sealed" in row:
                row = self._unsealed(row, opened=opened)
            self._rows[key] = row
        return self._rows[key]

    def _unsealed(self, row: Row, *, opened: bool) -> Row:
        if opened and self._open is not None and row["sealed"] is not None:
            row = self._open(self.event.subject.table, dict(row), self.event.tenant)
        return {name: value for name, value in row.items() if name != "sealed"}

    def text(self, *, old: bool, opened: bool) -> bytes:
        """An image as JSON text, untouched where nothing is sealed in it."""
        key = (old, opened)
        if key not in self._texts:
            raw = bytes(self.event.old_record if old else self.event.record)
            if b'"sealed"' in raw:
                raw = msgspec.json.encode(self.row(old=old, opened=opened))
            self._texts[key] = raw
        return self._texts[key]

    def passes(self, binding: Binding, view: View, *, opened: bool) -> bool:
        """Whether a binding's filter lets the row pass; worked out once for all bindings of the same words."""
        if binding.test is None:
            return True
        key = (binding.filter, view, opened)
        if key not in self._tests:
            old = self.op(view) == "DELETE"
            row = self.row(old=old, opened=opened)
            self._tests[key] = row is not None and binding.test(row)
        return self._tests[key]

    def change(self, view: View, select: tuple[str, ...], *, opened: bool) -> tuple[bytes, bytes]:
        """The `data` of postgres_changes around the position: what stands before it and after it."""
        key = (view, opened, select)
        made = self._changes.get(key)
        if made is None:
            made = self._changes[key] = self._change(view, select, opened=opened)
        return made

    def _change(self, view: View, select: tuple[str, ...], *, opened: bool) -> tuple[bytes, bytes]:
        event, op = self.event, self.op(view)
        record, old, errors = self._images(view, opened=opened)
        if select:
            record, old = _pick(record, select), _pick(old, select)
        columns = self._columns.get(event.subject.table)
        if columns is None or select:
            columns = _guess_columns(record if op != "DELETE" else old)
        head = b'"data":{"schema":"public","table":%s,"commit_timestamp":"%s","type":"%s","errors":%s,"columns":%s,' % (
            _quote(event.subject.table),
            _to_ms(event.occurred_at).encode(),
            op.encode(),
            errors,
            columns,
        )
        if op == "DELETE":
            return head + b'"old_record":{"rev":"', _after_first(old) + b"}}"
        tail = _after_first(record)
        if op == "UPDATE":
            tail += b',"old_record":' + old
        return head + b'"record":{"rev":"', tail + b"}}"

    def _images(self, view: View, *, opened: bool) -> tuple[bytes, bytes, bytes]:
        """Record, old record (never null for UPDATE and DELETE) and errors."""
        if view is View.VANISHES:
            return NULL, self.key(), NULL
        record = self.text(old=False, opened=opened)
        old = NULL if view is View.APPEARS else self.text(old=True, opened=opened)
        errors = NULL
        if len(record) + len(old) > ROW_MAX_BYTES:
            record, old, errors = _short(record), _short(old), b'["Error 413: Payload Too Large"]'
        # An erased event has no images; what is left of an image is never null but for the one that op leaves out.
        return self.key() if record == NULL else record, self.key() if old == NULL else old, errors

    def key(self) -> bytes:
        """The row's primary key as an image: a home's id and its own."""
        return key_of(self.event.stream, self.event.subject.id)

    def cast(self, view: View, *, opened: bool) -> tuple[bytes, bytes]:
        """The broadcast's payload around the previous number: what stands before it and after it."""
        key = (view, opened)
        if key not in self._casts:
            self._casts[key] = self._cast(view, opened=opened)
        return self._casts[key]

    def _cast(self, view: View, *, opened: bool) -> tuple[bytes, bytes]:
        event, op = self.event, self.op(view)
        record, old, _ = self._images(view, opened=opened)
        if op == "DELETE":
            record = NULL
        elif op == "INSERT":
            old = NULL
        before = (
            b'{"type":"broadcast","event":%s,"payload":{"id":%s,"type":%s,"scope":%s,"subject":{"table":%s,"id":%s},"op":"%s",'
            b'"record":%s,"old_record":%s,"actor":%s,"stream":%s,"epoch":%d,"sequence":%d,"previous_sequence":'
        ) % (
            _quote(event.type),
            _quote(event.id),
            _quote(event.type),
            _scope_name(event.scope),
            _quote(event.subject.table),
            _quote(event.subject.id),
            op.encode(),
            record,
            old,
            bytes(event.actor),
            _quote(event.stream),
            event.epoch,
            event.seq,
        )
        return before, b',"occurred_at":%s},"meta":{"id":"' % _quote(event.occurred_at)


def key_of(stream: str, row_id: str) -> bytes:
    """A row's primary key as JSON: its home and its id."""
    kind, _, tenant = stream.partition(":")
    home = {"wedding": "wedding_id", "supplier": "supplier_id", "person": "person_id"}.get(kind)
    return msgspec.json.encode({"id": row_id} if home is None else {"id": row_id, home: tenant})


def _moved_from(event: LiveEvent, seen: Seen) -> Seen | None:
    """Who saw the row before an UPDATE, where a link or a membership decides and may have changed; else None."""
    if event.op != "UPDATE":
        return None
    old = bytes(event.old_record)
    if b'"link_id"' not in old and b'"membership_id"' not in old:
        return None
    before, now = _row.decode(old), _row.decode(event.record)
    link = _decider(before, now, "link_id", event.link_id)
    membership = _decider(before, now, "membership_id", event.membership_id)
    moved = Seen(event.scope, link, membership)
    return None if moved == seen else moved


def _decider(before: Row, now: Row, column: str, decides: str | None) -> str | None:
    """The old value of the column that decides who sees the row; a column of that name may mean something else."""
    if now.get(column) != decides:
        return decides
    return before.get(column)


def _quote(text: str) -> bytes:
    return msgspec.json.encode(text)


@lru_cache(maxsize=64)
def _scope_name(scope: int) -> bytes:
    return msgspec.json.encode(",".join(Scope(scope & 2047).names()))


def _to_ms(at: str) -> str:
    """An instant with three decimals and Z, as clients parse it."""
    if len(at) == 24 and at[-1] == "Z":
        return at
    try:
        moment = datetime.fromisoformat(at).astimezone(UTC)
    except ValueError:
        return at
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _after_first(image: bytes) -> bytes:
    """What follows the opened brace and a first member that was put in: `","` and the rest, or the end."""
    rest = image.strip()[1:].lstrip()
    return b'"' + rest if rest == b"}" else b'",' + rest


def _pick(image: bytes, select: tuple[str, ...]) -> bytes:
    if image == NULL:
        return image
    row = _row.decode(image)
    return msgspec.json.encode({name: value for name, value in row.items() if name in select or name == "id"})


def _short(image: bytes) -> bytes:
    if image == NULL:
        return image
    row = _row.decode(image)
    return msgspec.json.encode(
        {name: value for name, value in row.items() if len(msgspec.json.encode(value)) <= SHORT_COLUMN_BYTES}
    )


def encode_columns(columns: Sequence[tuple[str, str]]) -> bytes:
    """The `columns` of a table as clients read them; `sealed` never leaves."""
    return msgspec.json.encode([{"name": name, "type": kind} for name, kind in columns if name != "sealed"])


def _guess_columns(image: bytes) -> bytes:
    """Columns of a table the catalogue did not name, by what they hold."""
    if image == NULL:
        return b"[]"
    return encode_columns([(name, _guess(value)) for name, value in _row.decode(image).items()])


def _guess(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int8"
    if isinstance(value, float):
        return "float8"
    return "jsonb" if isinstance(value, dict | list) else "text"
