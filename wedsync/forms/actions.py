"""Every write of a supplier's side of forms: the forms themselves, and what it asks a couple with them."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec

from wedsync.events.record import record
from wedsync.forms import content, facts, model
from wedsync.forms.starting import TEMPLATES
from wedsync.kit import clock, sql
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal, not_found
from wedsync.web.context import invalid, stale
from wedsync.weddings.actions import pass_token, token_hash

queries = sql.load("wedsync.forms")
FORMS_MAX: Final = 200
PASS_LIFE: Final = timedelta(days=180)
SECTIONS: Final = tuple[model.FormSection, ...]


async def add(tx: Tx, new: model.NewForm) -> UUID:
    """One more form of the entered supplier; returns its id. Raises Refusal 403, 409 or 422."""
    await _check_manager(tx)
    begun = None
    if new.template:
        begun = TEMPLATES.get(new.template)
        if begun is None:
            raise invalid("template", "is none of ours", f"One of: {', '.join(TEMPLATES)}.")
    title = new.title.strip() or (begun.title if begun else "")
    if not title:
        raise invalid("title", "is missing", "Give the form a name.")
    sections = new.sections or (begun.sections if begun else ())
    content.check(sections)
    if await tx.value(queries.count_forms) >= FORMS_MAX:
        raise Refusal(409, "too_many_forms", f"You have {FORMS_MAX} forms. Remove one that you do not use.")
    intro = new.intro.strip() or (begun.intro if begun else "")
    row = await tx.row(queries.add_form, title, intro, _json(sections))
    if row is None:
        raise not_found("supplier")
    record(tx, facts.ADDED, op="INSERT", row=row)
    made: UUID = row["id"]
    return made


async def change(tx: Tx, form_id: UUID, fields: Mapping[str, Any], *, version: int | None = None) -> int:
    """Ask something else from now on, or use it no longer; returns its version. Raises Refusal 403, 404, 412 or 422."""
    before = await claimed(tx, form_id, version)
    wanted = {**before, **fields}
    wanted["title"], wanted["intro"] = wanted["title"].strip(), wanted["intro"].strip()
    if not wanted["title"]:
        raise invalid("title", "is missing", "Give the form a name.")
    content.check(wanted["sections"])
    if wanted == before:
        return int(before["version"])
    told = (wanted["title"], wanted["intro"], _json(wanted["sections"]), wanted["is_active"])
    row: Any = await tx.row(queries.change_form, form_id, *told)
    record(tx, facts.CHANGED, op="UPDATE", row=row)
    return int(row["version"])


async def remove(tx: Tx, form_id: UUID, *, version: int | None = None) -> None:
    """Take it away; what was asked with it stays. Raises Refusal 403, 404 or 412."""
    await claimed(tx, form_id, version)
    row: Any = await tx.row(queries.remove_form, form_id)
    record(tx, facts.REMOVED, op="DELETE", row=row)


async def claimed(tx: Tx, form_id: UUID, version: int | None) -> dict[str, Any]:
    """A form as nobody changes it meanwhile, for who keeps the forms and has read this version."""
    await _check_manager(tx)
    row = await tx.row(queries.claim_form, form_id)
    if row is None:
        raise not_found("form")
    if version not in (None, row["version"]):
        raise await stale(tx, queries.current_form, form_id)
    return {**dict(row), "sections": opened(row["sections"])}


def opened(sections: str) -> tuple[model.FormSection, ...]:
    """The sections of a row."""
    return msgspec.json.decode(sections, type=SECTIONS)


async def named(tx: Tx, link_id: UUID, title: str) -> UUID | None:
    """The form of a link's supplier that is in use under this title, however it is written."""
    rows = await tx.rows(queries.of_link, link_id, None)
    return next((row["id"] for row in rows if row["title"].casefold() == title.strip().casefold()), None)


async def ask(tx: Tx, new: model.NewFormRequest, *, link_id: UUID | None = None) -> UUID:
    """Ask the couple of the entered wedding; returns the id of what is asked. Asked already is asked once.

    By the supplier of a link, or by the system for the link it names. Raises Refusal 403, 404 or 422.
    """
    me = await _me(tx)
    link = link_id if me["role"] == "system" else me["link_id"]
    if link is None or me["role"] not in ("supplier", "system"):
        raise Refusal(403, "forbidden", "Only a linked supplier asks with its forms.")
    form = await tx.row(queries.of_link, link, new.form_id)
    if form is None or not form["is_active"]:
        raise invalid("form_id", "is none of your forms that are in use", "Choose one of the list.")
    if not any(True for _ in content.fields_of(opened(form["sections"]))):
        raise Refusal(422, "invalid", content.EMPTY)
    asked = (form["id"], form["version"], form["title"], form["intro"], form["sections"], new.word.strip(), new.due_on)
    row = await tx.row(queries.ask, link, *asked)
    if row is None:
        standing: UUID = await tx.value(queries.standing, link, new.form_id)
        return standing
    record(tx, facts.ASKED, op="INSERT", row=row, link=row["link_id"])
    made: UUID = row["id"]
    return made


