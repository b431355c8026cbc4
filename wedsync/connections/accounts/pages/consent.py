"""Where a provider sends a person back to: exactly this address is registered with it, and it names no tenant."""

from litestar import Response, get

from wedsync.connections.accounts import connecting
from wedsync.connections.accounts.connecting import Desk
from wedsync.kit.actor import Actor
from wedsync.web import respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in

PARAMETER_CHARACTERS_MAX = 4096


@get("/connections/{connector:str}/consent", include_in_schema=False)
async def returned(request: AnyRequest, ctx: Context, desk: Desk, actor: Actor, connector: str) -> Response[None]:
    """A code or an error, with the state we gave. The code is used up here and stands on no page of ours."""
    said = {name: request.query_params.get(name, "")[:PARAMETER_CHARACTERS_MAX] for name in ("state", "code", "error")}
    done = await connecting.come_back(ctx, desk, signed_in(request, actor), connector, **said)
    face = "me" if done.is_couple else "studio"
    return respond.see_other(f"/{face}/{done.tenant}/accounts/{done.connection_id}")


ROUTES = (returned,)
