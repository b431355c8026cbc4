"""Filters of `postgres_changes`, compiled once into closures over a decoded row, and the bindings that hold them.

`column=[not.]op.value`, joined by commas that mean and; values quoted as PostgREST does. Text is compared with what a
column holds in JSON, so `rank=gt.9` compares numbers and `at=gt.2026-05-01` text of one form. A missing column or a
null matches nothing but `is` and `isdistinct`, as in SQL. Patterns come from strangers: `like` is matched without
back-tracking, and `match` takes only expressions that cannot blow up.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

Row = Mapping[str, Any]
Test = Callable[[Row], bool]

FILTER_MAX_CHARS: Final = 2000
IN_MAX_VALUES: Final = 100
CLAUSES_MAX: Final = 20
#: Two repeats over 256 characters are at worst some 30,000 steps, half a millisecond.
PATTERN_MAX_CHARS: Final = 100
PATTERN_SEEN_CHARS: Final = 256
EVENTS: Final = ("*", "INSERT", "UPDATE", "DELETE")

_CLAUSE = re.compile(r"([A-Za-z_][A-Za-z0-9_]{0,62})=(not\.)?([a-z]+)\.(.*)", re.DOTALL)
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_CHARACTER_CLASS = re.compile(r"\[\^?\]?[^\]]*\]")
_BACK_REFERENCE = re.compile(r"\\[1-9]")
_COSTLY_GROUP = re.compile(r"\)[*+{]|\(\?")
_REPEAT = re.compile(r"[*+{]")
_IS_VALUES: Final[Mapping[str, Any]] = {"null": None, "unknown": None, "true": True, "false": False}


class FilterError(ValueError):
    """A binding that can never match as meant; the text is shown to whoever wrote it."""


class Binding(msgspec.Struct, frozen=True):
    """One entry of `postgres_changes`, compiled. `echo` is what the client sent, with its id."""

    id: int
    event: str
    schema: str
    table: str
    filter: str
    test: Test | None
    select: tuple[str, ...]
    echo: dict[str, Any]
    problem: str = ""

    def concerns(self, table: str, op: str) -> bool:
        """Whether table and operation fit, before any look at the row."""
        return (
            not self.problem
            and self.table in ("*", table)
            and self.event in ("*", op)
            and self.schema in ("*", "public")
        )


def bindings(entries: Sequence[Any]) -> list[Binding]:
    """Compile a join's entries in their order, nulls dropped. Equal entries have equal ids in every process."""
    made: list[Binding] = []
    taken: dict[int, bytes] = {}
    for entry in entries:
        if isinstance(entry, dict):
            params = _canonical(entry)
            number = _stable_id(params)
            while taken.setdefault(number, params) != params:
                number = number % 0x7FFFFFFF + 1
            made.append(_binding(entry, number))
    return made


def _canonical(entry: Mapping[str, Any]) -> bytes:
    kept = {key: value for key, value in entry.items() if key != "id" and value is not None}
    return msgspec.json.encode(kept, order="sorted")


def _stable_id(params: bytes) -> int:
    # Non-zero, since the Python client takes 0 for none, and 31 bits, since Kotlin reads an Int.
    return int.from_bytes(hashlib.blake2b(params, digest_size=4).digest(), "big") % 0x7FFFFFFF + 1


def _binding(entry: dict[str, Any], number: int) -> Binding:
    event = str(entry.get("event") or "*").upper()
    text = entry.get("filter") or ""
    select = entry.get("select") or ()
    problem, test = "", None
    try:
        if event not in EVENTS:
            raise FilterError(f"event is one of {', '.join(EVENTS)}, not {event[:20]}")
        test = compile_filter(text)
        select = _columns(select, entry.get("table"))
    except FilterError as cause:
        problem, select = str(cause), ()
    return Binding(
        id=number,
        event=event,
        schema=str(entry.get("schema") or "*"),
        table=str(entry.get("table") or "*"),
        filter=str(text),
        test=test,
        select=select,
        echo={**entry, "id": number},
        problem=problem,
    )


