"""Pages of security: who looked at what, for the couple; what was refused, for a couple and for a business's owner."""

from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get

from wedsync.kit import clock
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.operations import security
from wedsync.operations.openings import actions as opened
from wedsync.operations.openings.model import PARTS
from wedsync.operations.security import queries
from wedsync.suppliers.shell import supplier_shell
from wedsync.web import respond
from wedsync.web.context import Context, from_time_cursor, invalid, time_cursor
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.web.shell import Shell
from wedsync.weddings.shell import couple_shell

PAGE: Final = 50
DAYS: Final = 90


@get("/me/{wedding_id:uuid}/access", include_in_schema=False)
async def access(request: AnyRequest, ctx: Context, actor: Actor, wedding_id: UUID) -> Response[str]:
    """Per supplier: which kinds of data, when last, how often."""
    now = clock.machine_now()
    since = now - timedelta(days=DAYS)
    async with ctx.door.enter(signed_in(request, actor), wedding_id) as tx:
        shell = await couple_shell(request, ctx, tx, wedding_id, "suppliers")
        cards = security.cards(await security.looks(tx, wedding_id, since))
        quiet = await tx.rows(queries.never_looked, wedding_id, since)
        openings = await opened.listed(tx)
    return respond.html(
        "operations/access.html",
        shell,
        cards=cards,
        openings=openings,
        parts=PARTS,
        quiet=[row["supplier_name"] for row in quiet],
        days=DAYS,
        now=now,
    )


@get(["/me/{tenant:uuid}/security", "/studio/{tenant:uuid}/security"], include_in_schema=False)
async def events(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID) -> Response[str]:
    """What was refused, newest first."""
    asked = {name: request.query_params.get(name, "") for name in ("kind", "after")}
    tabs = {key: kinds for key, _, kinds in security.TABS}
    if asked["kind"] not in tabs:
        raise invalid("kind", "is not one of the tabs")
    after = from_time_cursor(asked["after"], field="after")
    async with ctx.door.enter(signed_in(request, actor), tenant) as tx:
        shell = await _shell(request, ctx, tx, tenant)
        found = await security.events(tx, tenant, tabs[asked["kind"]], after, PAGE + 1)
    here = f"{shell.base}/security"
    last = found[PAGE - 1] if len(found) > PAGE else None
    return respond.html(
        "operations/security.html",
        shell,
        events=[security.line(one) for one in found[:PAGE]],
        kind=asked["kind"],
        tabs=[(key, words, _address(here, kind=key), None) for key, words, _ in security.TABS],
        before=_address(here, kind=asked["kind"]) if asked["after"] else None,
        after=_address(here, kind=asked["kind"], after=time_cursor(last.at, last.id)) if last else None,
        now=clock.machine_now(),
    )


async def _shell(request: AnyRequest, ctx: Context, tx: Tx, tenant: UUID) -> Shell:
    if request.url.path.startswith("/me/"):
        return await couple_shell(request, ctx, tx, tenant, "settings")
    return await supplier_shell(request, ctx, tx, tenant, "security")


def _address(path: str, **fields: Any) -> str:
    query = urlencode({name: value for name, value in fields.items() if value})
    return f"{path}?{query}" if query else path


ROUTES = (access, events)
