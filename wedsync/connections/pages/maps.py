"""One source: the map from its bodies to proposals, tried on hooks it really sent, and what came of those."""

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post

from wedsync.connections import actions, model, trials
from wedsync.connections.pages.place import Place, entered, paths, queries
from wedsync.connections.pages.sources import SCHEMES
from wedsync.connections.proposing import ANY, PLACES, ProposalMap
from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal
from wedsync.kit.mapping import Rule, Step
from wedsync.proposals.subjects import SUBJECTS
from wedsync.web import forms, respond
from wedsync.web.context import Context, invalid
from wedsync.web.forms import AnyRequest, Form

EMPTY_ROWS: Final = 3
OURS: Final = {"find": "Which one (name or id)", "item": "Which part of the day", "link": "Which wedding", "why": "Why"}
STEPS: Final = (
    ("", "As it is"),
    ("text", "As text"),
    ("integer", "As a whole number"),
    ("boolean", "As yes or no"),
    ("date", "As a date"),
    ("lower", "In small letters"),
)
KEPT: Final = "kept"
_NO_RULE: Final = (Rule(target="find"),)
STATES: Final = {
    "received": ("On its way", "wait"),
    "applied": ("Done", "good"),
    "proposed": ("Proposed", "good"),
    "ignored": ("Nothing to do", ""),
    "failed": ("Not possible", "bad"),
}


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """The form as it stands, saved or not: `number` is the map's place in the list."""

    number: int
    title: str
    version: int
    map: ProposalMap
    links: dict[str, UUID]


@get(paths("/{connection_id:uuid}"), include_in_schema=False)
async def page(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, connection_id: UUID) -> Response[str]:
    """`?map=` is which of its maps, `?hook=` a received one to try it on."""
    number, hook = request.query_params.get("map", "0"), request.query_params.get("hook", "")
    async with entered(request, ctx, actor, tenant) as place:
        source = await place.source(connection_id)
        settings = _settings(source)
        at = int(number) if number.isascii() and number.isdigit() and len(number) < 3 else 0
        one = (
            settings.proposes[at]
            if at < len(settings.proposes)
            else ProposalMap(subject="schedule_items", rules=_NO_RULE)
        )
        title = source.title
        drawn = Drawn(number=at, title=title, version=source.version, map=one, links=settings.links)
        return await _page(place, source, drawn, hook=hook)


def _settings(source: model.Connection) -> model.HookSettings:
    return msgspec.convert(source.settings, model.HookSettings)


@post(paths("/{connection_id:uuid}"), include_in_schema=False)
async def save(request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, connection_id: UUID) -> Response[Any]:
    """`do` is save, try or fields: only saving writes."""
    form = await forms.read(request)
    try:
        async with entered(request, ctx, actor, tenant) as place:
            source = await place.source(connection_id)
            drawn = _drawn(form, source)
            if form.text("do") != "save":
                return await _page(place, source, drawn, hook=form.text("hook"))
            settings = _with(_settings(source), drawn)
            wanted = model.ConnectionChange(title=drawn.title, settings=settings)
            await actions.change(place.tx, connection_id, wanted, version=drawn.version)
            return respond.done(request, f"{place.path}/{connection_id}?map={drawn.number}&hook={form.text('hook')}")
    except Refusal as refusal:
        if refusal.status not in (412, 422):
            raise
        async with entered(request, ctx, actor, tenant) as place:
            source = await place.source(connection_id)
            errors = [e.reason + (f": {e.fix}" if e.fix else "") for e in refusal.errors] or [refusal.detail]
            return await _page(place, source, _drawn(form, source), hook=form.text("hook"), errors=errors)


@post(paths("/{connection_id:uuid}/hooks/{hook_id:uuid}/replay"), include_in_schema=False)
async def replay(
    request: AnyRequest, ctx: Context, actor: Actor, tenant: UUID, connection_id: UUID, hook_id: UUID
) -> Response[Any]:
    """Worked on again, by the map as it is now."""
    async with entered(request, ctx, actor, tenant) as place:
        await place.source(connection_id)
        await actions.replay(place.tx, hook_id)
        return respond.done(request, f"{place.path}/{connection_id}?hook={hook_id}")


