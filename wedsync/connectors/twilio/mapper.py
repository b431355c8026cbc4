"""From a message for a person to Twilio's forms, and from its hooks to our words; TwiML is written here too."""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from xml.sax.saxutils import escape

import msgspec

from wedsync.connections.phoning.contract import Form, Heard, Keyword, Message, Picked, Status
from wedsync.connectors.twilio import taxonomy

BODY_MAX: Final = 1600
VALIDITY_MIN_S, VALIDITY_MAX_S = 6, 36_000
RING_S: Final = 25
DETECTION_S: Final = 5
ANSWER_S: Final = 8
VOICES: Final = {
    "en-US": "Polly.Joanna",
    "en-GB": "Polly.Amy",
    "en-AU": "Polly.Nicole",
    "de-DE": "Polly.Vicki",
    "nl-NL": "Polly.Lotte",
    "fr-FR": "Polly.Lea",
    "fr-CA": "Polly.Chantal",
    "es-ES": "Polly.Lucia",
    "es-MX": "Polly.Mia",
}
"""A voice speaks one language; with another `<Say>` fails. twilio.com/docs/voice/twiml/say/text-speech"""
SPOKEN: Final = {"en": "en-US", "de": "de-DE", "nl": "nl-NL", "fr": "fr-FR", "es": "es-ES"}
"""Of a language the region whose voice speaks it where the region asked for has none."""
RANKS: Final[dict[str, tuple[int, bool]]] = {
    # of texts
    "scheduled": (1, False),
    "accepted": (2, False),
    "queued": (3, False),
    "sending": (4, False),
    "sent": (5, False),
    "canceled": (6, True),
    "failed": (7, True),
    "undelivered": (7, True),
    "partially_delivered": (8, True),
    "delivered": (9, True),
    "read": (10, True),
    # of calls
    "initiated": (3, False),
    "ringing": (4, False),
    "in-progress": (5, False),
    "answered": (5, False),
    "busy": (7, True),
    "no-answer": (7, True),
    "completed": (9, True),
}
"""Callbacks come in no order: how far along each state is, and whether it is the last."""
KEYWORDS: Final[dict[str, Keyword]] = {
    **dict.fromkeys(
        ("stop", "stopall", "quit", "end", "revoke", "optout", "opt out", "cancel", "unsubscribe", "stop please"),
        "stop",
    ),
    **dict.fromkeys(("start", "unstop"), "start"),
    **dict.fromkeys(("help", "info"), "help"),
}
"""47 CFR 64.1200(a)(10), and what Twilio itself takes for these; YES confirms, so it does not subscribe."""
MACHINES: Final = frozenset({"machine_start", "machine_end_beep", "machine_end_silence", "machine_end_other", "fax"})


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator has at Twilio. Without a messaging service texts come from the number."""

    number: str
    notices: str = ""
    emergency: str = ""


def read(message: Mapping[str, Any]) -> Message:
    """Raises msgspec.ValidationError for a message of the wrong shape."""
    return msgspec.convert(dict(message), Message)


def to_text(message: Message, sender: Sender) -> dict[str, str]:
    """The form of a text."""
    service = sender.emergency if message.service == "emergency" else sender.notices
    service = service or sender.notices
    return {
        "To": message.to,
        **({"MessagingServiceSid": service} if service else {"From": sender.number}),
        "Body": message.body[:BODY_MAX],
        "ValidityPeriod": str(min(max(message.validity_s, VALIDITY_MIN_S), VALIDITY_MAX_S)),
        **({"StatusCallback": message.status_url} if message.status_url else {}),
    }


def to_call(message: Message, sender: Sender) -> list[tuple[str, str]]:
    """The form of a call; it is found out first whether a person has answered."""
    return [
        ("To", message.to),
        ("From", sender.number),
        ("Url", message.voice_url),
        ("Timeout", str(RING_S)),
        ("MachineDetection", "Enable"),
        ("MachineDetectionTimeout", str(DETECTION_S)),
        ("StatusCallback", message.status_url),
        *[("StatusCallbackEvent", event) for event in ("ringing", "answered", "completed")],
    ]


def is_same(message: Message, found: Mapping[str, Any]) -> bool:
    """Whether what Twilio has is this one: sent by us since it was owed, and of a text the same words."""
    if not message.at or str(found.get("direction", "")) != "outbound-api":
        return False
    try:
        made = parsedate_to_datetime(str(found.get("date_created", "")))
    except ValueError:
        return False
    # Their time is in whole seconds.
    is_since = made >= datetime.fromisoformat(message.at).replace(microsecond=0)
    return is_since and (message.kind == "call" or found.get("body") == message.body[:BODY_MAX])


def status(form: Form) -> Status:
    """A status callback of a text or a call. Raises ValueError."""
    sid = form.get("MessageSid") or form.get("CallSid") or ""
    state = form.get("MessageStatus") or form.get("CallStatus") or ""
    if not sid or state not in RANKS:
        raise ValueError("it is no status of a text or call")
    rank, is_last = RANKS[state]
    code = form.get("ErrorCode", "")
    number = int(code) if code.isascii() and code.isdigit() and code != "0" else None
    is_lost = state in ("failed", "undelivered") and "MessageSid" in form
    known = taxonomy.row(number)
    return Status(
        key=f"{sid}.{state}",
        sid=sid,
        state=state,
        rank=rank,
        is_last=is_last,
        code=number,
        fate=known.fate if is_lost else "",
        reason=known.reason if is_lost or number is not None else "",
    )


def heard(form: Form) -> Heard:
    """A text that came in. Raises ValueError."""
    sid, sender = form.get("MessageSid", ""), form.get("From", "")
    if not sid or not sender.startswith("+"):
        raise ValueError("it is no text from a number")
    text = form.get("Body", "")
    own = form.get("OptOutType", "").lower()
    return Heard(
        key=sid,
        sid=sid,
        sender=sender,
        text=text,
        keyword=KEYWORDS.get(own or keyword_of(text), ""),
        is_answered=own in KEYWORDS,
    )


def keyword_of(text: str) -> str:
    """The words as they are compared: without signs around them, in small letters."""
    return " ".join(text.lower().strip(" \t\r\n.,!?\"'*-").split())


def picked(form: Form) -> Picked:
    """A call that was taken, or a key that was pressed in one. Raises ValueError."""
    sid = form.get("CallSid", "")
    if not sid:
        raise ValueError("it is no call")
    return Picked(sid=sid, is_machine=form.get("AnsweredBy", "") in MACHINES, digits=form.get("Digits", ""))


def reply(text: str) -> bytes:
    return _twiml(f"<Message>{escape(text)}</Message>" if text else "")


def say(text: str, *, locale: str) -> bytes:
    return _twiml(f"{_said(text, locale)}<Hangup/>")


def ask(text: str, *, url: str, locale: str) -> bytes:
    """Asked twice; who presses nothing has confirmed nothing."""
    gather = (
        f'<Gather input="dtmf" numDigits="1" timeout="{ANSWER_S}" method="POST" action="{_attribute(url)}">'
        f"{_said(text, locale)}</Gather>"
    )
    return _twiml(f"{gather}{gather}<Hangup/>")


def _said(text: str, locale: str) -> str:
    language = locale if locale in VOICES else SPOKEN.get(locale.partition("-")[0], SPOKEN["en"])
    return f'<Say voice="{VOICES[language]}" language="{language}">{escape(text)}</Say>'


def _attribute(text: str) -> str:
    return escape(text, {'"': "&quot;"})


def _twiml(inside: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{inside}</Response>'.encode()
