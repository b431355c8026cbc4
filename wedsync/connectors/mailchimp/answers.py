"""What Mailchimp's answers mean in the words of the contract, as data (RFC 7807 problems; their docs).

Mailchimp tells no limits in headers: ten simultaneous calls of one user are a 429, and when very many come a 403 or 429
without JSON, which says nothing of the account. Nothing of a body is kept but a problem's title.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, TypeVar

import msgspec

from wedsync.connections import replies
from wedsync.connections.contract import Outcome, ReconnectNeeded, Rejected, RetryLater, Unknown
from wedsync.connections.records.answers import decoded, is_page, tried
from wedsync.kit.http import Failure, Reply

Read = TypeVar("Read")
Kind = Literal["later", "busy", "reconnect", "refused", "compliance", "gone"]
BUSY_S: Final = 30.0
TITLES: Final[Mapping[tuple[int, str], Kind]] = {
    (400, "Member In Compliance State"): "compliance",
    (400, "Forgotten Email Not Subscribed"): "compliance",
    (400, "Member Exists"): "refused",
    (400, "Invalid Resource"): "refused",
    (400, "Invalid Action"): "refused",
    (400, "Bad Request"): "refused",
    (400, "JSON Parse Error"): "refused",
    (401, "API Key Invalid"): "reconnect",
    (401, "API Key Missing"): "reconnect",
    (403, "User Disabled"): "reconnect",
    (403, "Forbidden"): "reconnect",
    (403, "Wrong Datacenter"): "reconnect",
    (403, "Compliance Related"): "reconnect",
    (404, "Resource Not Found"): "gone",
    (405, "Method Not Allowed"): "refused",
    (414, "Resource Nesting Too Deep"): "refused",
    (422, "Invalid Method Override"): "refused",
    (422, "Requested Fields Invalid"): "refused",
    (429, "Too Many Requests"): "busy",
    (500, "Internal Server Error"): "later",
    (503, "Compliance Related"): "reconnect",
}
"""Every problem that is told apart, by its status and title."""
BY_STATUS: Final[Mapping[int, Kind]] = {401: "reconnect", 404: "gone", 410: "gone", 429: "busy"}
"""What a status says where its title says nothing. A 403 without JSON is too many calls, not a closed account."""
WORDS: Final = {
    "Member In Compliance State": "They unsubscribed or bounced there; only they themselves can come back.",
    "Forgotten Email Not Subscribed": "They were deleted there for good; only they themselves can come back.",
    "Resource Not Found": "There is no such thing in this Mailchimp account any more.",
}


class Problem(msgspec.Struct, frozen=True):
    """As RFC 7807 has it."""

    title: str = ""
    status: int = 0
    detail: str = ""


def read(exchange: Reply | Failure, kind: type[Read], *, now: datetime, makes: bool = False) -> Read | Outcome:
    """The answer, understood; or what is to be done. `makes`: asked again it might be there twice."""
    found = decoded(exchange, kind)
    return found if found is not None else trouble(exchange, now=now, makes=makes)


def trouble(exchange: Reply | Failure, *, now: datetime, makes: bool = False) -> Outcome:
    """What to do about an answer that is not what was asked for."""
    attempt = tried(exchange)
    if isinstance(exchange, Failure):
        if makes and exchange.may_have_arrived:
            return Unknown(reason=exchange.reason, repeat_is_safe=True, attempt=attempt)
        return replies.no_answer(exchange, attempt)
    if exchange.status < 300:
        return RetryLater(reason="Mailchimp's answer broke off or could not be read.", attempt=attempt)
    problem = problem_of(exchange)
    title = "" if problem is None else problem.title[:80]
    told = msgspec.structs.replace(attempt, detail=title)
    match kind_of(exchange.status, problem):
        case "busy":
            rest_s = replies.retry_after_s(exchange.headers, now=now) or BUSY_S
            return RetryLater(reason="Mailchimp takes no more calls at once: not now.", after_s=rest_s, attempt=told)
        case "later":
            after_s = replies.retry_after_s(exchange.headers, now=now)
            return RetryLater(reason=f"Mailchimp answered {exchange.status}: not now.", after_s=after_s, attempt=told)
        case "reconnect":
            reason = f"Mailchimp does not let us in any more ({title or exchange.status}). Connect the account again."
            return ReconnectNeeded(reason=reason, attempt=told)
    reason = WORDS.get(title, f"Mailchimp did not take it ({title or exchange.status}).")
    return Rejected(reason=reason, attempt=told)


def kind_of(status: int, problem: Problem | None) -> Kind:
    """One meaning for every answer; what nobody named is passing from 500 on, and refused below."""
    if problem is not None and (status, problem.title) in TITLES:
        return TITLES[status, problem.title]
    if status == 403:
        return "busy" if problem is None else "reconnect"
    if status in BY_STATUS:
        return BY_STATUS[status]
    return "later" if replies.is_passing(status) else "refused"


def problem_of(reply: Reply) -> Problem | None:
    """None where the answer is no JSON."""
    if is_page(reply):
        return None
    try:
        return msgspec.json.decode(reply.body, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
