"""The frame of a person's own pages: a couple's below `/me`, a business's below `/studio`; they hold the same."""

from uuid import UUID

from wedsync.kit.actor import Actor
from wedsync.suppliers.shell import supplier_shell
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.web.shell import Shell
from wedsync.weddings.shell import couple_shell


def paths(rest: str) -> list[str]:
    """The two addresses of a page."""
    return [f"/me/{{tenant:uuid}}{rest}", f"/studio/{{tenant:uuid}}{rest}"]


def is_couple(request: AnyRequest) -> bool:
    """Whose face the page has."""
    return request.url.path.startswith("/me/")


async def framed(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID) -> Shell:
    """Raises Refusal 401, 403 or 404 for who has no such face."""
    async with ctx.door.enter(signed_in(request, actor), tenant) as tx:
        if is_couple(request):
            return await couple_shell(request, ctx, tx, tenant, "inbox")
        return await supplier_shell(request, ctx, tx, tenant, "inbox")
