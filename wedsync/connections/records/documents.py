"""What is kept of a document as a CRM gave it: bounded, and without money and notes. Pure.

A document is a job as its CRM tells it, in the CRM's own names. Of known CRMs a connector offers what it has decoded on
purpose; of one that a supplier has described it is all there is, so what is about money is taken away by its name here,
before anything is kept, shown or mapped.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

DEPTH_MAX: Final = 6
LEAVES_MAX: Final = 400
LIST_MAX: Final = 20
TEXT_MAX: Final = 500
KEY_MAX: Final = 100
VALUE_SHOWN_MAX: Final = 120
MONEY: Final = frozenset(
    {
        *("amount", "balance", "budget", "commission", "cost", "credit", "currency", "deposit", "discount", "earning"),
        *("expense", "fee", "gratuity", "iban", "income", "invoice", "money", "owed", "paid", "payable", "payment"),
        *("payout", "price", "pricing", "profit", "quotation", "quote", "refund", "retainer", "revenue", "salary"),
        *("spend", "subtotal", "tax", "tip", "total", "vat", "worth"),
        *("preis", "betrag", "honorar", "anzahlung", "rechnung", "prix", "montant", "acompte", "facture"),
        *("precio", "importe", "factura", "prezzo", "importo", "fattura"),
    }
)
NOTES: Final = frozenset({"note", "memo", "remark", "secret", "password", "token"})
COUNTED: Final = frozenset({"guest", "people", "person", "attendee", "item", "page", "count", "adult", "child"})
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_PART: Final = re.compile(r"\.([^.\[\]]+)|\[(\d{1,6}|\*)\]")


def kept(document: Mapping[str, Any]) -> dict[str, Any]:
    """As much of it as is kept: text cut, lists and depth bounded, money and notes left out with all below them."""
    room = [LEAVES_MAX]
    found = _pruned(document, DEPTH_MAX, room)
    return found if isinstance(found, dict) else {}


def is_withheld(path: str) -> bool:
    """Whether a path leads to what is never read: one of its names speaks of money or notes."""
    return any(_is_private(part) for part in re.split(r"[.\[\]$]+", path) if part)


def parts_of(path: str) -> tuple[str, ...] | None:
    """`$.client.email` as names, or one exact key; null for what is no single place (a list, a path that breaks)."""
    if not path.startswith("$"):
        return (path,)
    parts: list[str] = []
    at = 1
    while at < len(path):
        match = _PART.match(path, at)
        if match is None or match[1] is None:
            return None
        parts.append(match[1])
        at = match.end()
    return tuple(parts) or None


def at(document: Any, path: str) -> tuple[bool, Any]:
    """(whether there is such a place, what stands there). A place in a list that is shorter is none."""
    if not path.startswith("$"):
        return (True, document[path]) if isinstance(document, Mapping) and path in document else (False, None)
    node = document
    for match in _PART.finditer(path, 1):
        name, index = match.groups()
        if name is not None:
            if not isinstance(node, Mapping) or name not in node:
                return False, None
            node = node[name]
        elif index == "*":
            return (isinstance(node, list), node)
        elif isinstance(node, list) and int(index) < len(node):
            node = node[int(index)]
        else:
            return False, None
    return True, node


def leaves(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Its values by the path that names each, as people are shown them."""
    return list(_leaves(document, "$"))


def unmapped(document: Mapping[str, Any], sources: Sequence[str]) -> list[tuple[str, str]]:
    """What no rule reads."""
    return [(path, value) for path, value in leaves(document) if unmapped_path(path, sources)]


def unmapped_path(path: str, sources: Sequence[str]) -> bool:
    """Whether none of these places is this value's, or holds it."""
    return not any(_holds(source, path) for source in sources)


@lru_cache(maxsize=1024)
def _pattern(source: str) -> re.Pattern[str]:
    whole = source if source.startswith("$") else f"$.{source}"
    return re.compile(re.escape(whole).replace(r"\[\*\]", r"\[\d+\]") + r"(?![^.\[])")


def _holds(source: str, path: str) -> bool:
    return _pattern(source).match(path) is not None


def written(values: Sequence[tuple[Sequence[str], Any]]) -> dict[str, Any]:
    """A document that holds these values and nothing else."""
    made: dict[str, Any] = {}
    for path, value in values:
        node = made
        for name in path[:-1]:
            node = node.setdefault(name, {})
        node[path[-1]] = value
    return made


def _is_private(name: str) -> bool:
    words = [word.lower().removesuffix("s") for word in _WORD.findall(name)] or [name.lower()]
    if set(words) & NOTES:
        return True
    found = {word for word in words if word in MONEY or word.removesuffix("e") in MONEY or f"{word}s" in MONEY}
    return bool(found - {"total"}) or ("total" in found and not set(words) & COUNTED)


def _pruned(node: Any, depth: int, room: list[int]) -> Any:
    if isinstance(node, Mapping):
        return _pruned_names(node, depth, room)
    if isinstance(node, list):
        return [_pruned(one, depth - 1, room) for one in node[:LIST_MAX]] if depth > 0 else None
    room[0] -= 1
    if isinstance(node, str):
        return node.replace("\0", "")[:TEXT_MAX]
    return node if node is None or isinstance(node, bool | int | float) else str(node)[:TEXT_MAX]


def _pruned_names(node: Mapping[Any, Any], depth: int, room: list[int]) -> dict[str, Any] | None:
    if depth <= 0:
        return None
    made: dict[str, Any] = {}
    for name, value in node.items():
        if room[0] <= 0:
            break
        if isinstance(name, str) and name and len(name) <= KEY_MAX and not _is_private(name):
            made[name] = _pruned(value, depth - 1, room)
    return made


def _leaves(node: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping):
        for name, value in node.items():
            # What has dots or brackets in its name cannot be named by a path.
            if not set(name) & set(".[]"):
                yield from _leaves(value, f"{path}.{name}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from _leaves(value, f"{path}[{number}]")
    else:
        text = "" if node is None else str(node)
        yield path, text if len(text) <= VALUE_SHOWN_MAX else text[: VALUE_SHOWN_MAX - 1] + "…"