def _columns(select: Any, table: Any) -> tuple[str, ...]:
    if isinstance(select, str):
        select = [part.strip() for part in select.split(",") if part.strip()]
    if not isinstance(select, list | tuple) or not all(isinstance(column, str) for column in select):
        raise FilterError("select is a list of column names")
    if select and table in (None, "", "*"):
        raise FilterError("select needs a table")
    if len(select) > 100:
        raise FilterError("select takes at most 100 columns")
    return tuple(sorted(set(select)))


def compile_filter(text: Any) -> Test | None:
    """The closure for a filter, None for an empty one. Raises FilterError."""
    if not isinstance(text, str) or len(text) > FILTER_MAX_CHARS:
        raise FilterError(f"filter is text of at most {FILTER_MAX_CHARS} characters")
    clauses = _split(text)
    if len(clauses) > CLAUSES_MAX:
        raise FilterError(f"a filter has at most {CLAUSES_MAX} conditions")
    tests = [_clause(part) for part in clauses]
    if sum("match." in part for part in clauses) > 1:
        raise FilterError("a filter holds at most one match or imatch")
    if not tests:
        return None
    if len(tests) == 1:
        return tests[0]
    return lambda row: all(test(row) for test in tests)


def _split(text: str) -> list[str]:
    """Cut at commas outside of quotes and parentheses."""
    parts, start, depth, quoted, at = [], 0, 0, False, 0
    while at < len(text):
        char = text[at]
        if char == "\\" and quoted:
            at += 1
        elif char == '"':
            quoted = not quoted
        elif not quoted:
            depth += {"(": 1, ")": -1}.get(char, 0)
            if char == "," and depth == 0:
                parts.append(text[start:at])
                start = at + 1
        at += 1
    if quoted:
        raise FilterError("a quote in the filter is not closed")
    return [part for part in [*parts, text[start:]] if part.strip()]


def _clause(text: str) -> Test:
    found = _CLAUSE.fullmatch(text.strip())
    if not found:
        raise FilterError(f"a filter is column=op.value, not {text[:60]!r}")
    column, negated, op, value = found.groups()
    make = _OPS.get(op)
    if make is None:
        raise FilterError(f"unknown operator {op!r}; known are {', '.join(sorted(_OPS))}")
    test = make(value)
    knows_null = op in ("is", "isdistinct")

    def matches(row: Row) -> bool:
        held = row.get(column)
        if held is None and (not knows_null or column not in row):
            return False
        return test(held) is not bool(negated)

    return matches


