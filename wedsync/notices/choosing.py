"""What people choose: channels, kinds of notices, weddings, quiet hours; and what a couple chooses for its wedding."""

import re
from collections.abc import Mapping
from datetime import time
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wedsync.kit import sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.kit.zones import zones
from wedsync.notices.preferences import CATEGORIES, MANDATORY, Choices, How, Preferences, stored, wanted
from wedsync.notices.wording.tongues import family, shipped
from wedsync.web.context import invalid

queries = sql.load("wedsync.notices")
Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
WEDDINGS_MAX = 500
_LOCALE = re.compile(r"[a-z]{2}(-[A-Z]{2})?")


class QuietHours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Local times; `until` is on the next day where it is not later than `from`."""

    from_: Clock = msgspec.field(name="from")
    until: Clock


class PreferencesView(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /me/preferences`. `effective`: how each kind comes on each channel as things are, and by whose word."""

    channels: Mapping[str, bool]
    choices: Choices
    weddings: Mapping[str, How]
    zone: str | None
    quiet: QuietHours | None
    digest_at: Clock
    locale: str | None
    version: int
    effective: Mapping[str, Mapping[str, Mapping[str, str]]]


class PreferencesChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is absent stays; null takes back what was chosen."""

    channels: Mapping[str, bool | None] | UnsetType = UNSET
    choices: Mapping[str, Mapping[str, How | None]] | UnsetType = UNSET
    weddings: Mapping[UUID, How | None] | UnsetType = UNSET
    zone: Annotated[str, Meta(max_length=64)] | None | UnsetType = UNSET
    quiet: QuietHours | None | UnsetType = UNSET
    digest_at: Clock | UnsetType = UNSET
    locale: Annotated[str, Meta(max_length=5)] | None | UnsetType = UNSET


class WeddingChoices(msgspec.Struct, frozen=True, kw_only=True):
    """What a couple chose for everybody at its wedding who chose nothing."""

    choices: Choices
    version: int


class WeddingChoicesChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is absent stays; null takes back."""

    choices: Mapping[str, Mapping[str, How | None]] = {}


async def read(tx: Tx, person: UUID, offered: tuple[str, ...]) -> PreferencesView:
    """One's own, as they are or would be by themselves; `offered` are the channels there are."""
    row = await tx.row(queries.preferences, person)
    return _view(row, offered, takes_texts=await tx.value(queries.takes_texts, person))


async def change(
    tx: Tx, person: UUID, wanted_change: PreferencesChange, offered: tuple[str, ...], *, version: int | None = None
) -> PreferencesView:
    """Change one's own. Raises Refusal 412 for another version, 422 for what cannot be chosen."""
    _check(wanted_change, offered)
    await tx.run(queries.begin_preferences, person)
    held = await tx.row(queries.hold_preferences, person)
    if held is None:
        raise not_found("person")
    takes_texts: bool = await tx.value(queries.takes_texts, person)
    now = _view(held, offered)
    if version is not None and version != now.version:
        raise _changed_meanwhile(now.version)
    quiet = now.quiet if isinstance(wanted_change.quiet, UnsetType) else wanted_change.quiet
    weddings = {} if wanted_change.weddings is UNSET else {str(k): v for k, v in wanted_change.weddings.items()}
    row = await tx.row(
        queries.save_preferences,
        person,
        _json(_merged(now.channels, {} if wanted_change.channels is UNSET else wanted_change.channels)),
        _json(_chosen(now.choices, {} if wanted_change.choices is UNSET else wanted_change.choices)),
        _json(_few(_merged(now.weddings, weddings))),
        now.zone if wanted_change.zone is UNSET else wanted_change.zone,
        quiet and time.fromisoformat(quiet.from_),
        quiet and time.fromisoformat(quiet.until),
        time.fromisoformat(now.digest_at if wanted_change.digest_at is UNSET else wanted_change.digest_at),
        now.locale if wanted_change.locale is UNSET else wanted_change.locale,
    )
    return _view(row, offered, takes_texts=takes_texts)


async def read_wedding(tx: Tx, wedding_id: UUID) -> WeddingChoices:
    """What the couple chose. Raises Refusal 404 for everybody else."""
    if not await tx.value(queries.may_choose):
        raise not_found("wedding")
    row = await tx.row(queries.wedding_choices, wedding_id)
    return WeddingChoices(
        choices=msgspec.json.decode(row["choices"]) if row else {}, version=row["version"] if row else 1
    )


