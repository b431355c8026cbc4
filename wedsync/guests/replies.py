"""Answers: one guest's RSVP, a whole party's form, and the final numbers that stop them."""

from typing import Any
from uuid import UUID, uuid4

import msgspec
from msgspec import UNSET

from wedsync.events.record import record
from wedsync.guests import actions, facts, model, needs_form, parties
from wedsync.guests.importing.name_lines import read_line
from wedsync.guests.importing.names import name_sort
from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.kit.seal import KeyRing

queries = sql.load("wedsync.guests")
FINAL = "The final numbers have been given to the caterer. Please tell the couple directly."


async def reply(tx: Tx, guest_id: UUID, item_id: UUID, answer: model.Reply, *, by: str) -> tuple[UUID, int]:
    """Save one answer in one statement; returns (rsvp id, version). Raises Refusal 404, 422, 409 for final numbers."""
    row = await tx.row(queries.reply, guest_id, item_id, answer.status, answer.menu_option_id, by)
    if row is None:
        raise await _why_not(tx, guest_id, item_id, answer)
    record(tx, facts.REPLIED, op="UPDATE", row=row)
    return row["id"], row["version"]


async def _why_not(tx: Tx, guest_id: UUID, item_id: UUID, answer: model.Reply) -> Refusal:
    state = await tx.row(queries.rsvp_state, guest_id, item_id, answer.menu_option_id)
    if state is None:
        return not_found("invitation")
    if not state["has_menu"]:
        return _invalid("menu_option_id", "is not a meal of this part of the day", "Choose one of its meals.")
    if state["is_locked"]:
        return Refusal(409, "numbers_final", FINAL)
    return Refusal(403, "forbidden", "You may see this answer, but not change it.")


async def save(tx: Tx, answers: list[model.Answer], *, by: str, bulk: bool = False) -> int:
    """Any number of answers in one statement; unchanged ones are left alone. Returns how many changed."""
    if not answers:
        return 0
    rows = await tx.rows(queries.reply_many, msgspec.json.encode(answers).decode(), by)
    for row in rows:
        record(tx, facts.REPLIED, op="UPDATE", row=row, bulk=bulk)
    return len(rows)


async def answer_many(tx: Tx, answers: list[tuple[UUID, UUID, model.Status]], *, by: str, bulk: bool = False) -> int:
    """Any number of answers (guest, schedule item, status); the meals stay as they were."""
    rows = [
        model.Answer(guest_id=guest, schedule_item_id=item, status=status, keeps_menu=True)
        for guest, item, status in answers
    ]
    return await save(tx, rows, by=by, bulk=bulk)


async def answer_party(tx: Tx, ring: KeyRing, sent: model.PartyAnswers) -> int:
    """A party's whole form at once, as the party; all of it or nothing. Returns how many rows changed.

    Six statements at most, whatever the size of the party. Raises Refusal 422 or 409 that names each line in the way.
    """
    await tx.rows(queries.hold_party)
    held = await parties.read(tx, ring)
    errors = [e for n, line in enumerate(sent.answers) for e in _wrong(held, line, f"answers[{n}]")]
    errors += _wrong_company(held, sent.plus_ones)
    if errors:
        raise Refusal(422, "invalid", "; ".join(f"{e.field} {e.reason}" for e in errors[:3]), errors=errors)
    answers = _answers(held, sent.answers)
    final = [f"answers[{n}].status" for n, line in enumerate(sent.answers) if _is_final(held, line, answers)]
    if final:
        raise Refusal(
            409, "numbers_final", FINAL, errors=[FieldError(f, "can no longer be changed", FINAL) for f in final]
        )
    said = {line.guest_id: line.needs for line in sent.answers if line.needs is not None}
    done = await _name(tx, {line.guest_id: line.name for line in sent.answers if line.name})
    brought = await _bring(tx, held, sent.plus_ones)
    done += len(brought)
    done += await save(tx, [*answers.values(), *(a for _, more in brought for a in more)], by="guest")
    said |= {guest: one.needs for (guest, _), one in zip(brought, sent.plus_ones, strict=True) if one.needs is not None}
    return done + await actions.put_needs_many(tx, ring, held.wedding_id, _new_needs(held, said))


def _wrong(held: parties.Held, line: model.PartyAnswer, at: str) -> list[FieldError]:
    person = held.people.get(line.guest_id)
    if person is None:
        return [FieldError(f"{at}.guest_id", "is nobody of this party")]
    wrong = []
    if line.name and person.kind != "plus_one":
        wrong.append(FieldError(f"{at}.name", "is for a plus-one alone", "Ask the couple to mend a name."))
    if line.status is None:
        return wrong
    if line.schedule_item_id is None:
        return [*wrong, FieldError(f"{at}.schedule_item_id", "is missing", "Say which part of the day this is about.")]
    if line.schedule_item_id not in person.invited:
        return [*wrong, FieldError(f"{at}.schedule_item_id", "is not something this guest is invited to")]
    menu = held.items[line.schedule_item_id].menu
    if line.menu_option_id not in (UNSET, None) and line.menu_option_id not in menu:
        wrong.append(FieldError(f"{at}.menu_option_id", "is not one of the meals", "Choose one that is offered."))
    return wrong


