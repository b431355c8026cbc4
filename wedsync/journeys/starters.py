"""Journeys to begin from: what photographers, venues and planners tell their couples, and when."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from wedsync.journeys.model import Lane, Milestone, NewJourney, Step, When


def _when(anchor: Any, days: int = 0, at: str = "") -> When:
    return When(anchor=anchor, days=days, at=at)


def _mail(title: str, when: When, subject: str, words: str, **more: Any) -> Step:
    return Step(kind="mail", title=title, when=when, subject=subject, words=words, **more)


def _form(title: str, when: When, form: str) -> Step:
    return Step(kind="form", title=title, when=when, form=form, late="now")


def _task(title: str, when: When, due_days: int, whom: Any = "us") -> Step:
    return Step(kind="task", title=title, when=when, due_days=due_days, for_whom=whom, late="now")


def _wait(title: str, milestone: Milestone, days_max: int, when: When) -> Step:
    return Step(kind="wait", title=title, milestone=milestone, days_max=days_max, when=when)


WELCOME: Final = (
    "Dear {couple},\n\n"
    "we are so glad to be part of your wedding. From now on you find everything about us in one place: what we need "
    "from you, by when, and whom to call.\n\n"
    "If anything changes, change it there once: we see it at once.\n\n"
    "{business}"
)
DETAILS: Final = (
    "Dear {couple},\n\n"
    "{days_to_go} days to go. Please look over the times and places once more: what stands there is what we work by."
    "\n\n{business}"
)
REVIEW: Final = (
    "Dear {couple},\n\n"
    "we hope you are back in daily life with a smile. If you were happy with us, a few sentences help the next couple "
    "to find us.\n\nThank you,\n\n{business}"
)
ADDRESS: Final = "https://example.com/write-a-review"

PHOTOGRAPHER: Final = NewJourney(
    name="Photographer: from booking to album",
    starts="booking",
    steps=[
        _mail("Welcome", _when("booking"), "We will photograph your wedding", WELCOME, late="now"),
        _form("Photo questionnaire", _when("wedding", -60), "Photo questionnaire"),
        _mail("Four weeks to go", _when("wedding", -28), "{days_to_go} days to go", DETAILS),
        Step(
            key="asked",
            kind="branch",
            title="Are the final details in?",
            when=_when("wedding", -14),
            milestone="final_details",
        ),
        Step(
            kind="text",
            title="Remind them of the details",
            when=_when("wedding", -13, "10:00"),
            words="Hello {name}, please look over the times and places of your day once more. Thank you!",
            only=Lane(step="asked", answer="no"),
        ),
        _task("Prepare the shot list", _when("wedding", -10), 5),
        _mail(
            "After the day",
            _when("end", 2),
            "What a day",
            "Dear {couple},\n\nthank you for letting us be there. We are looking through everything now, "
            "and write to you when there is something to see.\n\n{business}",
        ),
        _wait("Until the photos are delivered", "photos_delivered", 120, _when("end")),
        Step(
            kind="review",
            title="Ask for a review",
            when=_when("before", 7, "18:00"),
            subject="How was it?",
            words=REVIEW,
            url=ADDRESS,
        ),
        _mail(
            "Albums and prints",
            _when("before", 21, "18:00"),
            "Your photos on paper",
            "Dear {couple},\n\nyour pictures deserve paper. Until the end of the month we make albums and "
            "prints for you at a special price.\n\n{business}",
            is_marketing=True,
        ),
    ],
)
VENUE: Final = NewJourney(
    name="Venue: final numbers and the day",
    starts="booking",
    steps=[
        _mail("Welcome", _when("booking"), "Your wedding at our house", WELCOME, late="now"),
        _form("Final details", _when("wedding", -45), "Venue final details"),
        _task("Choose menus and drinks", _when("wedding", -60), 14, "couple"),
        _mail(
            "Final numbers",
            _when("wedding", -21),
            "Final numbers by next week",
            "Dear {couple},\n\nthe kitchen orders in a week. Please close the answers of your guests and "
            "take the final numbers.\n\n{business}",
        ),
        Step(
            key="numbers",
            kind="branch",
            title="Are the final numbers in?",
            when=_when("wedding", -14),
            milestone="final_details",
        ),
        Step(
            kind="text",
            title="Remind them of the numbers",
            when=_when("wedding", -13, "10:00"),
            words="Hello {name}, the kitchen needs your final numbers. Could you take them today? Thank you!",
            only=Lane(step="numbers", answer="no"),
        ),
        Step(kind="webhook", title="Tell our booking system", when=_when("wedding", -7), call="wedding.week"),
        Step(
            kind="review",
            title="Ask for a review",
            when=_when("end", 10, "18:00"),
            subject="How was it?",
            words=REVIEW,
            url=ADDRESS,
        ),
    ],
)
PLANNER: Final = NewJourney(
    name="Planner: a year together",
    starts="booking",
    steps=[
        _mail("Welcome", _when("booking"), "We plan your wedding together", WELCOME, late="now"),
        _task("First meeting", _when("booking", 3), 14),
        _task("Choose your suppliers", _when("booking", 14), 60, "couple"),
        _wait("Until six months before", "six_months", 400, _when("booking")),
        _mail(
            "Six months to go",
            _when("before", 0, "10:00"),
            "Half a year to go",
            "Dear {couple},\n\nhalf a year from now you marry. We look over the budget, the schedule and "
            "everybody who works for you, and send you what is open.\n\n{business}",
        ),
        _task("Confirm every supplier", _when("wedding", -30), 10),
        _mail("Last week", _when("wedding", -7), "The last week", DETAILS),
        Step(
            kind="review",
            title="Ask for a review",
            when=_when("end", 14, "18:00"),
            subject="How was it?",
            words=REVIEW,
            url=ADDRESS,
        ),
    ],
)
STARTERS: Final[Mapping[str, NewJourney]] = {"photographer": PHOTOGRAPHER, "venue": VENUE, "planner": PLANNER}


def for_category(category: str) -> str:
    """The one that fits a business best."""
    return {"videographer": "photographer", "coordinator": "planner"}.get(
        category, category if category in STARTERS else "photographer"
    )


def listed() -> list[dict[str, Any]]:
    """With their names, as the API tells them."""
    return [{"key": key, **msgspec.to_builtins(one)} for key, one in STARTERS.items()]
