"""The starter set: letters that most wedding businesses write, as plain HTML that every mail program shows; pure.

A supplier copies one and makes it its own; ours are overwritten when our words change. Nothing of a wedding is in any.
The two placeholders are filled by the provider's connector with its own merge tags.
"""

import hashlib
from html import escape
from typing import Final

from wedsync.connections.marketing.contract import Template

FIRST_NAME: Final = "{{first_name}}"
UNSUBSCRIBE: Final = "{{unsubscribe}}"
PREFIX: Final = "WedSync: "
LETTERS: Final = (
    (
        "enquiry_welcome",
        "Thank you for asking",
        "Thank you for asking, and what happens next",
        (
            "Thank you for thinking of us for your wedding. We read every message and answer within two days.",
            "Until then: look at a few weddings we have been part of, and write down the three moments that matter "
            "most to you. They make our first talk a good one.",
        ),
    ),
    (
        "booking_confirmed",
        "Booking confirmed",
        "You are in our calendar",
        (
            "Your date is ours now, and we look forward to it.",
            "Nothing is needed from you today. We write again when it is time to talk about the details; whatever "
            "changes before that, tell us and it is noted at once.",
        ),
    ),
    (
        "six_months",
        "Six months to go",
        "Six months to go: what we need and when",
        (
            "Half a year is a good time to settle the things that others depend on: times of ceremony and reception, "
            "how many you will be, and who may be called on the day.",
            "Most couples do it in one evening. We are glad to help with any of it.",
        ),
    ),
    (
        "final_details",
        "The last details",
        "The last details before your day",
        (
            "Two weeks before the day we go through everything once more: times, places, names, and what must not be "
            "forgotten.",
            "After that you should have to think of none of it.",
        ),
    ),
    (
        "thank_you",
        "Thank you",
        "Thank you for letting us be there",
        (
            "It was a pleasure to be part of your day.",
            "If you have a minute, other couples read what you write about us. Two honest sentences help them more "
            "than any advertisement.",
        ),
    ),
    (
        "anniversary",
        "First anniversary",
        "One year ago today",
        (
            "A year has gone by. We hope it was a good one.",
            "If you celebrate, in whatever way, we would be glad to be part of it again.",
        ),
    ),
)
PAGE: Final = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    '<meta name="color-scheme" content="light dark"><title>{subject}</title></head>'
    '<body style="margin:0;background:#f6f3ee;color:#2b2724">'
    '<div style="max-width:560px;margin:0 auto;padding:32px 20px;font:17px/1.55 Georgia,serif">'
    '<p style="font-size:14px;margin:0 0 24px">{business}</p>'
    '<h1 style="font-size:26px;line-height:1.25;font-weight:normal;margin:0 0 20px">{subject}</h1>'
    "<p>Dear " + FIRST_NAME + ",</p>{body}<p>{business}</p>"
    '<p style="font-size:13px;margin-top:40px;color:#6a635b">You read this because you agreed to it. '
    '<a href="' + UNSUBSCRIBE + '" style="color:#6a635b">Unsubscribe</a></p></div></body></html>'
)


def templates(business: str) -> tuple[Template, ...]:
    """All of them, signed by the business."""
    return tuple(
        Template(
            name=name,
            title=f"{PREFIX}{title}",
            subject=subject,
            business=business,
            html=PAGE.replace("{subject}", escape(subject))
            .replace("{business}", escape(business))
            .replace("{body}", "".join(f"<p>{escape(text)}</p>" for text in paragraphs)),
        )
        for name, title, subject, paragraphs in LETTERS
    )


def digest(template: Template) -> str:
    """The same as long as nothing of it is written otherwise."""
    plain = "\0".join((template.title, template.subject, template.html))
    return hashlib.blake2b(plain.encode(), digest_size=16).hexdigest()
