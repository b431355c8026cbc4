"""Every write of phones that a person makes: giving a number, proving it, agreeing, taking it away."""

import hashlib
import hmac
import secrets
from typing import Any, Literal
from uuid import UUID, uuid4

import msgspec

from wedsync.events.record import record
from wedsync.kit import clock, sql
from wedsync.kit.config import Settings
from wedsync.kit.db import Tx
from wedsync.kit.errors import FieldError, Refusal, not_found
from wedsync.kit.seal import KeyRing
from wedsync.phones import model, sealed
from wedsync.phones.model import Number

queries = sql.load("wedsync.phones")


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """How somebody agreed, beside the words: kept with the consent (GDPR, article 7(1))."""

    method: Literal["page", "api"]
    source: str = ""
    address: str = ""
    agent: str = ""


async def give(
    tx: Tx,
    ring: KeyRing,
    settings: Settings,
    person: UUID,
    number: Number,
    agreed: model.Agreed,
    evidence: Evidence,
) -> bool:
    """The person's number from now on, with what they agree to. Whether it has to be proved by a code.

    Raises Refusal 422 for words that were not the ones shown, 409 for a number that has said STOP.
    """
    _is_current(agreed.wording_version)
    index = sealed.index(ring, number.e164)
    before = await tx.row(queries.mine, person)
    if before is not None and bytes(before["number_index"]) in sealed.indexes(ring, number.e164):
        await agree(tx, person, agreed, evidence)
        return bool(before["state"] != "verified")
    id = uuid4() if before is None else before["id"]
    words = sealed.seal(ring, person, id, number.e164)
    known = (words, index, number.region, number.line, agreed.takes_texts, agreed.takes_calls)
    if before is None:
        row: Any = await tx.row(queries.add, id, person, *known)
        record(tx, model.ADDED, op="INSERT", row=row)
    else:
        await _note(
            tx, person, bytes(before["number_index"]), _flags(before), (False, False), evidence, method="removed"
        )
        row = await tx.row(queries.change, person, *known)
        record(tx, model.CHANGED, op="UPDATE", row=row)
    await _note(tx, person, index, (False, False), (agreed.takes_texts, agreed.takes_calls), evidence)
    standing: Any = await tx.row(queries.standing)
    if standing["is_stopped"]:
        raise Refusal(409, "stopped", stopped_words(settings.twilio_from))
    return True


async def agree(tx: Tx, person: UUID, agreed: model.Agreed, evidence: Evidence) -> None:
    """Texts and calls as the person wants them from now on; taking back is as easy. Raises Refusal 404, 409, 422."""
    before = await tx.row(queries.mine, person)
    if before is None:
        raise not_found("phone")
    wanted = (agreed.takes_texts, agreed.takes_calls)
    if wanted == _flags(before):
        return
    is_more = any(new and not old for new, old in zip(wanted, _flags(before), strict=True))
    if is_more:
        _is_current(agreed.wording_version)
        standing: Any = await tx.row(queries.standing)
        if standing["is_stopped"]:
            raise Refusal(409, "stopped", stopped_words(""))
        if before["state"] == "invalid":
            raise Refusal(409, "not_verified", "Texts do not reach this number. Prove it by a new code first.")
    row: Any = await tx.row(queries.agree, person, *wanted)
    record(tx, model.CHANGED, op="UPDATE", row=row)
    await _note(tx, person, bytes(before["number_index"]), _flags(before), wanted, evidence)


async def send_code(tx: Tx, ring: KeyRing, settings: Settings, person: UUID) -> None:
    """A new code to the number; the last one counts no more. Raises Refusal 404, and 409 where it is not needed."""
    row = await tx.row(queries.mine, person)
    if row is None:
        raise not_found("phone")
    if row["state"] == "verified":
        raise Refusal(409, "verified", "This number is proved already.")
    code = f"{secrets.randbelow(10**model.CODE_DIGITS):0{model.CODE_DIGITS}d}"
    await tx.row(queries.set_code, person, code_hash(settings, row["id"], code), model.CODE_MINUTES)
    delivery = uuid4()
    number = sealed.unseal(ring, person, row["id"], row["sealed"])
    words = message(
        settings, delivery, to=number, body=model.code_words(code), kind="text", validity_s=model.CODE_MINUTES * 60
    )
    content = sealed.seal_delivery(ring, person, delivery, words)
    tx.nudges.append("[]")  # no event, but a text that should not wait for the worker's next look
    await tx.value(queries.owe_code, row["id"], delivery, content, model.CODE_MINUTES)


