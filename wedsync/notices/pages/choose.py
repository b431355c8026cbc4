"""How one wants to be told: by which channel, of what, when not; and what a couple chooses for everybody else."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.kit import sql
from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal
from wedsync.kit.zones import zones
from wedsync.notices import choosing, telling
from wedsync.notices.pages.place import framed, is_couple, paths
from wedsync.notices.preferences import CATEGORIES, DEFAULTS, Choices, How, channel_words
from wedsync.notices.wording.tongues import shipped
from wedsync.web import forms, respond
from wedsync.web.context import Context, person_of
from wedsync.web.forms import AnyRequest, Form
from wedsync.web.shell import Shell

queries = sql.load("wedsync.notices")
OFFERED: Final = tuple(telling.CHANNELS)
HOWS: Final[tuple[tuple[How, str], ...]] = (("now", "At once"), ("digest", "Once a day"), ("off", "Not at all"))
CHOSEN: Final[Mapping[str, How]] = {how: how for how, _ in HOWS}


@get(paths("/preferences"), include_in_schema=False)
async def form(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID) -> Response[str]:
    """As it is chosen now."""
    shell = await framed(request, ctx, actor, tenant)
    said = {"saved": "Saved. It holds from the next notice on."}.get(request.query_params.get("said", ""), "")
    return await _page(request, ctx, actor, tenant, shell, said=said)


async def _page(
    request: AnyRequest,
    ctx: Context,
    actor: Actor,
    tenant: UUID,
    shell: Shell,
    *,
    said: str = "",
    posted: Form | None = None,
    errors: Mapping[str, str] | None = None,
) -> Response[str]:
    person, couple = person_of(actor), is_couple(request)
    async with ctx.door.enter(actor, tenant) as tx:
        everybody = await choosing.read_wedding(tx, tenant) if couple else None
        known = await tx.rows(queries.weddings_of, tenant)
    async with ctx.door.enter(actor, person) as tx:
        own = await choosing.read(tx, person, OFFERED)
    quiet = own.quiet
    return respond.html(
        "notices/preferences.html",
        shell,
        code=422 if errors else 200,
        said=said,
        errors=errors or {},
        version=own.version,
        channels=[(c, channel_words(c), own.channels.get(c, c in DEFAULTS)) for c in OFFERED],
        kinds=_kinds(own.choices),
        everybody=None if everybody is None else {"version": everybody.version, "kinds": _kinds(everybody.choices)},
        weddings=[(str(r["id"]), r["words"], own.weddings.get(str(r["id"]), "")) for r in known],
        hows=HOWS,
        zone=posted.text("zone") if posted else own.zone or "",
        zones=sorted(z for z in zones() if "/" in z and not z.startswith(("Etc/", "posix", "right"))),
        is_quiet=posted.on("quiet") if posted else quiet is not None,
        quiet_from=posted.text("quiet_from") if posted else quiet.from_ if quiet else "22:00",
        quiet_until=posted.text("quiet_until") if posted else quiet.until if quiet else "07:00",
        digest_at=posted.text("digest_at") if posted else own.digest_at,
        locale=posted.text("locale") if posted else own.locale or "",
        locales=[(locale, one.name) for locale, one in shipped().items()],
    )


def _kinds(choices: Choices) -> list[dict[str, Any]]:
    """Each kind of notice with what is chosen on each channel; what is always sent has nothing to choose."""
    return [
        {
            "key": c.key,
            "words": c.words,
            "hint": c.hint,
            "by": [(ch, channel_words(ch), choices.get(c.key, {}).get(ch, "")) for ch in OFFERED],
        }
        for c in CATEGORIES
        if not c.is_mandatory
    ]


@post(paths("/preferences"), include_in_schema=False)
async def save(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID) -> Response[Any]:
    """All of the form at once; the form again where something is not right."""
    posted = await forms.read(request)
    shell = await framed(request, ctx, actor, tenant)
    person = person_of(actor)
    try:
        wanted = forms.checked(choosing.PreferencesChange, _fields(posted), {})
        async with ctx.door.enter(actor, person) as tx:
            await choosing.change(tx, person, wanted, OFFERED, version=posted.number("version"))
    except Refusal as refusal:
        if refusal.status not in (412, 422):
            raise
        errors = {e.field.split(".")[0]: f"{e.reason}. {e.fix}".strip() for e in refusal.errors}
        errors = errors or {"form": refusal.detail}
        return await _page(request, ctx, actor, tenant, shell, posted=posted, errors=errors)
    return respond.see_other(f"{shell.base}/preferences?said=saved")


def _fields(posted: Form) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "channels": {channel: posted.on(f"channel.{channel}") for channel in OFFERED},
        "choices": _choices(posted),
        "weddings": {
            key.removeprefix("wedding."): CHOSEN.get(value)
            for key, value in posted.items()
            if key.startswith("wedding.")
        },
        "zone": posted.text("zone") or None,
        "quiet": None,
        "digest_at": posted.text("digest_at"),
        "locale": posted.text("locale") or None,
    }
    if posted.on("quiet"):
        fields["quiet"] = {"from": posted.text("quiet_from"), "until": posted.text("quiet_until")}
    return fields


def _choices(posted: Form) -> dict[str, dict[str, How | None]]:
    named: Sequence[tuple[str, str]] = [(c.key, ch) for c in CATEGORIES if not c.is_mandatory for ch in OFFERED]
    found: dict[str, dict[str, How | None]] = {}
    for category, channel in named:
        if posted.has(f"choice.{category}.{channel}"):
            found.setdefault(category, {})[channel] = CHOSEN.get(posted.text(f"choice.{category}.{channel}"))
    return found


@post("/me/{tenant:uuid}/preferences/everybody", include_in_schema=False)
async def save_everybody(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID) -> Response[Any]:
    """What the couple chooses for who did not choose."""
    posted = await forms.read(request)
    wanted = msgspec.convert({"choices": _choices(posted)}, choosing.WeddingChoicesChange)
    async with ctx.door.enter(forms.signed_in(request, actor), tenant) as tx:
        await choosing.change_wedding(tx, tenant, wanted, OFFERED)
    return respond.see_other(f"/me/{tenant}/preferences?said=saved")


ROUTES = (form, save, save_everybody)
