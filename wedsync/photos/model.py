"""What a photo delivery is, which stage may follow which, and what a promise is worth; pure."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, get_args
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wedsync.kit import guard
from wedsync.kit.errors import FieldError, Refusal
from wedsync.schedule import wording

Kind = Literal["sneak_peek", "preview", "gallery", "album", "print", "film", "teaser"]
Working = Literal["not_started", "backed_up", "culling", "editing", "quality_check", "ready"]
Handed = Literal["delivered", "viewed", "downloaded", "archived"]
Stage = Literal[Working, Handed]
Standing = Literal["on_track", "delayed", "on_hold"]
Title = Annotated[str, Meta(max_length=120, description="What tells it from others of its kind: the welcome dinner")]
Reason = Annotated[str, Meta(min_length=1, max_length=500, description="What the couple reads")]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Address = Annotated[str, Meta(max_length=2048, description="Where the couple looks at it: https, without a password")]
Hint = Annotated[str, Meta(max_length=200, description="How they get in, in words; never the password itself")]
Note = Annotated[str, Meta(max_length=2000)]

WORKING: Final[tuple[str, ...]] = get_args(Working)
HANDED: Final[tuple[str, ...]] = get_args(Handed)
STAGES: Final = (*WORKING, *HANDED)
ON_PAPER: Final = frozenset({"album", "print"})
PROMISES_MAX: Final = 50
YEAR_MIN, YEAR_MAX = 1990, 2190
_SECRETS: Final = frozenset({"password", "passcode", "passwd", "pwd", "pw", "pin"})

#: While it is worked on any step may follow any other: work is done again, and steps are skipped. Once it was handed
#: over it is never taken back; an archived one may be handed over once more.
NEXT: Final[Mapping[str, frozenset[str]]] = {
    **{stage: frozenset({*WORKING, "delivered"} - {stage}) for stage in WORKING},
    "delivered": frozenset({"viewed", "downloaded", "archived"}),
    "viewed": frozenset({"downloaded", "archived"}),
    "downloaded": frozenset({"archived"}),
    "archived": frozenset({"delivered"}),
}


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """A day it was promised for, when that was said, and why it became later (empty for the first, and for earlier)."""

    promised_on: date
    at: datetime
    reason: str = ""


class PhotoDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `photo_deliveries`. `reason` is why it is delayed or on hold; `promises` has every day it was given."""

    id: UUID
    wedding_id: UUID
    link_id: UUID
    kind: Kind
    title: str
    stage: Stage
    standing: Standing
    reason: str
    promised_on: date | None
    promised_at: datetime | None
    promises: list[Promise]
    shot_count: int | None
    culled_count: int | None
    edited_count: int | None
    delivered_count: int | None
    gallery_url: str
    gallery_hint: str
    note: str
    delivered_at: datetime | None
    viewed_at: datetime | None
    warned_at: datetime | None
    overdue_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


class NewPhotoDelivery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that will be handed over, with a day or, so far, without one."""

    kind: Kind
    title: Title = ""
    promised_on: date | None = None
    shot_count: Count | None = None
    culled_count: Count | None = None
    edited_count: Count | None = None
    delivered_count: Count | None = None
    gallery_url: Address = ""
    gallery_hint: Hint = ""
    note: Note = ""


class PhotoDeliveryChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change; what is absent stays. A day may become earlier here; a later one is a delay and needs a reason."""

    kind: Kind | UnsetType = UNSET
    title: Title | UnsetType = UNSET
    promised_on: date | UnsetType = UNSET
    shot_count: Count | UnsetType | None = UNSET
    culled_count: Count | UnsetType | None = UNSET
    edited_count: Count | UnsetType | None = UNSET
    delivered_count: Count | UnsetType | None = UNSET
    gallery_url: Address | UnsetType = UNSET
    gallery_hint: Hint | UnsetType = UNSET
    note: Note | UnsetType = UNSET