def _wrong_company(held: parties.Held, brought: list[model.PlusOne]) -> list[FieldError]:
    if not brought:
        return []
    if len(brought) > held.plus_ones_left:
        left = held.plus_ones_left
        reason = f"may hold {left} more" if left else "is full: nobody else is invited with this party"
        return [FieldError("plus_ones", reason, "Ask the couple.")]
    wrong = []
    for n, one in enumerate(brought):
        menu = {m for item in one.schedule_item_ids if item in held.items for m in held.items[item].menu}
        if not held.items.keys() >= set(one.schedule_item_ids):
            wrong.append(FieldError(f"plus_ones[{n}].schedule_item_ids", "names what the party is not invited to"))
        elif not menu >= set(one.menu_option_ids):
            wrong.append(FieldError(f"plus_ones[{n}].menu_option_ids", "is not one of the meals"))
        elif any(held.items[item].is_locked for item in one.schedule_item_ids):
            wrong.append(FieldError(f"plus_ones[{n}].schedule_item_ids", "has its final numbers", FINAL))
    return wrong


def _answers(held: parties.Held, lines: list[model.PartyAnswer]) -> dict[tuple[UUID, UUID], model.Answer]:
    """The answers that differ from what is there; of two lines about the same, the later counts."""
    found: dict[tuple[UUID, UUID], model.Answer] = {}
    for line in lines:
        if line.status is None or line.schedule_item_id is None:
            continue
        before = held.people[line.guest_id].invited[line.schedule_item_id]
        chosen = before.menu_option_id if line.menu_option_id is UNSET else line.menu_option_id
        menu = chosen if line.status == "accepted" else None
        key = (line.guest_id, line.schedule_item_id)
        found.pop(key, None)
        if (line.status, menu) != (before.status, before.menu_option_id):
            found[key] = model.Answer(
                guest_id=line.guest_id, schedule_item_id=line.schedule_item_id, status=line.status, menu_option_id=menu
            )
    return found


def _is_final(held: parties.Held, line: model.PartyAnswer, changes: dict[tuple[UUID, UUID], model.Answer]) -> bool:
    item = line.schedule_item_id
    return item is not None and (line.guest_id, item) in changes and (held.is_off or held.items[item].is_locked)


async def _name(tx: Tx, names: dict[UUID, str | None]) -> int:
    rows = [{"id": guest, **named(name)} for guest, name in names.items() if name and actions.clean(name)]
    return await actions.name_guests(tx, rows)


def named(name: str) -> dict[str, str]:
    """The columns of a name given in one line."""
    text = actions.clean(name)[:300]
    people = read_line(text).people
    first, last = (people[0].first or people[0].title, people[0].last) if len(people) == 1 else (text, "")
    return {"first_name": first, "last_name": last, "display_name": text, "name_sort": name_sort(text, last=last)}


async def _bring(tx: Tx, held: parties.Held, brought: list[model.PlusOne]) -> list[tuple[UUID, list[model.Answer]]]:
    """Add whom the party brings, invited to what they come to; returns each with their answers."""
    if not brought:
        return []
    host = next(iter(held.people.values()), None)
    blank = {"display_name": f"Guest of {host.first_name or host.display_name}" if host else "A guest", "last_name": ""}
    rows: list[dict[str, Any]] = []
    for n, one in enumerate(brought):
        name = named(one.name) if actions.clean(one.name) else {**blank, "first_name": ""}
        name.setdefault("name_sort", name_sort(name["display_name"]))
        shared = {
            "party_id": held.id,
            "kind": "plus_one",
            "age_band": "adult",
            "role": "",
            "plus_one_of": host and host.id,
        }
        rows.append(
            {"id": (id := uuid4()), **name, **shared, "source_key": f"{parties.BROUGHT}{id}", "position": 1000 + n}
        )
    await actions.add_rows(tx, held.wedding_id, rows)
    pairs = [(row["id"], item) for row, one in zip(rows, brought, strict=True) for item in one.schedule_item_ids]
    await actions.invite_pairs(tx, held.wedding_id, pairs)
    return [(row["id"], _coming(held, row["id"], one)) for row, one in zip(rows, brought, strict=True)]


def _coming(held: parties.Held, guest_id: UUID, one: model.PlusOne) -> list[model.Answer]:
    return [
        model.Answer(
            guest_id=guest_id,
            schedule_item_id=item,
            status="accepted",
            menu_option_id=next((m for m in one.menu_option_ids if m in held.items[item].menu), None),
        )
        for item in one.schedule_item_ids
    ]


def _new_needs(held: parties.Held, said: dict[UUID, model.Needs]) -> dict[UUID, model.Needs]:
    """Those that say something else than what is kept."""
    kept = {id: needs_form.digest(person.needs) for id, person in held.people.items()}
    return {guest: needs for guest, needs in said.items() if needs_form.digest(needs) != kept.get(guest)}


async def withdraw(tx: Tx, wedding_id: UUID, guest_ids: list[UUID], item_ids: list[UUID]) -> None:
    """Take invitations back, with the answers given to them."""
    for row in await tx.rows(queries.withdraw, wedding_id, guest_ids, item_ids):
        record(tx, facts.UNINVITED, op="DELETE", row=row)


def _invalid(field: str, reason: str, fix: str) -> Refusal:
    return Refusal(422, "invalid", f"{field} {reason}", errors=[FieldError(field, reason, fix)])
