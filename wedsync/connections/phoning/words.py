"""What we say back to people who text us or take our calls: short, plain, in their language, and nothing that only they
may hear. What answers STOP, START and HELP is in English, as carriers' rules have it.
"""

from typing import Final

from wedsync.notices.wording.tongues import ENGLISH, Tongue, family, shipped
from wedsync.phones.model import Asked

STOPPED: Final = "WedSync: you get no more texts and calls from us. Text START to get texts again."
STARTED: Final = "WedSync: you get texts about your weddings again. Text STOP to end them, HELP for help."
HELP: Final = (
    "WedSync texts you what changes in your weddings. Answer OK to confirm, NO if you cannot, STOP to get no texts. "
    "Message and data rates may apply."
)
KEYWORDS: Final = {"stop": STOPPED, "start": STARTED, "help": HELP}
NOTHING_ASKED: Final = "WedSync: nothing waits for your answer. Text HELP for help, STOP to get no texts."
ENDED: Final = "ended"


def tongue_of(locale: str | None) -> Tongue:
    """Of a language that we do not have: English."""
    return Tongue(locale=locale) if locale and family(locale)[-1] in shipped() else ENGLISH


def answered(outcome: str, asked: Asked) -> str:
    """What a text is answered with that was an answer itself."""
    tongue = tongue_of(asked.locale)
    values = {} if outcome == ENDED else {"title": asked.title or tongue.phrase("text_it")}
    return tongue.phrase(f"text_{outcome}", **values)


def unclear(asked: Asked) -> str:
    tongue = tongue_of(asked.locale)
    return tongue.phrase("text_unclear", code=asked.code, title=asked.title or tongue.phrase("text_it"))


def spoken(outcome: str, tongue: Tongue) -> str:
    """What a key in a call is answered with: `confirmed`, `cannot`, `newer`, `ended`; `thanks` for a repeat. And
    `settled`, and `machine`: anybody may hear a voice mail, and a voice mail confirms nothing.
    """
    return tongue.phrase(f"call_{outcome or 'thanks'}")


def not_a_choice(tongue: Tongue) -> str:
    return tongue.phrase("call_keys")
