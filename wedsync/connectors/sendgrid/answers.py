"""What SendGrid's answers mean (docs of the v3 API): its table by status, and the contract's words for it."""

from datetime import datetime
from typing import Final

import msgspec

from wedsync.connections import replies
from wedsync.connections.contract import Attempt, Delivered, Outcome, RetryLater, Unknown, attempt_of
from wedsync.connections.mailing.taxonomy import Row, judged, to_outcome
from wedsync.kit.http import Failure, Reply

TITLE: Final = "SendGrid"
KEY: Final = "it does not take our key. Check WEDSYNC_SENDGRID_API_KEY."
CREDITS: Final = "Maximum credits exceeded"
REST_S: Final = 60.0
"""Where it names no time; theirs are minutes."""

TABLE: Final = (
    Row(status=400, kind="permanent"),
    Row(status=401, code=CREDITS, kind="elsewhere", why="the account's mails are used up."),
    Row(status=401, kind="config", why=KEY),
    Row(
        status=403,
        kind="config",
        why="the key may not send, or the address of WEDSYNC_MAIL_FROM is not verified there.",
    ),
    Row(status=404, kind="permanent"),
    Row(status=405, kind="permanent"),
    Row(status=413, kind="permanent", why="the mail is too large."),
    Row(status=429, kind="wait"),
    Row(status=500, kind="retry"),
    Row(status=502, kind="retry"),
    Row(status=503, kind="retry"),
    # The gateway gave up on what stands behind it, which may have taken the mail.
    Row(status=504, kind="unknown", why="nobody there said in time whether the mail was taken."),
)


class _Error(msgspec.Struct, frozen=True):
    message: str | None = ""


class _Body(msgspec.Struct, frozen=True):
    errors: list[_Error] = []


def read(exchange: Reply | Failure, *, now: datetime) -> Outcome:
    """Of a send. What broke off may be with them, and the same again might be a second mail."""
    attempt: Attempt = msgspec.structs.replace(attempt_of(exchange), response_head="")
    if isinstance(exchange, Failure):
        if exchange.may_have_arrived:
            return Unknown(reason=exchange.reason, attempt=attempt)
        return replies.no_answer(exchange, attempt)
    if exchange.status < 300:
        # Their body is empty; the status alone is the receipt.
        return Delivered(remote_id=exchange.headers.get("x-message-id", "")[:200], attempt=attempt)
    return refused(exchange, now=now, attempt=attempt)


def refused(reply: Reply, *, now: datetime, attempt: Attempt) -> Outcome:
    """Of their errors only what we know by name is kept: a message may quote an address."""
    code = CREDITS if any((one.message or "").startswith(CREDITS) for one in _errors(reply)) else ""
    told: Attempt = msgspec.structs.replace(attempt, detail=code)
    outcome = to_outcome(judged(TABLE, reply.status, code), reply, title=TITLE, code=code, now=now, attempt=told)
    if isinstance(outcome, RetryLater) and outcome.after_s is None and reply.status == 429:
        return msgspec.structs.replace(outcome, after_s=reset_s(reply, now=now))
    return outcome


def reset_s(reply: Reply, *, now: datetime) -> float:
    """Until `X-RateLimit-Reset`, which is a second of the clock."""
    text = reply.headers.get("x-ratelimit-reset", "")
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        return REST_S
    return min(max(int(text) - now.timestamp(), 1.0), replies.RETRY_AFTER_MAX_S)


def _errors(reply: Reply) -> list[_Error]:
    try:
        return msgspec.json.decode(reply.body, type=_Body).errors
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
