"""`/studio/start`: the first step of who has no business yet, and the way back for who has one."""

from typing import Any, Final

from litestar import Response, get, post

from wedsync.kit.actor import Actor
from wedsync.kit.errors import FieldError, Refusal
from wedsync.kit.zones import zones
from wedsync.onboarding import actions, model
from wedsync.people.actions import rename
from wedsync.suppliers.model import NewSupplier
from wedsync.web import auth, forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.web.visitor import plain_shell
from wedsync.weddings.model import check_zone

PAGE: Final = "/studio/start"
PLACES: Final = ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
ZONES: Final = [(zone, zone.replace("_", " ")) for zone in sorted(zones()) if zone.partition("/")[0] in PLACES]
WORDS: Final = {
    "name": FieldError("business", "is missing or too long", "Write the name couples know, in up to 300 letters."),
    "time_zone": FieldError("zone", "is not a time zone", "Choose one of the list."),
}


@get(PAGE, include_in_schema=False)
async def show(request: AnyRequest, ctx: Context, actor: Actor) -> Response[Any]:
    """Who keeps one business goes on with it; `?new` begins another."""
    signed_in(request, actor)
    assert actor.id is not None
    async with ctx.door.enter(actor, actor.id) as tx:
        places = await tx.rows("select * from app.places($1)", actor.id)
    kept = [place for place in places if place["kind"] == "supplier" and place["role"] in actions.MANAGERS]
    if kept and "new" not in request.query_params:
        return respond.see_other(f"/studio/{kept[0]['id']}/start")
    return _page(request, actor)


@post(PAGE, include_in_schema=False)
async def begin(request: AnyRequest, ctx: Context, actor: Actor) -> Response[Any]:
    """Register the business, and on to the second step."""
    signed_in(request, actor)
    form = await forms.read(request)
    typed = {"you": form.text("you")[:300], "business": form.text("business"), "zone": form.text("zone")}
    try:
        if not (actor.name or typed["you"]):
            raise forms.wrong(FieldError("you", "is missing", "Tell us your name; your team and couples read it."))
        given = {"name": typed["business"], "category": "other", "time_zone": typed["zone"] or "Europe/London"}
        new = forms.checked(NewSupplier, given, WORDS)
        check_zone(new.time_zone)
        supplier_id = await actions.begin(ctx.door, actor, new)
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        return _page(request, actor, typed=typed, errors=dict(forms.errors_of(refusal)), code=422)
    if typed["you"] and typed["you"] != actor.name:
        await rename(ctx.door, actor, typed["you"])
        if actor.session_id is not None:
            auth.forget(request.app.state.lookups, actor.session_id)
    return respond.see_other(f"/studio/{supplier_id}/start")


def _page(
    request: AnyRequest,
    actor: Actor,
    *,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    code: int = 200,
) -> Response[str]:
    return respond.html(
        "onboarding/begin.html",
        plain_shell(request, actor),
        code=code,
        typed=typed or {"you": actor.name, "business": "", "zone": "Europe/London"},
        is_known=bool(actor.name),
        zones=ZONES,
        steps=model.steps((), ()),
        errors=errors or {},
    )


ROUTES = (show, begin)
