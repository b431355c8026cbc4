"""Two people saved one thing: the page on which the second chooses, field by field, without losing either's words."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Response

from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.web import respond
from wedsync.web.shell import Shell

queries = sql.load("wedsync.schedule")


async def last_hand(tx: Tx, table: str, row_id: UUID) -> str:
    """Who changed a row last, as the couple knows them."""
    return await tx.value(queries.last_hand, table, row_id) or "Somebody else"


def page(
    shell: Shell,
    *,
    who: str,
    action: str,
    version: int,
    back: str,
    labels: Mapping[str, str],
    mine: Mapping[str, str],
    theirs: Mapping[str, str],
) -> Response[Any]:
    """Fields both have in the form, as text; those that differ are asked about, the others are sent along."""
    differing = [name for name in labels if mine.get(name, "") != theirs.get(name, "")]
    return respond.html(
        "errors/conflict.html",
        shell,
        code=412,
        who=who,
        action=action,
        version=version,
        fields=[
            {"name": name, "label": labels[name], "theirs": theirs.get(name, ""), "mine": mine.get(name, "")}
            for name in differing
        ],
        kept={name: value for name, value in mine.items() if name not in differing},
        back=back,
    )
