"""What Stripe's answers mean in the words of the contract (docs.stripe.com/error-handling).

Of an error only its code is kept: its message may quote what was sent. Every call that moves money has an idempotency
key, so a repeat is always safe.
"""

from datetime import datetime
from typing import Final, TypeVar

import msgspec

from wedsync.connections import replies
from wedsync.connections.contract import Attempt, Outcome, ReconnectNeeded, Rejected, RetryLater, Unknown, attempt_of
from wedsync.kit.http import Failure, Reply

Read = TypeVar("Read")
WORDS: Final = {
    "amount_too_small": "Stripe charges no amount this small.",
    "amount_too_large": "Stripe charges no amount this large at once.",
    "charge_already_refunded": "All of it has been refunded already.",
    "charge_disputed": "It is disputed: the bank decides, and nothing can be refunded meanwhile.",
    "currency_not_supported": "This account takes no payments in this currency.",
    "charges_not_enabled": "Stripe does not let this account take payments yet. Its owner finishes that at Stripe.",
    "insufficient_capabilities_for_transfer": "Stripe does not let this account take payments yet.",
}
"""What people can do something about."""


class _Error(msgspec.Struct, frozen=True):
    type: str = ""
    code: str = ""
    decline_code: str | None = None


class _Body(msgspec.Struct, frozen=True):
    error: _Error = _Error()


def read(exchange: Reply | Failure, kind: type[Read], *, now: datetime, moves: bool = False) -> Read | Outcome:
    """The answer, understood; or what is to be done. `moves`: the call was one that moves money."""
    attempt: Attempt = msgspec.structs.replace(attempt_of(exchange), response_head="")
    if isinstance(exchange, Failure):
        if moves and exchange.may_have_arrived:
            return Unknown(reason=exchange.reason, repeat_is_safe=True, attempt=attempt)
        return replies.no_answer(exchange, attempt)
    if exchange.status < 300 and exchange.ending == "whole":
        try:
            return msgspec.json.decode(exchange.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Unknown(reason="Stripe's answer could not be read.", repeat_is_safe=True, attempt=attempt)
    if exchange.status < 300:
        return Unknown(reason="Stripe's answer broke off.", repeat_is_safe=True, attempt=attempt)
    return _refused(exchange, attempt, now)


def is_unconnected(exchange: Reply | Failure) -> bool:
    """OAuth's own answer for an account that is not, or no longer, connected to this platform."""
    return isinstance(exchange, Reply) and exchange.status == 401 and b'"invalid_client"' in exchange.body


def _refused(reply: Reply, attempt: Attempt, now: datetime) -> Outcome:
    error = _error(reply)
    why = f"Stripe answered {reply.status}" + (f" ({error.code or error.type})" if error.code or error.type else "")
    told: Attempt = msgspec.structs.replace(attempt, detail=error.code or error.type)
    # 409: the same key is being worked on at this moment.
    if replies.is_passing(reply.status) or reply.status == 409:
        after_s = replies.retry_after_s(reply.headers, now=now)
        return RetryLater(reason=f"{why}: not now.", after_s=after_s, attempt=told)
    if error.code in ("account_invalid", "platform_account_required") or reply.status == 403:
        reason = f"{why}: the account no longer lets us in. Connect Stripe again."
        return ReconnectNeeded(reason=reason, attempt=told)
    if reply.status == 401:
        reason = f"{why}: it does not accept this installation's key. Its operator must mend that."
        return RetryLater(reason=reason, is_ours=True, attempt=told)
    return Rejected(reason=WORDS.get(error.code, f"{why}."), attempt=told)


def _error(reply: Reply) -> _Error:
    try:
        return msgspec.json.decode(reply.body, type=_Body).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Error()
