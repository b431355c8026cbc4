"""The first invitation as a couple would read it: the one place that knows its words."""

from datetime import date

from wedsync.web import mail


def preview(*, business: str, couple: str, on: date | None, venue: str) -> mail.Words:
    """In the business's name, with what it knows filled in; nothing is sent."""
    return mail.compose("onboarding/notices/first_invitation.txt", business=business, couple=couple, on=on, venue=venue)