def _drawn(form: Form, source: model.Connection) -> Drawn:
    """The form as it was posted. Raises Refusal 422."""
    subject = form.text("subject")
    if subject not in SUBJECTS:
        raise invalid("subject", "is not something here", "Choose one of the list.")
    try:
        rows = zip(form.many("source"), form.many("target"), form.many("step"), form.many("rule"), strict=True)
        rules = [rule for row in rows if (rule := _rule(*row)) is not None] or _NO_RULE
        links = {form.text(f"link.{name}"): UUID(name) for name in form.many("link") if form.text(f"link.{name}")}
        given = {"type": form.text("type") or ANY, "subject": subject, "rules": rules, "adds": form.on("adds")}
        one = msgspec.convert(msgspec.to_builtins(given), ProposalMap)
    except (ValueError, msgspec.DecodeError) as error:
        raise invalid("map", "cannot be read", "Open the page again.") from error
    return Drawn(
        number=min(form.number("map") or 0, model.MAPS_MAX),
        title=form.text("title")[:200],
        version=form.number("version") or source.version,
        map=one,
        links=links,
    )


def _rule(source: str, target: str, step: str, before: str) -> Rule | None:
    """A row as a rule; one that was made by a program and left alone stays as it is, with all that no row shows."""
    if not target or not source:
        return None
    if before:
        kept = msgspec.json.decode(before, type=Rule)
        if (_source(kept), kept.target, _step(kept)) == (source, target, step):
            return kept
    steps = (Step(step),) if step and step != KEPT else ()
    return Rule(target=target, source=(source,), transform=steps)


def _source(rule: Rule) -> str:
    return rule.source[0] if rule.source else ""


def _step(rule: Rule) -> str:
    """The one step a row can show; what is more than that is kept as it is."""
    if not rule.transform:
        return ""
    (first, *more) = rule.transform
    return first.name if not more and not first.options and first.name in dict(STEPS) else KEPT


def _with(settings: model.HookSettings, drawn: Drawn) -> model.HookSettings:
    maps = list(settings.proposes)
    maps[drawn.number : drawn.number + 1] = [drawn.map]
    return msgspec.structs.replace(settings, proposes=tuple(maps), links=drawn.links)


async def _page(
    place: Place, source: model.Connection, drawn: Drawn, *, hook: str, errors: list[str] | None = None
) -> Response[str]:
    hooks = await place.tx.rows(queries.hooks_of, source.id)
    chosen = next((row["id"] for row in hooks if str(row["id"]) == hook), hooks[0]["id"] if hooks else None)
    seen = None
    if chosen is not None and not errors:
        trial = model.Trial(hook_id=chosen, proposes=(msgspec.structs.replace(drawn.map, type=ANY),))
        seen = await trials.preview(place.tx, place.ctx.ring, source.id, trial)
    links = [] if place.is_couple else await place.tx.rows(queries.my_links)
    keys = {link: key for key, link in drawn.links.items()}
    fields = SUBJECTS[drawn.map.subject].fields
    places = {name: OURS[name] for name in PLACES if name != "link" or not place.is_couple}
    rules = [rule for rule in drawn.map.rules if rule.source]
    return respond.html(
        "connections/source.html",
        place.shell,
        code=422 if errors else 200,
        path=place.path,
        source=source,
        drawn=drawn,
        errors=errors or [],
        maps=[(n, "Every type" if one.type == ANY else one.type) for n, one in enumerate(_settings(source).proposes)],
        subjects=[(name, one.word.capitalize()) for name, one in SUBJECTS.items()],
        targets=[("", "Nothing"), *places.items(), *fields.items()],
        rows=[_shown(rule) for rule in rules] + [_shown(Rule(target=""))] * EMPTY_ROWS,
        steps=STEPS,
        kept=KEPT,
        may_rotate=source.scheme in dict(SCHEMES),
        may_be_clients=not place.is_couple,
        seen=seen,
        chosen=chosen,
        labels={**places, **fields},
        links=[(str(row["id"]), row["couple_names"], keys.get(row["id"], "")) for row in links],
        hooks=[{**dict(row), "words": STATES[row["status"]]} for row in hooks],
    )


def _shown(rule: Rule) -> dict[str, str]:
    text = msgspec.json.encode(rule).decode() if rule.target else ""
    return {"source": _source(rule), "target": rule.target, "step": _step(rule), "rule": text}


ROUTES = (page, save, replay)