async def verify(tx: Tx, settings: Settings, person: UUID, code: str) -> Refusal | None:
    """The number is the person's if the code is; else why not, to be raised once the try has been counted."""
    row = await tx.row(queries.mine, person)
    if row is None:
        raise not_found("phone")
    if row["state"] == "verified":
        return None
    tried: Any = await tx.row(queries.try_code, person)
    if tried["code_hash"] is None or not tried["is_open"] or tried["code_tries"] > model.CODE_TRIES:
        return Refusal(410, "code_over", "This code counts no more. Ask for a new one.")
    if not hmac.compare_digest(bytes(tried["code_hash"]), code_hash(settings, row["id"], model.code_in(code))):
        reason = "is not the code that we texted"
        return Refusal(
            422, "wrong_code", f"code: {reason}", errors=[FieldError("code", reason, "Look at the last text.")]
        )
    done: Any = await tx.row(queries.verify, person)
    record(tx, model.CHANGED, op="UPDATE", row=done)
    return None


async def remove(tx: Tx, person: UUID, evidence: Evidence) -> None:
    """The number is forgotten; that it was agreed to and taken back is kept, and a STOP stays. Raises Refusal 404."""
    before = await tx.row(queries.mine, person)
    if before is None:
        raise not_found("phone")
    await _note(tx, person, bytes(before["number_index"]), _flags(before), (False, False), evidence, method="removed")
    row: Any = await tx.row(queries.remove, person)
    record(tx, model.REMOVED, op="DELETE", row=row)


def message(
    settings: Settings,
    id: UUID,
    *,
    to: str,
    body: str,
    kind: Literal["text", "call"],
    validity_s: int,
    service: Literal["notices", "emergency"] = "notices",
    spoken: str = "",
    locale: str = "en",
) -> bytes:
    """A text or call as its delivery holds it: what `connections.phoning.contract.Message` reads. Where a call is asked
    what to say, its address names the language, for what is said when its words are gone too.
    """
    at = f"{settings.public_url}/hooks/twilio/phone"
    return msgspec.json.encode(
        {
            "kind": kind,
            "to": to,
            "body": body,
            "spoken": spoken,
            "service": service,
            "validity_s": validity_s,
            "status_url": f"{at}/status/{id}",
            "voice_url": f"{at}/voice/{id}?lang={locale}",
            "at": clock.machine_now().isoformat(),
        }
    )


def code_hash(settings: Settings, phone_id: UUID, code: str) -> bytes:
    """What is kept of a code: nobody guesses six digits from it without the platform's secret."""
    return hmac.new(settings.jwt_secret.encode(), f"phone:{phone_id}:{code}".encode(), hashlib.sha256).digest()


def stopped_words(answers_to: str) -> str:
    where = f" to {model.pretty(answers_to)}" if answers_to else ""
    return f"This number has answered STOP, so nothing is sent to it. Text START{where} from it first."


def _is_current(version: str) -> None:
    if version != model.WORDING_VERSION:
        reason = "is not of the words that are agreed to now"
        raise Refusal(
            422,
            "invalid",
            f"wording_version: {reason}",
            errors=[FieldError("wording_version", reason, "Show the words of GET /api/v1/me/phone and ask again.")],
        )


def _flags(row: Any) -> tuple[bool, bool]:
    return row["takes_texts"], row["takes_calls"]


async def _note(
    tx: Tx,
    person: UUID,
    index: bytes,
    before: tuple[bool, bool],
    after: tuple[bool, bool],
    evidence: Evidence,
    *,
    method: str = "",
) -> None:
    """One line of the ledger for each channel that changed."""
    kinds = (("text", model.TEXTS_WORDING), ("call", model.CALLS_WORDING))
    for (channel, wording), was, will in zip(kinds, before, after, strict=True):
        if was == will:
            continue
        words = (wording, model.WORDING_VERSION) if will else ("", "")
        act = "given" if will else "withdrawn"
        how = (method or evidence.method, evidence.source[:300], evidence.address[:45], evidence.agent[:300])
        await tx.run(queries.consent, person, index, act, channel, *words, *how)
