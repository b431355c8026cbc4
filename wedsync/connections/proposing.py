"""A hook as a proposal: the source's own map says which value of a body is which field of ours, and of which row.

Beside the fields of its table a map may name: `find` (the row: an id, a title, a name, an e-mail), `item` (of an
answer: the part of the day), `link` (of a supplier's source: which wedding), and `why`. Nothing here writes.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from msgspec import Meta

from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import FieldError, Refusal
from wedsync.kit.mapping import FieldMap, Mapper, Problem, Rule, compile_map
from wedsync.kit.seal import KeyRing
from wedsync.proposals.model import NewProposal, SubjectName
from wedsync.proposals.subjects import SUBJECTS

queries = sql.load("wedsync.connections")
PLACES: Final = ("find", "item", "link", "why")
ANY: Final = "*"
UNSAID: Final = (
    "This hook does not say which of your weddings it is about. Map a value to link, and list its keys under links."
)
SAMPLES_MAX: Final = 60
SAMPLE_CHARACTERS_MAX: Final = 120
RULES_MAX: Final = 30
WHERE: Final = {
    "schedule_items": "Nothing on the schedule",
    "guests": "Nobody on the guest list",
    "rsvps": "No invitation",
    "links": "No supplier",
}


class ProposalMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Bodies of one type (`*` is any) as changes of one table; `adds` proposes a new row where none is found."""

    type: Annotated[str, Meta(min_length=1, max_length=80)] = ANY
    subject: SubjectName
    rules: Annotated[tuple[Rule, ...], Meta(min_length=1, max_length=RULES_MAX)]
    adds: bool = False


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """What a map makes of one body: fields of the table, which row, which wedding; what could not be read."""

    subject: SubjectName
    fields: dict[str, Any]
    find: str = ""
    item: str = ""
    link: str = ""
    why: str = ""
    problems: list[Problem] = []


def compiled(one: ProposalMap, where: str) -> Mapper:
    """Raises Refusal 422 that names every rule that cannot work."""
    known = (*SUBJECTS[one.subject].fields, *PLACES)
    faults = [
        FieldError(f"{where}.rules[{n}].target", "is not a field here", f"One of: {', '.join(known)}.")
        for n, rule in enumerate(one.rules)
        if rule.target not in known
    ]
    if faults:
        raise Refusal(422, "invalid", f"{faults[0].field}: {faults[0].reason}", errors=faults)
    return compile_map(FieldMap(name=where, version=1, rules=one.rules))


def chosen(maps: tuple[ProposalMap, ...], kind: str) -> ProposalMap | None:
    """The first map for bodies of this type."""
    return next((one for one in maps if one.type in (ANY, kind)), None)


def read(one: ProposalMap, body: Any) -> Read:
    """The values of one body; never raises for what it holds."""
    mapped = compiled(one, "proposes").apply(body)
    places = {name: str(mapped.values.pop(name)).strip() for name in PLACES if name in mapped.values}
    return Read(subject=one.subject, fields=mapped.values, problems=mapped.problems, **places)


def check(found: Read) -> None:
    """Raises Refusal 422 for a body that says nothing, or something unreadable."""
    if found.problems:
        told = "; ".join(f"{problem.target}: {problem.reason}" for problem in found.problems[:5])
        raise Refusal(422, "invalid", f"The field map could not read this: {told}")
    if not found.fields:
        raise Refusal(422, "invalid", "None of the mapped fields holds anything. Look at the map and at this hook.")


async def proposal(tx: Tx, ring: KeyRing, wedding_id: UUID, one: ProposalMap, found: Read) -> NewProposal:
    """What is proposed of which row of the entered wedding. Raises Refusal 422."""
    check(found)
    fields, why = dict(found.fields), found.why[:1000]
    if one.subject == "weddings":
        return NewProposal(subject="weddings", fields=fields, why=why)
    row_id = await _row(tx, ring, wedding_id, found)
    if row_id is None:
        if not one.adds or SUBJECTS[one.subject].new is None:
            reason = f"{WHERE[one.subject]} is called {found.find[:100]!r}. Change the map, or what it is called here."
            raise Refusal(422, "invalid", reason)
        fields |= _named(one.subject, fields, found.find)
    return NewProposal(subject=one.subject, subject_id=row_id, fields=fields, why=why)


def _named(subject: str, fields: Mapping[str, Any], find: str) -> dict[str, str]:
    """A new row is called what was looked for, unless it is called something itself."""
    name = "title" if subject == "schedule_items" else "display_name"
    has_name = any(fields.get(part) for part in ("title", "display_name", "first_name", "last_name"))
    return {} if has_name or not find else {name: find}


async def _row(tx: Tx, ring: KeyRing, wedding_id: UUID, found: Read) -> UUID | None:
    """Raises Refusal 422 where several are called so."""
    if found.subject == "links" and not found.find:
        own: UUID | None = await tx.value("select app.link()")
        return own
    if not found.find:
        return None
    indexes: list[bytes] = []
    if "@" in found.find:
        indexes = ring.blinds(found.find, tenant=wedding_id, table="guest_contacts", column="email", form="email")
    rows: list[Row] = await tx.rows(queries.find_row, found.subject, found.find, indexes, found.item)
    if len(rows) > 1:
        raise Refusal(422, "invalid", f"Several are called {found.find[:100]!r}. Map an id instead.")
    return rows[0]["id"] if rows else None


def link_of(links: Mapping[str, UUID], said: str) -> UUID:
    """Which of its weddings a supplier's hook is about: by the link's id, or by a key of the source's `links`.

    Raises Refusal 422.
    """
    if said in links:
        return links[said]
    if not said and len(links) == 1:
        return next(iter(links.values()))
    try:
        return UUID(said)
    except ValueError as error:
        raise Refusal(422, "invalid", UNSAID) from error


def samples(body: Any) -> list[tuple[str, str]]:
    """The values of a body by the path that names each, for whoever makes a map of it."""
    found: list[tuple[str, str]] = []
    _walk(body, "$", found)
    return found


def _walk(node: Any, path: str, found: list[tuple[str, str]]) -> None:
    if len(found) >= SAMPLES_MAX:
        return
    if isinstance(node, Mapping):
        for name, value in node.items():
            # What has dots or brackets in its name cannot be named by a path.
            if isinstance(name, str) and name and not set(name) & set(".[]"):
                _walk(value, f"{path}.{name}", found)
    elif isinstance(node, list):
        for n, value in enumerate(node[:3]):
            _walk(value, f"{path}[{n}]", found)
    else:
        text = "" if node is None else str(node)
        found.append((path, text[:SAMPLE_CHARACTERS_MAX]))
