"""Whose sources a page is about: a couple's below `/me`, a business's below `/studio`, one implementation for both."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import msgspec

from wedsync.connections import model
from wedsync.connections.shown import connection_of
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Tx
from wedsync.kit.errors import not_found
from wedsync.suppliers.shell import supplier_shell
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.web.shell import Shell
from wedsync.weddings.shell import couple_shell

queries = sql.load("wedsync.connections")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One tenant's sources, entered."""

    tx: Tx
    ctx: Context
    shell: Shell
    tenant: UUID
    is_couple: bool

    @property
    def path(self) -> str:
        return f"{self.shell.base}/connections"

    async def source(self, connection_id: UUID) -> model.Connection:
        """Raises Refusal 404, also for one that was removed and for an account, which has pages of its own."""
        found = connection_of(self.ctx.settings.public_url, await self.tx.row(queries.connection, connection_id))
        if found.tenant_id != self.tenant or found.state is not None:
            raise not_found("connection")
        return found


def paths(rest: str = "") -> list[str]:
    """The two addresses of a page."""
    return [f"/me/{{tenant:uuid}}/connections{rest}", f"/studio/{{tenant:uuid}}/connections{rest}"]


@asynccontextmanager
async def entered(
    request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, *, here: str = "connections"
) -> AsyncIterator[Place]:
    """Raises Refusal 404 but for the couple, or the owner and admins of a business, whose section is `here`."""
    is_couple = request.url.path.startswith("/me/")
    async with ctx.door.enter(signed_in(request, actor), tenant) as tx:
        if await tx.value(queries.my_role) not in (("couple",) if is_couple else ("owner", "admin")):
            raise not_found("page")
        shell = await (
            couple_shell(request, ctx, tx, tenant, "settings")
            if is_couple
            else supplier_shell(request, ctx, tx, tenant, here)
        )
        yield Place(tx=tx, ctx=ctx, shell=shell, tenant=tenant, is_couple=is_couple)
