"""A gallery of a photographer's CRM moves the photo delivery of the couple's wedding: in the making it is ready, opened
it is delivered, closed it is put away.

Only what changed there is taken over, so what the supplier has changed here stays until it is changed there again, and
nothing is moved back: what was delivered by hand stays delivered while the CRM is still making it. A later day is left
alone, for that is a delay, and those have a reason.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.connections.records.contract import GalleryState, RemoteGallery
from wedsync.connections.records.couples import ENTER_LINK
from wedsync.connections.records.kept import GALLERIES, Hung
from wedsync.connections.records.run import Run
from wedsync.kit import clock, sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal
from wedsync.photos import actions as photos
from wedsync.photos.model import HANDED, WORKING, Kind, NewPhotoDelivery, check_gallery

queries = sql.load("wedsync.connections.galleries")
TOGETHER_MAX: Final = 200
HINT: Final = "It asks for a password, which your photographer has."
UNADDRESSED: Final = "It has no address there yet."
BY_WORD: Final[Mapping[str, Kind]] = {
    "sneak": "sneak_peek",
    "preview": "preview",
    "teaser": "teaser",
    "film": "film",
    "video": "film",
    "album": "album",
}


class Steps(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done with a delivery: fields to be written, then the stage it is to be moved to."""

    fields: dict[str, Any]
    stage: str = ""


async def hang(run: Run) -> None:
    """All that are to be looked at, one after the other; whose couple is not on WedSync yet waits."""
    async with run.enter() as tx:
        rows = await tx.rows(queries.unhung, run.id, TOGETHER_MAX)
    for row in rows:
        hung = run.seals.hung(row["id"], row["sealed"])
        delivery_id, reason = await _given(run, row, hung)
        taken = hung if reason else Hung(told=hung.told, taken=hung.told)
        async with run.enter() as tx:
            sealed = run.seals.seal(taken, table=GALLERIES, row=row["id"])
            await tx.run(queries.hung, row["id"], sealed, delivery_id, reason[:500])


async def _given(run: Run, row: Row, hung: Hung) -> tuple[UUID | None, str]:
    """The delivery, and why it is not as the CRM has it. After a crash the same address is found again."""
    try:
        if not hung.told.url:
            return row["delivery_id"], UNADDRESSED
        check_gallery(hung.told.url)
        async with run.enter() as tx:
            if await tx.value(ENTER_LINK, run.job.id, run.job.lease_token, row["link_id"]) is None:
                return row["delivery_id"], "The engagement has ended."
            delivery_id = await _moved(tx, row["delivery_id"], hung)
    except Refusal as refusal:
        if refusal.code == "lease_lost" or refusal.status == 503:
            raise
        return row["delivery_id"], _words(refusal)
    run.counts.taken += 1
    return delivery_id, ""


def _words(refusal: Refusal) -> str:
    """Why, for who knows galleries and no fields of ours."""
    wrong = next(iter(refusal.errors), None)
    return (
        refusal.detail
        if wrong is None
        else f"Its {wrong.field.replace('gallery_url', 'address')} {wrong.reason}. {wrong.fix}"
    )


async def _moved(tx: Tx, known: UUID | None, hung: Hung) -> UUID:
    """In the wedding's home, in the place of its supplier."""
    told, rows = hung.told, await tx.rows(queries.own_deliveries)
    row = same(rows, known, told)
    if row is None and known is not None:
        raise Refusal(404, "withdrawn", "You took it back here, so it stays away.")
    if row is None:
        new = NewPhotoDelivery(kind=kind_of(told.name), title=told.name, gallery_url=told.url)
        await photos.promise(tx, new)
        rows = await tx.rows(queries.own_deliveries)
        row = next(one for one in rows if one["gallery_url"] == told.url)
    steps = wanted(row, told, hung.taken, clock.now().date())
    if steps.fields:
        await photos.change(tx, row["id"], steps.fields)
    if steps.stage == "delivered":
        await photos.deliver(tx, row["id"])
    elif steps.stage:
        await photos.move(tx, row["id"], steps.stage)
    made: UUID = row["id"]
    return made


def same(rows: Sequence[Mapping[str, Any]], known: UUID | None, told: RemoteGallery) -> Mapping[str, Any] | None:
    """The delivery that this gallery is: the one it was, the one at its address, or the only one of its kind that is
    worked on and has none."""
    for row in rows:
        if row["id"] == known:
            return row
    for row in rows:
        if row["gallery_url"] == told.url:
            return row
    kind = kind_of(told.name)
    open_ones = [row for row in rows if row["kind"] == kind and row["stage"] in WORKING and not row["gallery_url"]]
    return open_ones[0] if len(open_ones) == 1 else None


def kind_of(name: str) -> Kind:
    """By a word of its name; a gallery where none says otherwise."""
    line = name.casefold()
    return next((kind for word, kind in BY_WORD.items() if word in line), "gallery")


def wanted(row: Mapping[str, Any], told: RemoteGallery, taken: RemoteGallery | None, today: date) -> Steps:
    """What of a delivery is to be otherwise because of what is otherwise there. Pure."""
    fields: dict[str, Any] = {}
    if told.url != row["gallery_url"] and (taken is None or taken.url != told.url):
        fields["gallery_url"] = told.url
    if told.has_password and not row["gallery_hint"] and (taken is None or not taken.has_password):
        fields["gallery_hint"] = HINT
    is_news = taken is None or (taken.photos, taken.state) != (told.photos, told.state)
    if told.state == "released" and told.photos and is_news and told.photos != row["delivered_count"]:
        fields["delivered_count"] = told.photos
    if _is_day(row, told, taken, today):
        fields["promised_on"] = told.released_on
    is_known = taken is not None
    stage = "" if taken is not None and taken.state == told.state else _stage(row, told.state, is_known=is_known)
    return Steps(fields=fields, stage=stage)


def _is_day(row: Mapping[str, Any], told: RemoteGallery, taken: RemoteGallery | None, today: date) -> bool:
    """Whether the day it is to be opened is a first or an earlier promise."""
    on = told.released_on
    if on is None or on < today or told.state != "making" or row["stage"] not in WORKING:
        return False
    is_news = taken is None or taken.released_on != on
    return is_news and (row["promised_on"] is None or on < row["promised_on"])


def _stage(row: Mapping[str, Any], state: GalleryState, *, is_known: bool) -> str:
    now = row["stage"]
    if state == "released":
        return "delivered" if now in WORKING or (now == "archived" and is_known) else ""
    if state == "closed":
        return "archived" if now in HANDED and now != "archived" else ""
    return "ready" if now in WORKING and now != "ready" and row["standing"] != "on_hold" else ""
