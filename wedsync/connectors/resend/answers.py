"""What Resend's answers mean (resend.com/docs/api-reference/errors): its table, and the contract's words for it."""

from datetime import datetime
from typing import Final

import msgspec

from wedsync.connections import replies
from wedsync.connections.contract import Attempt, Delivered, Outcome, Unknown, attempt_of
from wedsync.connections.mailing.taxonomy import Row, judged, to_outcome
from wedsync.kit.http import Failure, Reply

TITLE: Final = "Resend"
KEY: Final = "it does not take our key. Check WEDSYNC_RESEND_API_KEY."
DOMAIN: Final = "the domain of WEDSYNC_MAIL_FROM is not verified there, or we may not send from it."
RESTRICTED: Final = "restricted_api_key"

TABLE: Final = (
    Row(status=400, code="validation_error", kind="permanent"),
    Row(status=400, code="invalid_idempotency_key", kind="permanent"),
    Row(status=401, code="missing_api_key", kind="config", why=KEY),
    Row(status=401, code=RESTRICTED, kind="config", why=KEY),
    Row(status=401, kind="config", why=KEY),
    Row(status=403, code="validation_error", kind="config", why=DOMAIN),
    Row(status=403, code="invalid_api_key", kind="config", why=KEY),
    Row(status=403, code="suspended_api_key", kind="config", why=KEY),
    Row(status=403, code="invalid_permission", kind="config", why=KEY),
    Row(status=403, kind="config", why=DOMAIN),
    Row(status=404, code="not_found", kind="permanent"),
    Row(status=405, code="method_not_allowed", kind="permanent"),
    Row(
        status=409, code="concurrent_idempotent_requests", kind="unknown", why="the same mail is being taken just now."
    ),
    Row(status=409, code="invalid_idempotent_request", kind="permanent", why="another mail came with the same key."),
    Row(status=409, code="resource_locked", kind="retry"),
    Row(status=413, kind="permanent", why="the mail is too large."),
    Row(status=422, code="validation_error", kind="permanent"),
    Row(status=422, code="invalid_attachment", kind="permanent"),
    Row(status=422, code="invalid_parameter", kind="permanent"),
    Row(status=422, code="invalid_from_address", kind="config", why=DOMAIN),
    Row(status=422, code="missing_required_field", kind="permanent"),
    Row(status=422, code="missing_required_parameter", kind="permanent"),
    Row(status=429, code="rate_limit_exceeded", kind="wait"),
    Row(status=429, code="daily_quota_exceeded", kind="elsewhere", why="the day's quota is used up."),
    Row(status=429, code="monthly_quota_exceeded", kind="elsewhere", why="the month's quota is used up."),
    Row(status=429, kind="wait"),
    Row(status=500, code="application_error", kind="retry"),
    Row(status=503, code="service_unavailable", kind="retry"),
)


class _Error(msgspec.Struct, frozen=True):
    name: str = ""


class _Email(msgspec.Struct, frozen=True):
    id: str = ""


def read(exchange: Reply | Failure, *, now: datetime) -> Outcome:
    """Of a send. Whatever broke off may be with them; with the same key it can be asked again."""
    attempt: Attempt = msgspec.structs.replace(attempt_of(exchange), response_head="")
    if isinstance(exchange, Failure):
        if exchange.may_have_arrived:
            return Unknown(reason=exchange.reason, repeat_is_safe=True, attempt=attempt)
        return replies.no_answer(exchange, attempt)
    if exchange.status < 300:
        return _taken(exchange, attempt)
    if exchange.ending == "cut":
        return Unknown(reason="Resend's answer broke off.", repeat_is_safe=True, attempt=attempt)
    return refused(exchange, now=now, attempt=attempt)


def refused(reply: Reply, *, now: datetime, attempt: Attempt) -> Outcome:
    """Of their error only its name is kept: its message may quote an address."""
    code = code_of(reply)
    told: Attempt = msgspec.structs.replace(attempt, detail=code)
    outcome = to_outcome(judged(TABLE, reply.status, code), reply, title=TITLE, code=code, now=now, attempt=told)
    return msgspec.structs.replace(outcome, repeat_is_safe=True) if isinstance(outcome, Unknown) else outcome


def code_of(reply: Reply) -> str:
    try:
        return msgspec.json.decode(reply.body, type=_Error).name[:60]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def _taken(reply: Reply, attempt: Attempt) -> Outcome:
    """Accepted is accepted: an answer that cannot be read only hides their id, and hooks name ours."""
    try:
        return Delivered(remote_id=msgspec.json.decode(reply.body, type=_Email).id, attempt=attempt)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Delivered(attempt=attempt)