async def remind(tx: Tx, request_id: UUID, *, word: str, due_on: date | None, version: int | None = None) -> None:
    """Ask again, with another word or day. Raises Refusal 403, 404, 409 or 412."""
    held = await _asked_by_me(tx, request_id, version)
    _check_state(held, "asked", "started")
    await _move(tx, facts.REMINDED, held, held["state"], word.strip(), due_on)


async def lock(tx: Tx, request_id: UUID, *, version: int | None = None) -> None:
    """These answers are what the supplier works with. Twice is once. Raises Refusal 403, 404, 409 or 412."""
    held = await _asked_by_me(tx, request_id, version)
    if held["state"] != "locked":
        _check_state(held, "submitted")
        await _move(tx, facts.LOCKED, held, "locked", held["word"], held["due_on"])


async def reopen(tx: Tx, request_id: UUID, word: str, *, version: int | None = None) -> None:
    """Ask for more of what was answered. Raises Refusal 403, 404, 409 where a newer one is asked already, or 412."""
    held = await _asked_by_me(tx, request_id, version)
    _check_state(held, "submitted", "locked")
    standing = await tx.value(queries.standing, held["link_id"], held["form_id"])
    if standing not in (None, request_id):
        raise Refusal(409, "asked_anew", "You have asked with this form again since. Look at the newer one.")
    await _move(tx, facts.REOPENED, held, "started", word.strip(), held["due_on"])


async def withdraw(tx: Tx, request_id: UUID, *, version: int | None = None) -> None:
    """Ask no longer, and end the address that opens it. Raises Refusal 403, 404, 409 or 412."""
    held = await _asked_by_me(tx, request_id, version)
    _check_state(held, "asked", "started")
    if held["submissions"]:
        raise Refusal(409, "answered", "It was answered once: lock it, so that the answers stay.")
    await _move(tx, facts.WITHDRAWN, held, "withdrawn", held["word"], held["due_on"])


async def share(tx: Tx, secret: str, request_id: UUID) -> tuple[str, datetime]:
    """A token that opens this one form without an account, and until when; the one before it ends.

    For the couple or the supplier who asks. Raises Refusal 403, 404 or 409.
    """
    held = await _held(tx, request_id)
    me = await _me(tx)
    if me["role"] not in ("couple", "supplier"):
        raise Refusal(403, "forbidden", "Only the couple and who asks make such an address.")
    _check_state(held, *model.OPEN)
    pass_id, until = uuid4(), clock.now() + PASS_LIFE
    token = pass_token(secret, "form", pass_id)
    row: Any = await tx.row(queries.put_pass, request_id, pass_id, token_hash(token), until)
    record(tx, facts.OPENED_UP, op="UPDATE", row=row, link=row["link_id"])
    return token, until


async def _move(tx: Tx, kind: Any, held: Row, state: str, word: str, due_on: date | None) -> None:
    row: Any = await tx.row(queries.move, held["id"], state, word, due_on)
    record(tx, kind, op="UPDATE", row=row, link=row["link_id"])


async def _asked_by_me(tx: Tx, request_id: UUID, version: int | None) -> Row:
    held = await _held(tx, request_id)
    me = await _me(tx)
    if me["role"] != "supplier" or me["link_id"] != held["link_id"]:
        raise Refusal(403, "forbidden", "Only the supplier who asks does this. Write to them.")
    if version not in (None, held["version"]):
        raise await stale(tx, queries.current_request, request_id)
    return held


def _check_state(held: Row, *states: str) -> None:
    if held["state"] not in states:
        raise Refusal(409, "not_now", f"This form is {held['state']}. Look at it again.")


async def _held(tx: Tx, request_id: UUID) -> Row:
    row = await tx.row(queries.hold, request_id)
    if row is None:
        raise not_found("form")
    return row


async def _me(tx: Tx) -> Row:
    row = await tx.row(queries.me)
    if row is None:
        raise not_found("wedding")
    return row


async def _check_manager(tx: Tx) -> None:
    role = await tx.value(queries.role)
    if role == "member":
        raise Refusal(403, "forbidden", "Only an owner or admin of this business changes forms. Ask one of them.")
    if role not in ("owner", "admin", "system"):
        raise not_found("supplier")


def _json(sections: tuple[model.FormSection, ...]) -> str:
    return msgspec.json.encode(sections).decode()