def _unquote(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


def _same(held: Any, value: str) -> bool:
    return _order(held, value) == 0


def _order(held: Any, value: str) -> int | None:
    """-1, 0 or 1 as `held` stands to `value`, read as what `held` is; None where it cannot be read so."""
    other: Any = value
    if isinstance(held, bool):
        other = {"true": True, "t": True, "false": False, "f": False}.get(value.lower())
    elif isinstance(held, int | float):
        try:
            other = float(value) if any(c in value for c in ".eE") else int(value)
        except ValueError:
            other = None
    elif not isinstance(held, str):
        held = msgspec.json.encode(held).decode()
    if other is None:
        return None
    return int(held > other) - int(held < other)


def _compare(accept: Callable[[int], bool]) -> Callable[[str], Callable[[Any], bool]]:
    def make(value: str) -> Callable[[Any], bool]:
        wanted = _unquote(value)

        def test(held: Any) -> bool:
            order = _order(held, wanted)
            return order is not None and accept(order)

        return test

    return make


def _is_distinct(value: str) -> Callable[[Any], bool]:
    wanted = _unquote(value)
    null = value.lower() == "null"
    return lambda held: (held is not None) if null else held is None or not _same(held, wanted)


def _is(value: str) -> Callable[[Any], bool]:
    if value.lower() not in _IS_VALUES:
        raise FilterError("is takes null, true, false or unknown")
    wanted = _IS_VALUES[value.lower()]
    return lambda held: held is wanted


def _in(value: str) -> Callable[[Any], bool]:
    if not (value.startswith("(") and value.endswith(")")):
        raise FilterError("in takes a list in parentheses: status=in.(open,late)")
    wanted = [_unquote(part.strip()) for part in _split(value[1:-1])]
    if len(wanted) > IN_MAX_VALUES:
        raise FilterError(f"in takes at most {IN_MAX_VALUES} values")
    return lambda held: any(_same(held, one) for one in wanted)


def _like(*, fold: bool) -> Callable[[str], Callable[[Any], bool]]:
    def make(value: str) -> Callable[[Any], bool]:
        wanted = _unquote(value).replace("*", "%")
        pattern = _like_tokens(wanted.lower() if fold else wanted)
        return lambda held: isinstance(held, str) and _globs(held.lower() if fold else held, pattern)

    return make


_ANY: Final = "%"
_ONE: Final = "_"


def _like_tokens(pattern: str) -> list[tuple[str, bool]]:
    """Characters with whether they are wild; a backslash makes the next one plain."""
    tokens: list[tuple[str, bool]] = []
    escaped = False
    for char in pattern:
        if char == "\\" and not escaped:
            escaped = True
            continue
        tokens.append((char, not escaped and char in (_ANY, _ONE)))
        escaped = False
    return tokens


def _globs(text: str, pattern: list[tuple[str, bool]]) -> bool:
    """LIKE with one resume point: at worst len(text) x len(pattern) steps, whatever a stranger writes."""
    at = place = 0
    star, resume = -1, 0
    while at < len(text):
        char, wild = pattern[place] if place < len(pattern) else ("", False)
        if wild and char == _ANY:
            star, resume = place, at
            place += 1
        elif (wild and char == _ONE) or (char == text[at]):
            at, place = at + 1, place + 1
        elif star >= 0:
            resume += 1
            at, place = resume, star + 1
        else:
            return False
    return all(wild and char == _ANY for char, wild in pattern[place:])


def _match(*, fold: bool) -> Callable[[str], Callable[[Any], bool]]:
    def make(value: str) -> Callable[[Any], bool]:
        pattern = _unquote(value)
        _refuse_costly(pattern)
        try:
            compiled = re.compile(pattern, re.IGNORECASE if fold else 0)
        except (re.error, OverflowError, RecursionError) as cause:
            raise FilterError(f"the pattern is no regular expression: {cause}") from cause
        return lambda held: isinstance(held, str) and compiled.search(held[:PATTERN_SEEN_CHARS]) is not None

    return make


def _refuse_costly(pattern: str) -> None:
    """Let pass what takes at most PATTERN_SEEN_CHARS squared steps: no repeated group, no look-around, few repeats."""
    if len(pattern) > PATTERN_MAX_CHARS:
        raise FilterError(f"a pattern has at most {PATTERN_MAX_CHARS} characters")
    bare = _CHARACTER_CLASS.sub("x", _ESCAPED.sub("x", pattern))
    repeats_max = 2 if bare.startswith("^") and "|" not in bare else 1
    if _BACK_REFERENCE.search(pattern) or _COSTLY_GROUP.search(bare) or len(_REPEAT.findall(bare)) > repeats_max:
        raise FilterError(
            "a pattern has one repeat (two when it starts with ^), no repeated group, no (? and no back-reference"
        )


_OPS: Final[Mapping[str, Callable[[str], Callable[[Any], bool]]]] = {
    "eq": _compare(lambda order: order == 0),
    "neq": _compare(lambda order: order != 0),
    "lt": _compare(lambda order: order < 0),
    "lte": _compare(lambda order: order <= 0),
    "gt": _compare(lambda order: order > 0),
    "gte": _compare(lambda order: order >= 0),
    "in": _in,
    "is": _is,
    "isdistinct": _is_distinct,
    "like": _like(fold=False),
    "ilike": _like(fold=True),
    "match": _match(fold=False),
    "imatch": _match(fold=True),
}