async def change_wedding(
    tx: Tx, wedding_id: UUID, change: WeddingChoicesChange, offered: tuple[str, ...], *, version: int | None = None
) -> WeddingChoices:
    """For everybody who did not choose. Raises Refusal 404, 412, 422."""
    if not await tx.value(queries.may_choose):
        raise not_found("wedding")
    _check_choices(change.choices, offered)
    await tx.run(queries.begin_wedding_choices, wedding_id)
    held = await tx.row(queries.hold_wedding_choices, wedding_id)
    if held is None:
        raise not_found("wedding")
    if version is not None and version != held["version"]:
        raise _changed_meanwhile(held["version"])
    merged = _chosen(msgspec.json.decode(held["choices"]), change.choices)
    row = await tx.row(queries.save_wedding_choices, wedding_id, _json(merged))
    return WeddingChoices(choices=merged, version=row["version"] if row else 0)


def _view(row: Row | None, offered: tuple[str, ...], *, takes_texts: bool = False) -> PreferencesView:
    own = Preferences() if row is None else stored(row)
    used = ({"sms": True} if takes_texts else {}) | dict(own.channels)
    judged = msgspec.structs.replace(own, channels=used)
    quiet_from, quiet_until = (row["quiet_from"], row["quiet_until"]) if row else (None, None)
    found = {
        category.key: {channel: wanted(category.key, channel, own=judged) for channel in offered}
        for category in CATEGORIES
    }
    return PreferencesView(
        channels=used,
        choices=own.choices,
        weddings=own.weddings,
        zone=row["zone"] if row else None,
        quiet=QuietHours(from_=f"{quiet_from:%H:%M}", until=f"{quiet_until:%H:%M}") if quiet_from else None,
        digest_at=f"{row['digest_at']:%H:%M}" if row else "18:00",
        locale=row["locale"] if row else None,
        version=row["version"] if row else 1,
        effective={k: {c: {"how": w.how, "by": w.by} for c, w in by.items()} for k, by in found.items()},
    )


def _check(wanted_change: PreferencesChange, offered: tuple[str, ...]) -> None:
    if not isinstance(wanted_change.channels, UnsetType):
        for channel in wanted_change.channels:
            _check_channel(channel, offered)
    if not isinstance(wanted_change.choices, UnsetType):
        _check_choices(wanted_change.choices, offered)
    zone, quiet = wanted_change.zone, wanted_change.quiet
    if isinstance(zone, str) and zone not in zones():
        raise invalid("zone", "is not an IANA time zone", "Use a name such as Europe/London or Pacific/Auckland.")
    locale = wanted_change.locale
    if isinstance(locale, str) and not (_LOCALE.fullmatch(locale) and family(locale)[-1] in shipped()):
        raise invalid("locale", "is no language that WedSync speaks", f"There are {', '.join(shipped())}.")
    if isinstance(quiet, QuietHours) and quiet.from_ == quiet.until:
        raise invalid("quiet.until", "is when they begin", "Leave an hour in which you can be told something.")


def _check_choices(choices: Mapping[str, Mapping[str, How | None]], offered: tuple[str, ...]) -> None:
    known = {category.key for category in CATEGORIES}
    for category, by in choices.items():
        if category not in known:
            raise invalid(
                "choices", f"{category[:40]!r} is no kind of notice", f"There are {', '.join(sorted(known))}."
            )
        for channel, how in by.items():
            _check_channel(channel, offered)
            if category in MANDATORY and how not in (None, "now"):
                raise invalid(f"choices.{category}", "is always sent at once", "Switch off other kinds.")


def _check_channel(channel: str, offered: tuple[str, ...]) -> None:
    if channel not in offered:
        raise invalid("channels", f"{channel[:40]!r} is no channel", f"There are {', '.join(offered)}.")


def _merged(now: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**now, **change}.items() if value is not None}


def _chosen(now: Choices, change: Mapping[str, Mapping[str, How | None]]) -> dict[str, dict[str, How]]:
    merged = {key: _merged(now.get(key, {}), change.get(key, {})) for key in {**now, **change}}
    return {key: by for key, by in merged.items() if by}


def _few(weddings: dict[str, Any]) -> dict[str, Any]:
    if len(weddings) > WEDDINGS_MAX:
        raise invalid(
            "weddings", f"are more than {WEDDINGS_MAX}", "Take back what you chose for weddings that are over."
        )
    return weddings


def _changed_meanwhile(version: int) -> Refusal:
    return Refusal(
        412,
        "changed_meanwhile",
        "This was changed after you read it. Look at it and change it again.",
        extra={"version": version},
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
