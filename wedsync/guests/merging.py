"""Two people change one form: what each changed, put together, and what only they can decide.

A form carries what it showed (`base`). Whatever its reader left alone is taken as it is now, whatever only they changed
is taken from them, and sets of ticks are merged tick by tick. A conflict is one value both have changed to another.
"""

from collections.abc import Mapping

import msgspec

Value = str | list[str]
"""One field's text, or the ticks of a group, sorted."""
Values = Mapping[str, Value]


class Merged(msgspec.Struct, frozen=True):
    """`values` are to be saved; `conflicts` are names that hold mine in `values` and another value now."""

    values: dict[str, Value]
    conflicts: list[str]


def merge(base: Values, mine: Values, now: Values) -> Merged:
    """Merge field by field; a field that is not in the form stays as it is now."""
    values: dict[str, Value] = dict(now)
    conflicts: list[str] = []
    for name, said in mine.items():
        shown, current = base.get(name, now.get(name, "")), now.get(name, "")
        if said in (shown, current):
            continue
        if isinstance(said, list) or isinstance(current, list):
            values[name] = _ticks(_set(shown), _set(said), _set(current))
            continue
        values[name] = said
        if current != shown:
            conflicts.append(name)
    return Merged(values, conflicts)


def changed(before: Values, after: Values) -> set[str]:
    """The names that differ."""
    return {name for name in before.keys() | after.keys() if before.get(name, "") != after.get(name, "")}


def _ticks(shown: set[str], said: set[str], current: set[str]) -> list[str]:
    return sorted((current | (said - shown)) - (shown - said))


def _set(value: Value) -> set[str]:
    return set(value) if isinstance(value, list) else {value} if value else set()
