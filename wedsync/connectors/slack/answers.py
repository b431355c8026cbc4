"""What Slack's answers mean in the words of the contract (docs.slack.dev, and the errors of each method).

Most failures are a 200 with `ok: false` and an error; the error alone is kept, never what was said beside it. A call
whose answer was lost may have been done, and Slack knows no idempotency key: it is looked for before it is repeated.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, TypeVar

import msgspec

from wedsync.connections import replies
from wedsync.connections.contract import Attempt, Outcome, ReconnectNeeded, Rejected, RetryLater, Unknown, attempt_of
from wedsync.kit.http import Failure, Reply

Read = TypeVar("Read")
Kind = Literal["reconnect", "later", "rejected"]
ERRORS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(
        [
            *("not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired", "missing_scope"),
            *("org_login_required", "ekm_access_denied", "no_permission", "not_allowed_token_type", "access_denied"),
            "team_access_not_granted",
        ],
        "reconnect",
    ),
    **dict.fromkeys(
        [
            *("ratelimited", "rate_limited", "fatal_error", "internal_error", "service_unavailable"),
            *("request_timeout", "team_added_to_org", "accesslimited", "message_limit_exceeded"),
        ],
        "later",
    ),
    **dict.fromkeys(
        [
            *("channel_not_found", "is_archived", "not_in_channel", "msg_too_long", "no_text", "too_many_attachments"),
            *(
                "invalid_blocks",
                "invalid_blocks_format",
                "restricted_action",
                "user_is_restricted",
                "invalid_arguments",
            ),
            *("invalid_name", "invalid_name_required", "invalid_name_punctuation", "invalid_name_maxlength"),
            *("invalid_name_specials", "name_taken", "ura_max_channels", "cannot_create_channel", "metadata_too_large"),
            *("message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found", "block_mismatch"),
            *("already_archived", "users_not_found", "user_not_found", "cant_invite_self", "cant_invite"),
            *("already_in_channel", "method_not_supported_for_channel_type", "restricted_action_read_only_channel"),
        ],
        "rejected",
    ),
}
"""Every error that is told apart. Another one with `ok: false` is refused: what Slack did not take it will not take."""
WORDS: Final = {
    "channel_not_found": "The channel is no longer there, or WedSync was removed from it.",
    "is_archived": "The channel was archived in Slack.",
    "not_in_channel": "WedSync was removed from the channel. Invite it again.",
    "restricted_action": "The workspace does not let apps do this. An admin of it can allow it.",
    "user_is_restricted": "The workspace does not let apps do this. An admin of it can allow it.",
    "ura_max_channels": "The workspace has as many channels as it may have.",
}
"""What people can do something about."""


class Error(msgspec.Struct, frozen=True):
    ok: bool
    error: str = ""


def read(exchange: Reply | Failure, kind: type[Read], *, now: datetime, makes: bool = False) -> Read | Error | Outcome:
    """The answer, understood; an error that is about what was asked; or what is to be done.

    `makes`: done twice it would be there twice.
    """
    attempt: Attempt = msgspec.structs.replace(attempt_of(exchange), response_head="")
    if isinstance(exchange, Failure):
        if makes and exchange.may_have_arrived:
            return Unknown(reason=exchange.reason, repeat_is_safe=True, attempt=attempt)
        return replies.no_answer(exchange, attempt)
    if exchange.status != 200:
        return _refused(exchange, attempt, now)
    if exchange.ending != "whole":
        return Unknown(reason="Slack's answer broke off.", repeat_is_safe=True, attempt=attempt)
    try:
        said = msgspec.json.decode(exchange.body, type=Error)
        if said.ok:
            return msgspec.json.decode(exchange.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Unknown(reason="Slack's answer could not be read.", repeat_is_safe=True, attempt=attempt)
    return _meant(said, msgspec.structs.replace(attempt, detail=said.error[:80]), exchange, now)


def refusal(error: Error) -> Rejected:
    """An error that nobody made anything of."""
    reason = WORDS.get(error.error, f"Slack did not take it ({error.error[:80]}).")
    return Rejected(reason=reason, attempt=Attempt(status=200, detail=error.error[:80]))


def _meant(said: Error, told: Attempt, reply: Reply, now: datetime) -> Error | Outcome:
    match ERRORS.get(said.error, "rejected"):
        case "reconnect":
            reason = f"Slack no longer lets us in ({said.error}). Connect the workspace again."
            return ReconnectNeeded(reason=reason, attempt=told)
        case "later":
            after_s = replies.retry_after_s(reply.headers, now=now)
            return RetryLater(reason=f"Slack answered {said.error}: not now.", after_s=after_s, attempt=told)
    return said


def _refused(reply: Reply, attempt: Attempt, now: datetime) -> Outcome:
    why = f"Slack answered {reply.status}"
    if replies.is_passing(reply.status):
        after_s = replies.retry_after_s(reply.headers, now=now)
        return RetryLater(reason=f"{why}: not now.", after_s=after_s, attempt=attempt)
    if reply.status in (401, 403):
        return ReconnectNeeded(reason=f"{why}: it no longer lets us in. Connect the workspace again.", attempt=attempt)
    return Rejected(reason=f"{why}.", attempt=attempt)
