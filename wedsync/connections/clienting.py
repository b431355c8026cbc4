"""What a supplier's hook says of a client: a body as one row of a client list, brought in as an import brings it in.

The same words, checks and duplicates as for lists: a body that is about somebody there changes them, one that may be
about somebody there is left to a person. What is about money, and notes, is taken away before anything is read.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from wedsync.clients import actions as clients
from wedsync.clients.importing import actions, plan
from wedsync.clients.importing.desk import country_of
from wedsync.clients.importing.values import Choices, DateOrder, Plan
from wedsync.clients.importing.vocabulary import TARGETS
from wedsync.clients.model import Stage
from wedsync.connections.records import documents
from wedsync.guests.importing.sheet import Sheet
from wedsync.kit.db import Tx
from wedsync.kit.errors import FieldError, Refusal
from wedsync.kit.seal import KeyRing

SOURCE: Final = "zapier_hook"
"""What clients that came by hooks are from; their numbers are compared among these."""
COLUMNS_MAX: Final = 60
POSSIBLE: Final = "It may be about a client who is here already. Bring it in by hand, or send its number or e-mail."


class ClientMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which bodies of a supplier's source are clients, and which value is which field.

    `columns`: by the path of a value (`$.client.email`) what it is, as in an import of clients; without any it is
    guessed from the names of the values. `stage` is of whoever a body gives none, `differing` whose value stays.
    """

    type: Annotated[str, Meta(max_length=200)] = "*"
    columns: Annotated[dict[Annotated[str, Meta(max_length=200)], str], Meta(max_length=COLUMNS_MAX)] = {}
    dates: DateOrder = ""
    stage: Stage = "booked"
    differing: Literal["theirs", "ours"] = "theirs"

    def is_for(self, kind: str) -> bool:
        return self.type in ("*", kind)


class ClientRead(msgspec.Struct, frozen=True, kw_only=True):
    """What a body is as a client."""

    couple_names: str
    wedding_on: str
    stage: str
    external_id: str


def check(one: ClientMap, field: str) -> None:
    """Raises Refusal 422 for what is no field of a client."""
    for path, target in one.columns.items():
        if target not in TARGETS:
            reason, fix = f"says {target!r}, which is no field of a client", f"Choose one of {', '.join(TARGETS)}."
            raise Refusal(422, "invalid", f"{field}: {reason}", errors=[FieldError(f"{field}.{path}", reason, fix)])
        if _name(path) == "id":
            # A second body with the same id is a repeat, so no change of the job would ever be taken.
            reason, fix = (
                "tells repeats of a body apart",
                "Send the job's own number under another name, such as job_id.",
            )
            raise Refusal(422, "invalid", f"{field}: {reason}", errors=[FieldError(f"{field}.{path}", reason, fix)])


def read(one: ClientMap, said: Any, country: str) -> Plan:
    """The one client of a body. Raises Refusal 422 that says what cannot be read."""
    values = dict(documents.leaves(documents.kept(said))) if isinstance(said, Mapping) else {}
    chosen = {_name(path): target for path, target in one.columns.items()}
    cells = {_name(path): value for path, value in values.items()}
    if chosen:
        cells = {name: value for name, value in cells.items() if name in chosen}
    if not cells:
        raise Refusal(422, "invalid", "Nothing of a client is at the places that the map names. Look at its paths.")
    sheet = Sheet(
        filename="",
        kind="csv",
        encoding="utf-8",
        delimiter=",",
        name="",
        title="",
        headers=list(cells),
        rows=[list(cells.values())],
        numbers=[1],
        notes=[],
        faults=[],
    )
    found = plan.of_sheet(sheet, _choices(one, {name: chosen[name] for name in cells if name in chosen}), country).plan
    if not found.clients:
        why = "; ".join(f"{issue.column}: {issue.reason}" for issue in found.errors) or "; ".join(found.notes)
        raise Refusal(422, "invalid", f"This is no client: {why or 'nothing in it can be read.'}")
    found.source = SOURCE
    return found


async def take(tx: Tx, ring: KeyRing, one: ClientMap, said: Any) -> tuple[str, str]:
    """Made, changed or left: (how it ended, why). Raises Refusal 422."""
    found = read(one, said, country_of((await clients.managed(tx))["time_zone"]))
    (step,) = (await actions.take(tx, ring, found, _choices(one, {}))).steps
    if step.op == "possible":
        return "ignored", POSSIBLE
    return ("applied", "") if step.op in ("new", "update") else ("ignored", "Everything it says is so already.")


def shown(one: ClientMap, said: Any) -> ClientRead:
    """For a preview. Raises Refusal 422."""
    (client,) = read(one, said, "").clients
    return ClientRead(
        couple_names=client.details.couple_names,
        wedding_on=client.wedding_on.isoformat() if client.wedding_on else "",
        stage=client.stage or one.stage,
        external_id=client.external_id,
    )


def _choices(one: ClientMap, columns: Mapping[str, str]) -> Choices:
    return Choices(columns=columns, dates=one.dates, stage=one.stage, differing=one.differing)


def _name(path: str) -> str:
    return path.removeprefix("$.")
