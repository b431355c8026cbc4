"""Two people saved one thing: the page on which the second chooses, field by field, without losing either's words."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response

from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.kit.errors import Refusal
from wedsync.web import respond
from wedsync.web.forms import Form
from wedsync.web.shell import Shell

queries = sql.load("wedsync.web")


class Edited(msgspec.Struct, frozen=True, kw_only=True):
    """What both changed. `path` is where its form goes, `back` the page it stands on.

    `labels` are the form's fields by name; `theirs` is the row as it is now, as the form would post it.
    """

    table: str
    id: UUID
    version: int
    path: str
    back: str
    labels: Mapping[str, str]
    theirs: Mapping[str, str]


def is_asked(refusal: Refusal, form: Form, labels: Mapping[str, str]) -> bool:
    """Whether somebody was quicker with the fields of this form; what is only pressed has nothing to choose."""
    return refusal.status == 412 and any(form.has(name) for name in labels)


async def page(tx: Tx, shell: Shell, form: Form, edited: Edited) -> Response[Any]:
    """Fields that differ are asked about, the others are sent along."""
    mine = {name: form.text(name) for name in edited.labels}
    differing = [name for name in mine if mine[name] != edited.theirs.get(name, "")]
    return respond.html(
        "errors/conflict.html",
        shell,
        code=412,
        who=await tx.value(queries.last_hand, edited.table, edited.id) or "Somebody else",
        action=edited.path,
        version=edited.version,
        fields=[
            {"name": n, "label": edited.labels[n], "theirs": edited.theirs.get(n, ""), "mine": mine[n]}
            for n in differing
        ],
        kept={name: value for name, value in mine.items() if name not in differing},
        back=edited.back,
    )
