"""Twilio's error codes and what each means for a text or call: data, with a test per row.

Sources: twilio.com/docs/api/errors. `fate` counts for a text that was taken and did not arrive (a status callback),
`outcome` for a request that was refused.
"""

from typing import Final, Literal, NamedTuple

from wedsync.connections.phoning.contract import Fate

Verdict = Literal["retry", "rejected", "reconnect"]


class Row(NamedTuple):
    outcome: Verdict
    fate: Fate
    reason: str


OPERATOR: Final = "The operator of this installation must mend that at Twilio."
ERRORS: Final[dict[int, Row]] = {
    20003: Row("reconnect", "ours", f"Twilio does not accept the account's credentials. {OPERATOR}"),
    20404: Row("rejected", "ours", f"Twilio knows no such account or service. {OPERATOR}"),
    20429: Row("retry", "again", "Twilio takes no more at once; nothing was sent."),
    20503: Row("retry", "again", "Twilio is not available."),
    21211: Row("rejected", "invalid", "This is not a phone number."),
    21214: Row("rejected", "invalid", "This number cannot be called."),
    21408: Row("rejected", "ours", f"The account may not text this country. {OPERATOR}"),
    21215: Row("rejected", "ours", f"The account may not call this country. {OPERATOR}"),
    21603: Row("rejected", "ours", f"There is no number to send from. {OPERATOR}"),
    21604: Row("rejected", "refused", "There is no number to send to."),
    21606: Row("rejected", "ours", f"The number to send from is not the account's. {OPERATOR}"),
    21608: Row("rejected", "ours", f"The account is a trial and texts verified numbers only. {OPERATOR}"),
    21610: Row("rejected", "stopped", "The person has answered STOP: no text reaches this number."),
    21612: Row("rejected", "call", "No text can be routed to this number."),
    21614: Row("rejected", "call", "This is not a mobile number: it takes calls, not texts."),
    21617: Row("rejected", "refused", "The text is too long."),
    21635: Row("rejected", "call", "This is a landline: it takes calls, not texts."),
    21703: Row("rejected", "ours", f"The messaging service has no number to send from. {OPERATOR}"),
    30001: Row("retry", "again", "Twilio's queue is full."),
    30002: Row("rejected", "ours", f"The account is suspended. {OPERATOR}"),
    30003: Row("retry", "again", "The phone is off or without signal."),
    30004: Row("rejected", "refused", "The text was blocked."),
    30005: Row("rejected", "invalid", "Nobody has this number."),
    30006: Row("rejected", "call", "This number takes calls, not texts."),
    30007: Row("rejected", "refused", "The carrier filtered the text."),
    30008: Row("retry", "again", "The carrier does not say why the text did not arrive."),
    30034: Row("rejected", "ours", f"The sender is not registered with the carriers of the United States. {OPERATOR}"),
    30500: Row("retry", "again", "Twilio failed by itself."),
}
UNKNOWN: Final = Row("rejected", "refused", "Twilio refused it.")


def row(code: int | None) -> Row:
    """What is known of a code; one that nobody has heard of is refused."""
    return UNKNOWN if code is None else ERRORS.get(code, UNKNOWN)