class StageMove(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The stage it is at now. Handing over and having looked are acts of their own."""

    stage: Literal[Working, "downloaded", "archived"]


class Delay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A later day, and why."""

    promised_on: date
    reason: Reason


class Pause(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why nothing is done just now."""

    reason: Reason


def settle(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields fit to be written: text cleaned, the gallery's address judged. Raises Refusal 422."""
    out = dict(fields)
    out |= {name: wording.line(out[name]) for name in ("title", "gallery_hint") if name in out}
    if "note" in out:
        out["note"] = wording.paragraphs(out["note"])
    if out.get("gallery_url"):
        check_gallery(out["gallery_url"])
    return out


def check_gallery(url: str) -> None:
    """Raises Refusal 422 for what a couple must not be sent to: not https, not public, or with a password in it."""
    try:
        guard.check(url, ())
    except guard.TargetError as error:
        raise error.as_refusal("gallery_url") from error
    if any(name.lower() in _SECRETS for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)):
        fix = "Leave the password out of the address; say in the hint how they get in."
        raise invalid("gallery_url", "holds a password", fix)


def promised(before: Mapping[str, Any], on: date, now: datetime) -> dict[str, Any]:
    """The columns of a first or an earlier promise. Raises Refusal 422 for a day that is past, or later."""
    _check_day(on, now)
    if before.get("promised_on") is not None and on > before["promised_on"]:
        raise invalid("promised_on", "is later than promised", "Tell the couple why: say that it is delayed.")
    return {**_promise(before, on, now, ""), **({} if before.get("standing") == "on_hold" else on_track())}


def delayed(before: Mapping[str, Any], delay: Delay, now: datetime) -> dict[str, Any]:
    """The columns of a later day with its reason. Raises Refusal 409 once it is delivered, 422 for no later day."""
    check_working(before["stage"])
    reason = wording.required("reason", delay.reason)
    _check_day(delay.promised_on, now)
    if before["promised_on"] is not None and delay.promised_on <= before["promised_on"]:
        raise invalid("promised_on", "is not later than promised", "Name the new day, after the one they know.")
    return {**_promise(before, delay.promised_on, now, reason), "standing": "delayed", "reason": reason}


def _promise(before: Mapping[str, Any], on: date, now: datetime, reason: str) -> dict[str, Any]:
    """A new promise: its window begins now, and nobody was reminded of it."""
    made: list[Promise] = list(before.get("promises", ()))
    if len(made) >= PROMISES_MAX:
        raise Refusal(409, "too_many_promises", f"This was promised for {PROMISES_MAX} days. Make a new one instead.")
    history = [*made, Promise(promised_on=on, at=now, reason=reason)]
    window = {"promised_on": on, "promised_at": now, "warned_at": None, "overdue_at": None}
    return {**window, "promises": msgspec.to_builtins(history)}


def paused(before: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """The columns of being put on hold. Raises Refusal 409 once it is handed over, 422 without a reason."""
    check_working(before["stage"])
    return {"standing": "on_hold", "reason": wording.required("reason", reason)}


def resumed(before: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of going on: what was delayed before it was put on hold is so afterwards."""
    newest: list[Promise] = before["promises"][-1:]
    if newest and newest[0].reason:
        return {"standing": "delayed", "reason": newest[0].reason}
    return on_track()


def moved(before: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """The columns of another stage. Raises Refusal 409 for one that cannot follow, or while it is on hold."""
    check_next(before["stage"], stage)
    if before["standing"] == "on_hold":
        raise Refusal(409, "on_hold", "This is on hold. Go on with it first.")
    return {"stage": stage}


def handed_over(before: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The columns of being delivered. Raises Refusal 409, and 422 without an address where one is needed to look."""
    check_next(before["stage"], "delivered")
    check_place(before)
    return {"stage": "delivered", "delivered_at": before["delivered_at"] or now, **on_track()}


def check_place(row: Mapping[str, Any]) -> None:
    """Raises Refusal 422 where nobody could look at what is handed over."""
    if row["kind"] not in ON_PAPER and not row["gallery_url"]:
        raise invalid("gallery_url", "is missing", "Say where they can look at it.")


def seen(before: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The columns of the couple's first look; nothing for every other. Raises Refusal 409 before it is delivered."""
    if before["stage"] in WORKING:
        raise Refusal(409, "not_delivered", "This is not delivered yet. You will hear of it at once.")
    if before["viewed_at"] is not None:
        return {}
    return {"viewed_at": now, **({"stage": "viewed"} if before["stage"] == "delivered" else {})}


def on_track() -> dict[str, Any]:
    """The columns of nothing standing in the way."""
    return {"standing": "on_track", "reason": ""}


def check_next(stage: str, then: str) -> None:
    """Raises Refusal 409 for a stage that cannot follow."""
    if then not in NEXT[stage]:
        can = ", ".join(one for one in STAGES if one in NEXT[stage])
        raise Refusal(409, "stage_not_next", f"What is {stage} cannot become {then}; it can become {can}.")


def check_working(stage: str) -> None:
    """Raises Refusal 409 for what was handed over: there is nothing left to wait for."""
    if stage in HANDED:
        raise Refusal(409, "already_delivered", "This was delivered already. Make a new one for what is still to come.")


def _check_day(on: date, now: datetime) -> None:
    if not YEAR_MIN <= on.year <= YEAR_MAX:
        raise invalid("promised_on", f"is not between the years {YEAR_MIN} and {YEAR_MAX}", "Check the year.")
    # A day that has begun somewhere is not over everywhere: the two ends of the world are 26 hours apart.
    if (now.date() - on).days > 1:
        raise invalid("promised_on", "is in the past", "Name a day that is still to come.")


def invalid(field: str, reason: str, fix: str) -> Refusal:
    """One field that cannot be taken."""
    return Refusal(422, "invalid", f"{field}: {reason}", errors=[FieldError(field, reason, fix)])
