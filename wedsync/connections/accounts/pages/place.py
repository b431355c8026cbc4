"""Whose accounts a page is about: a couple's below `/me`, a business's below `/studio`; members of it look, too."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import msgspec

from wedsync.connections.accounts import actions
from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import not_found
from wedsync.suppliers.shell import supplier_shell
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.web.shell import Shell
from wedsync.weddings.shell import couple_shell

queries = sql.load("wedsync.connections.accounts")
ROLES = ("couple", "owner", "admin", "member")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One tenant's accounts, entered; `role` says what may be offered, the actions decide."""

    tx: Tx
    ctx: Context
    shell: Shell
    tenant: UUID
    role: str

    @property
    def path(self) -> str:
        return f"{self.shell.base}/accounts"

    @property
    def is_supplier(self) -> bool:
        return self.role != "couple"

    @property
    def may(self) -> dict[str, bool]:
        return {"keep": self.role in actions.KEEPERS, "own": self.role in actions.OWNERS}

    async def one(self, connection_id: UUID) -> Row:
        """Raises Refusal 404."""
        for row in await self.tx.rows(queries.reports, self.tenant):
            if row["connection_id"] == connection_id:
                return row
        raise not_found("connection")

    async def listed(self) -> list[Row]:
        return await self.tx.rows(queries.reports, self.tenant)


def paths(rest: str = "") -> list[str]:
    """The two addresses of a page."""
    return [f"/me/{{tenant:uuid}}/accounts{rest}", f"/studio/{{tenant:uuid}}/accounts{rest}"]


@asynccontextmanager
async def entered(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID) -> AsyncIterator[Place]:
    """Raises Refusal 404 for everybody but the couple, or the people of a business."""
    is_couple = request.url.path.startswith("/me/")
    async with ctx.door.enter(signed_in(request, actor), tenant) as tx:
        role = await tx.value(queries.my_role)
        if role not in ROLES or (role == "couple") != is_couple:
            raise not_found("page")
        shell = await (
            couple_shell(request, ctx, tx, tenant, "settings")
            if is_couple
            else supplier_shell(request, ctx, tx, tenant, "accounts")
        )
        yield Place(tx=tx, ctx=ctx, shell=shell, tenant=tenant, role=role)
