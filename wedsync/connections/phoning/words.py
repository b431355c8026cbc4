"""What we say back to people who text us or take our calls: short, plain, and nothing that only they may hear."""

from typing import Final

from wedsync.phones.model import Asked

IT: Final = "it"
STOPPED: Final = "WedSync: you get no more texts and calls from us. Text START to get texts again."
STARTED: Final = "WedSync: you get texts about your weddings again. Text STOP to end them, HELP for help."
HELP: Final = (
    "WedSync texts you what changes in your weddings. Answer OK to confirm, NO if you cannot, STOP to get no texts. "
    "Message and data rates may apply."
)
KEYWORDS: Final = {"stop": STOPPED, "start": STARTED, "help": HELP}
NOTHING_ASKED: Final = "WedSync: nothing waits for your answer. Text HELP for help, STOP to get no texts."
ANSWERED: Final = {
    "confirmed": "Thank you. Confirmed: {title}",
    "cannot": "Thank you. The couple is told that you cannot: {title}",
    "newer": "That has changed again since. Please look at the newest text, or in WedSync: {title}",
    "ended": "You do not work on this wedding any more, so nothing waits for your answer.",
}
SETTLED: Final = "Hello. This is WedSync. What we called about is settled. Goodbye."
MACHINE: Final = "Hello. This is WedSync, with news of a wedding. Please look in WedSync. Goodbye."
"""Anybody may hear a voice mail, and a voice mail confirms nothing."""
NOT_A_CHOICE: Final = "Press 1 to confirm. Press 2 if you cannot."
SPOKEN: Final = {
    "confirmed": "Thank you. It is confirmed. Goodbye.",
    "cannot": "Thank you. The couple is told that you cannot. Goodbye.",
    "newer": "This has changed again since. Please look in WedSync. Goodbye.",
    "ended": "You do not work on this wedding any more. Goodbye.",
    "": "Thank you. Goodbye.",
}


def unclear(asked: Asked) -> str:
    return f"WedSync: please answer OK {asked.code} to confirm, or NO {asked.code} if you cannot: {asked.title or IT}"
