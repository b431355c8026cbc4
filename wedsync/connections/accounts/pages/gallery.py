"""What is connected and what can be; and the way in: the provider's own question, or a form."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post

from wedsync.connections.accounts import connecting, wording
from wedsync.connections.accounts.connecting import Desk
from wedsync.connections.accounts.model import Begun, NewAccount, Offer
from wedsync.connections.accounts.pages.place import Place, entered, paths
from wedsync.connections.manifest import Manifest
from wedsync.kit.actor import Actor
from wedsync.kit.db import Row
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, signed_in
from wedsync.web.shell import Shell

DESCRIBED: Final = "described"
LONG = FieldError("", "is too long", "Shorten it.")


@get(paths(), include_in_schema=False)
async def listed(request: AnyRequest, ctx: Context, desk: Desk, actor: Actor, tenant: UUID) -> Response[str]:
    """The accounts as they are, then every connector with its honest status."""
    titles = {offer.name: offer.title for offer in connecting.offers(desk)}
    async with entered(request, ctx, actor, tenant) as place:
        rows = [
            {
                **dict(row),
                "words": wording.STATES[row["state"]],
                "provider": titles.get(row["connector"], row["connector"]),
            }
            for row in await place.listed()
        ]
        return respond.html(
            "connections/accounts.html",
            place.shell,
            path=place.path,
            accounts=rows,
            offers=[
                (offer, wording.STATUS[offer.status], wording.abilities(offer))
                for offer in connecting.offers(desk, is_couples=not place.is_supplier)
            ],
            may=place.may,
        )


@get(paths("/new/{connector:str}"), include_in_schema=False)
async def new(
    request: AnyRequest, ctx: Context, desk: Desk, actor: Actor, tenant: UUID, connector: str
) -> Response[Any]:
    """What it asks for, before anybody is asked."""
    async with entered(request, ctx, actor, tenant) as place:
        return form_page(place, desk, connector)


@post(paths("/new/{connector:str}"), include_in_schema=False)
async def begin(
    request: AnyRequest, ctx: Context, desk: Desk, actor: Actor, tenant: UUID, connector: str
) -> Response[Any]:
    """To the provider, or tried at once."""
    form = await forms.read(request)
    try:
        begun = await connecting.begin(ctx, desk, signed_in(request, actor), tenant, connector, _given(form))
    except Refusal as refusal:
        if refusal.status not in (402, 409, 422, 503):
            raise
        async with entered(request, ctx, actor, tenant) as place:
            return form_page(place, desk, connector, form=form, refusal=refusal)
    async with entered(request, ctx, actor, tenant) as place:
        return onward(place.shell, place.path, begun, _manifest(desk, connector))


@get(paths("/{connection_id:uuid}/reconnect"), include_in_schema=False)
async def again(
    request: AnyRequest, ctx: Context, desk: Desk, actor: Actor, tenant: UUID, connection_id: UUID
) -> Response[Any]:
    """The same page for an account that is there."""
    async with entered(request, ctx, actor, tenant) as place:
        row = await place.one(connection_id)
        return form_page(place, desk, row["connector"], held=row)


@post(paths("/{connection_id:uuid}/reconnect"), include_in_schema=False)
async def reconnect(
    request: AnyRequest, ctx: Context, desk: Desk, actor: Actor, tenant: UUID, connection_id: UUID
) -> Response[Any]:
    """Its id stays."""
    form = await forms.read(request)
    try:
        begun = await connecting.again(ctx, desk, signed_in(request, actor), connection_id, _given(form))
    except Refusal as refusal:
        if refusal.status not in (409, 422, 503):
            raise
        async with entered(request, ctx, actor, tenant) as place:
            row = await place.one(connection_id)
            return form_page(place, desk, row["connector"], held=row, form=form, refusal=refusal)
    async with entered(request, ctx, actor, tenant) as place:
        return onward(place.shell, place.path, begun, _manifest(desk, begun.connection.connector))


def _own_page(place: Place, rest: str) -> Response[Any]:
    """An API that is described has a page of its own, where a business has its CRMs."""
    return respond.see_other(f"{place.shell.base}/records/{rest}")


def form_page(
    place: Place,
    desk: Desk,
    connector: str,
    *,
    held: Row | None = None,
    form: forms.Form | None = None,
    refusal: Refusal | None = None,
) -> Response[Any]:
    """What the connector asks for; what was given stays in the fields, but a password."""
    offer = _offer(place, desk, connector)
    if offer.way == DESCRIBED:
        return _own_page(place, f"{held['connection_id']}/api" if held else f"new/{connector}")
    labels = {value.name: (value.title, value.description) for value in _manifest(desk, connector).secrets}
    fields = []
    for name in offer.asks:
        title, kind, autocomplete = wording.FIELDS[name]
        label, hint = labels.get(name, (title, ""))
        value = form.text(name) if form is not None and name != "password" else ""
        fields.append({"name": name, "label": label, "hint": hint, "type": kind, "fill": autocomplete, "value": value})
    return respond.html(
        "connections/account_new.html",
        place.shell,
        code=refusal.status if refusal is not None else 200,
        path=place.path,
        action=f"{place.path}/{held['connection_id']}/reconnect" if held else f"{place.path}/new/{connector}",
        offer=offer,
        held=held,
        status=wording.STATUS[offer.status],
        fields=fields,
        title=form.text("title") if form is not None else "",
        refusal=refusal,
        errors=forms.errors_of(refusal) if refusal is not None else {},
        may=place.may,
    )


def onward(shell: Shell, path: str, begun: Begun, manifest: Manifest) -> Response[Any]:
    """Connected: its page. Else a page that goes on to the provider: a form must not lead away from our own."""
    if begun.authorize_url is None:
        return respond.see_other(f"{path}/{begun.connection.id}")
    return respond.html(
        "connections/account_onward.html",
        shell,
        headers={"Refresh": f"0; url={begun.authorize_url}"},
        path=path,
        url=begun.authorize_url,
        provider=manifest.title,
    )


def _given(form: forms.Form) -> NewAccount:
    names = ("title", "username", "password", "address")
    words = {name: FieldError(name, LONG.reason, LONG.fix) for name in names}
    given: NewAccount = forms.checked(NewAccount, {name: form.text(name) for name in names}, words)
    return given


def _offer(place: Place, desk: Desk, connector: str) -> Offer:
    offers = connecting.offers(desk, is_couples=not place.is_supplier)
    found = next((offer for offer in offers if offer.name == connector), None)
    if found is None:
        raise not_found("connector")
    return found


def _manifest(desk: Desk, connector: str) -> Manifest:
    return desk.host.manifests[connector]


ROUTES = (listed, new, begin, again, reconnect)
