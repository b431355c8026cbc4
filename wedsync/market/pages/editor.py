"""The studio's editor of the public page: what stands on it, its address, a look at it before anybody else has one."""

from typing import Any, Final
from uuid import UUID, uuid4

from litestar import Response, get, post

from wedsync.kit.actor import Actor
from wedsync.kit.errors import FieldError, Refusal
from wedsync.market import actions, model, reading
from wedsync.market.model import LINKS_MAX, NewListing
from wedsync.market.pages.public import page
from wedsync.suppliers.model import trade
from wedsync.suppliers.shell import supplier_shell
from wedsync.web import forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest, Form, signed_in

PAGE: Final = "/studio/{supplier_id:uuid}/page"
BODY_BYTES_MAX: Final = 128 * 1024
EMPTY_ROWS: Final = 2
"""For links to add, below those there are."""
LONG: Final = "is too long"
WORDS: Final = {
    **{name: FieldError(name, LONG, "Shorten it.") for name in ("slug", "tagline", "place", "about")},
    "portfolio": FieldError("work_title", "are too many or too long", f"Keep the best {LINKS_MAX}, in a few words."),
    "title": FieldError("work_title", "are not all named shortly", "Give each link a name of at most 120 letters."),
    "url": FieldError("work_url", LONG, "Use a shorter address."),
}


@get(PAGE, include_in_schema=False)
async def edit(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[str]:
    """The form, with a free address where there is no page yet."""
    return await _form(request, ctx, actor, supplier_id)


@post(PAGE, include_in_schema=False, request_max_body_size=BODY_BYTES_MAX)
async def save(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[Any]:
    """Back to the form, with what is wrong or with what is saved."""
    form = await forms.read(request)
    try:
        new = _given(form)
        async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
            await actions.put_listing(tx, new, version=form.number("version"))
    except Refusal as refusal:
        if refusal.status not in (409, 412, 422):
            raise
        return await _form(request, ctx, actor, supplier_id, refusal=refusal, form=form)
    return respond.see_other(f"/studio/{supplier_id}/page?saved=1")


@post(f"{PAGE}/preview", include_in_schema=False, status_code=200, request_max_body_size=BODY_BYTES_MAX)
async def preview(request: AnyRequest, ctx: Context, actor: Actor, supplier_id: UUID) -> Response[str]:
    """The page as the form has it; nothing is kept, and nobody else sees it."""
    form = await forms.read(request)
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        home = await actions.managed(tx)
    try:
        fields = model.settle(_given(form))
    except Refusal as refusal:
        return await _form(request, ctx, actor, supplier_id, refusal=refusal, form=form)
    listing = {**fields, "name": home["name"], "category": home["category"]}
    return page(request, actor, listing, form_key=uuid4(), back=f"/studio/{supplier_id}/page")


async def _form(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    supplier_id: UUID,
    *,
    refusal: Refusal | None = None,
    form: Form | None = None,
) -> Response[str]:
    async with ctx.door.enter(signed_in(request, actor), supplier_id) as tx:
        shell = await supplier_shell(request, ctx, tx, supplier_id, "enquiries")
        home = await actions.home(tx)
        kept = await reading.listing(tx, ctx.settings.public_url)
        suggested = "" if kept else await reading.suggested_slug(tx, home["name"])
    typed = _typed(form) if form else _stored(kept, suggested)
    return respond.html(
        "market/editor.html",
        shell,
        code=refusal.status if refusal else 200,
        kept=kept,
        typed=typed,
        errors=_errors(refusal),
        is_stale=refusal is not None and refusal.status == 412,
        is_saved="saved" in request.query_params and refusal is None,
        may_manage=home["role"] in actions.MANAGERS,
        business={"name": home["name"], "category": trade(home["category"])},
        host=ctx.settings.public_url.partition("://")[2],
    )


def _stored(kept: model.ListingView | None, suggested: str) -> dict[str, Any]:
    """The page there is; of none, an empty one that is yet to be published."""
    works = [(work.title, work.url) for work in kept.portfolio] if kept else []
    return {
        "slug": kept.slug if kept else suggested,
        "tagline": kept.tagline if kept else "",
        "place": kept.place if kept else "",
        "about": kept.about if kept else "",
        "is_published": kept is not None and kept.is_published,
        "takes_enquiries": kept is None or kept.takes_enquiries,
        "works": _rows(works),
    }


def _typed(form: Form) -> dict[str, Any]:
    words = {name: form.text(name) for name in ("slug", "tagline", "place", "about")}
    switches = {name: form.on(name) for name in ("is_published", "takes_enquiries")}
    return {**words, **switches, "works": _rows(_works(form))}


def _rows(works: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [*works, *[("", "")] * EMPTY_ROWS][:LINKS_MAX]


def _works(form: Form) -> list[tuple[str, str]]:
    """Rows with something in them; a link without a name is called by its address."""
    rows = zip(form.many("work_title"), form.many("work_url"), strict=False)
    return [(title, url) for title, url in rows if title or url]


def _given(form: Form) -> NewListing:
    """Raises Refusal 422 by the names of the form's fields."""
    typed = _typed(form)
    works = [{"title": title or url[:120], "url": _https(url)} for title, url in _works(form)]
    words = {name: typed[name] for name in ("slug", "tagline", "place", "about", "is_published", "takes_enquiries")}
    return forms.checked(NewListing, {**words, "portfolio": works}, WORDS)


def _https(url: str) -> str:
    """People leave it out."""
    return url if not url or "://" in url else f"https://{url}"


def _errors(refusal: Refusal | None) -> dict[str, str]:
    """By field; what is wrong with any of the links stands above them all."""
    if refusal is None:
        return {}
    errors = dict(forms.errors_of(refusal))
    links = [words for field, words in errors.items() if field.startswith(("portfolio.", "work_"))]
    kept = {field: words for field, words in errors.items() if not field.startswith(("portfolio.", "work_"))}
    return {**kept, **({"works": links[0]} if links else {})}


ROUTES = (edit, save, preview)
