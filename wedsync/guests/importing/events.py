"""Names of events in a file's headers, matched with the schedule items of the wedding."""

from collections import Counter
from collections.abc import Sequence

from wedsync.guests.importing.names import fold
from wedsync.guests.importing.values import UnknownEvent

# Headers that speak of the day as a whole.
_WHOLE = frozenset({"", "wedding", "the wedding", "our wedding", "event", "wedding day"})


class Events:
    """Resolves event names. With no events known yet, every name stays as it is written."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._found: dict[str, tuple[str, ...]] = {}
        self._unknown: Counter[str] = Counter()

    def named(self, words: str) -> tuple[str, ...]:
        """The schedule items an answer is for: one, all (the file knows only one answer), or none yet known."""
        found = self._found.get(words)
        if found is None:
            found = self._found[words] = self._resolve(words)
        if not found:
            self._unknown[words] += 1
        return found

    def named_for_meal(self, words: str) -> tuple[str, ...]:
        """As `named`, but a meal for no event in particular stays that: not every item serves one."""
        return ("",) if fold(words) in _WHOLE else self.named(words)

    def unknown(self) -> list[UnknownEvent]:
        """What could not be matched, with how many answers wait for it."""
        return [UnknownEvent(name, count) for name, count in self._unknown.items()]

    def _resolve(self, words: str) -> tuple[str, ...]:
        if not self._names:
            return ("",) if fold(words) in _WHOLE else (words,)
        asked = fold(words)
        exact = tuple(name for name in self._names if fold(name) == asked)
        if exact:
            return exact[:1]
        if asked in _WHOLE:
            return self._names
        parts = set(asked.split())
        alike = [name for name in self._names if parts <= set(fold(name).split()) or set(fold(name).split()) <= parts]
        return tuple(alike) if len(alike) == 1 else ()
