"""Whose webhooks a page is about: a couple's below `/me`, a business's below `/studio`, one implementation for both."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from wedsync.kit import clock, sql
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.subscriptions import view, wording
from wedsync.suppliers.shell import supplier_shell
from wedsync.web.context import Context, expected_version
from wedsync.web.forms import AnyRequest, Form, signed_in
from wedsync.web.shell import Shell
from wedsync.weddings.shell import couple_shell

queries = sql.load("wedsync.subscriptions")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One tenant's webhooks, entered. `now` is machine time, by which deliveries are made."""

    tx: Tx
    shell: Shell
    tenant: UUID
    face: wording.Face
    now: datetime

    @property
    def path(self) -> str:
        return f"{self.shell.base}/webhooks"

    async def endpoint(self, endpoint_id: UUID) -> Row:
        """Raises Refusal 404, also for one that was removed."""
        row = await self.tx.row(queries.endpoint, endpoint_id)
        if row is None or row["tenant_id"] != self.tenant:
            raise not_found("endpoint")
        return row

    async def card(self, endpoint_id: UUID) -> dict[str, Any]:
        """One endpoint as pages show it."""
        row = await self.endpoint(endpoint_id)
        (card,) = await view.cards(self.tx, self.tenant, [row], face=self.face, now=self.now)
        return dict(card)


def paths(rest: str = "") -> list[str]:
    """The two addresses of a page."""
    return [f"/me/{{tenant:uuid}}/webhooks{rest}", f"/studio/{{tenant:uuid}}/webhooks{rest}"]


@asynccontextmanager
async def entered(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID) -> AsyncIterator[Place]:
    """Raises Refusal 404 for everybody but the couple, or the owner and admins of a business."""
    is_couple = request.url.path.startswith("/me/")
    async with ctx.door.enter(signed_in(request, actor), tenant) as tx:
        role = await tx.value(queries.my_role)
        if role not in (("couple",) if is_couple else ("owner", "admin")):
            raise not_found("page")
        shell = await (
            couple_shell(request, ctx, tx, tenant, "settings")
            if is_couple
            else supplier_shell(request, ctx, tx, tenant, "webhooks")
        )
        face: wording.Face = "couple" if is_couple else "supplier"
        yield Place(tx=tx, shell=shell, tenant=tenant, face=face, now=clock.machine_now())


def version_of(request: AnyRequest, form: Form) -> int | None:
    """The version a form was drawn from."""
    return expected_version(request.headers.get("if-match")) or form.number("version")


def is_stale(refusal: Refusal) -> bool:
    """Somebody was quicker."""
    return refusal.status == 412
