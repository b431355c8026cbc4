"""What Constant Contact's answers mean in the words of the contract, as data (developer.constantcontact.com, V3).

A 429 is two things: too many in this second, which passes, and the day's allowance of the whole application used up,
which helps nobody to wait for before midnight UTC. Only `error_key` tells them apart; no header says when.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, TypeVar

import msgspec

from wedsync.connections import replies
from wedsync.connections.contract import Outcome, ReconnectNeeded, Rejected, RetryLater, Unknown
from wedsync.connections.marketing.allowance import until_midnight_s
from wedsync.connections.marketing.contract import Spent
from wedsync.connections.records.answers import decoded, tried
from wedsync.kit.http import Failure, Reply

Read = TypeVar("Read")
Kind = Literal["later", "busy", "spent", "conflict", "reconnect", "refused", "gone"]
BUSY_S: Final = 2.0
KEYS: Final[Mapping[tuple[int, str], Kind]] = {
    (400, "contacts.api.validation.error"): "refused",
    (400, "contacts.api.json.malformed"): "refused",
    (400, "activities.api.validation.error"): "refused",
    (400, "emails.api.validation.error"): "refused",
    (401, "unauthorized"): "reconnect",
    (403, "forbidden"): "reconnect",
    (403, "quota_exceeded"): "spent",
    (404, "not_found"): "gone",
    (404, "contacts.api.not_found"): "gone",
    (409, "contacts.api.conflict"): "conflict",
    (409, "emails.api.conflict"): "conflict",
    (415, "unsupported_media_type"): "refused",
    (429, "throttled"): "busy",
    (429, "quota_exceeded"): "spent",
    (500, "internal_server_error"): "later",
    (503, "service_unavailable"): "later",
}
"""Every error that is told apart, by status and key."""
BY_STATUS: Final[Mapping[int, Kind]] = {401: "reconnect", 403: "reconnect", 404: "gone", 409: "conflict", 429: "busy"}
"""What a status says where its key says nothing."""
SPENT: Final = "Constant Contact lets WedSync ask no more today. It goes on after midnight UTC."

CLOSED: Final = "Constant Contact does not let us in any more. Connect the account again."
GONE: Final = "There is no such thing in this Constant Contact account any more."


class Error(msgspec.Struct, frozen=True):
    """Of a list of them, of one alone, or of a bulk call, which has only a message."""

    error_key: str = ""
    error_message: str = ""
    message: str = ""


def read(exchange: Reply | Failure, kind: type[Read], *, now: datetime, makes: bool = False) -> Read | Spent | Outcome:
    """The answer, understood; or what is to be done. `makes`: asked again it might be there twice."""
    found = decoded(exchange, kind)
    return found if found is not None else trouble(exchange, now=now, makes=makes)


def trouble(exchange: Reply | Failure, *, now: datetime, makes: bool = False) -> Spent | Outcome:
    """What to do about an answer that is not what was asked for."""
    attempt = tried(exchange)
    if isinstance(exchange, Failure):
        if makes and exchange.may_have_arrived:
            return Unknown(reason=exchange.reason, repeat_is_safe=True, attempt=attempt)
        return replies.no_answer(exchange, attempt)
    if exchange.status < 300:
        return RetryLater(reason="Constant Contact's answer broke off or could not be read.", attempt=attempt)
    key = key_of(exchange)
    told = msgspec.structs.replace(attempt, detail=key)
    kind = kind_of(exchange.status, key)
    if kind == "spent":
        return Spent(reason=SPENT, after_s=until_midnight_s(now), attempt=told)
    if kind == "reconnect":
        return ReconnectNeeded(reason=CLOSED, attempt=told)
    if kind in ("gone", "refused"):
        reason = GONE if kind == "gone" else f"Constant Contact did not take it ({key or exchange.status})."
        return Rejected(reason=reason, attempt=told)
    after_s = replies.retry_after_s(exchange.headers, now=now) or (BUSY_S if kind == "busy" else None)
    return RetryLater(reason=f"Constant Contact answered {exchange.status}: not now.", after_s=after_s, attempt=told)


def kind_of(status: int, key: str) -> Kind:
    """One meaning for every answer; what nobody named is passing from 500 on, and refused below."""
    named = KEYS.get((status, key)) or BY_STATUS.get(status)
    if named is not None:
        return named
    return "later" if replies.is_passing(status) else "refused"


def key_of(reply: Reply) -> str:
    """The key of the first error; "" where the answer is none of theirs."""
    try:
        said = msgspec.json.decode(reply.body, type=list[Error] | Error)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    first = (said[0] if said else Error()) if isinstance(said, list) else said
    return first.error_key[:80]
