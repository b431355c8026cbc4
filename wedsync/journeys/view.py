"""Journeys as pages say them: when a step is due in words, what stands in a form, and how a plan reads; pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from wedsync.journeys import model
from wedsync.journeys.model import Journey, Step, When
from wedsync.journeys.preview import StepView
from wedsync.web.formats import and_list, plural
from wedsync.web.forms import Form

ICONS: Final = {
    "mail": "mail",
    "text": "phone",
    "form": "list-checks",
    "task": "check",
    "wait": "hourglass",
    "branch": "arrow-right",
    "webhook": "webhook",
    "review": "heart",
}
STATES: Final = {
    "planned": ("Planned", ""),
    "held": ("Held back", "wait"),
    "waiting": ("Waits", ""),
    "skipped": ("Left out", ""),
    "due": ("On its way", "info"),
    "sent": ("Sent", "good"),
    "done": ("Done", "good"),
    "failed": ("Not sent", "bad"),
}
ARRIVED: Final = {
    "delivered": ("delivered", "good"),
    "opened": ("delivered", "good"),
    "accepted": ("handed over", ""),
    "waiting": ("not sent yet", ""),
    "delayed": ("delayed", "wait"),
    "bounced": ("came back: the address takes no mail", "bad"),
    "complained": ("reported as unwanted", "bad"),
    "suppressed": ("not sent: the address takes no mail", "bad"),
    "undelivered": ("did not arrive", "bad"),
    "refused": ("did not arrive", "bad"),
    "failed": ("did not arrive", "bad"),
}
"""What providers say of a mail or text, in words and as a tone; what is worst stands first."""
TONES: Final = ("bad", "wait", "", "good")
ENROLLED: Final = {"active": ("On its way", "good"), "paused": ("Rests", "wait"), "stopped": ("Ended", "")}
STARTS: Final = (("booking", "By itself, when they book", ""), ("by_hand", "When we say so", ""))
LATE: Final = (("skip", "Leave it out"), ("now", "Do it at once"))
WHOM: Final = (("us", "For us", ""), ("couple", "For the couple", ""))
FRESH: Final[Mapping[str, Step]] = {
    "mail": Step(kind="mail", title="New mail", subject="A word from {business}", words="Dear {couple},\n\n{business}"),
    "text": Step(
        kind="text", title="New text", when=When(days=-7, at="10:00"), words="Hello {name}, this is {business}."
    ),
    "form": Step(kind="form", title="New form", when=When(days=-60), form="Questionnaire", late="now"),
    "task": Step(kind="task", title="New task", when=When(days=-30), due_days=7, late="now"),
    "wait": Step(kind="wait", title="Wait a week", days_max=7),
    "branch": Step(kind="branch", title="Are the final details in?", when=When(days=-14), milestone="final_details"),
    "webhook": Step(kind="webhook", title="New call", when=When(days=-7), call="wedding.week"),
    "review": Step(
        kind="review",
        title="Ask for a review",
        when=When(anchor="end", days=14, at="18:00"),
        subject="How was it?",
        words="Dear {couple},\n\nif you were happy with us, a few sentences help the next couple.\n\n{business}",
        url="https://example.com/review",
    ),
}
"""What a new step begins with; all of it is there to be written over."""


def when_words(when: When) -> str:
    """`60 days before the wedding, at 10:00`."""
    anchor = model.ANCHORS[when.anchor]
    if not when.days:
        at_once = {"booking": "At the booking", "wedding": "On the wedding day", "end": "When the wedding is over"}
        said = at_once.get(when.anchor, "Right after the step before")
    else:
        side = "before" if when.days < 0 else "after"
        said = f"{plural(abs(when.days), 'day')} {side} {anchor}"
    return f"{said}, at {when.at}" if when.at else said


def step_row(number: int, step: Step, steps: Sequence[Step]) -> dict[str, Any]:
    """One step of the editor's list."""
    return {
        "n": number,
        "key": step.key,
        "kind": step.kind,
        "what": model.KINDS[step.kind],
        "icon": ICONS[step.kind],
        "title": step.title,
        "when": _wait_words(step) if step.kind == "wait" else when_words(step.when),
        "only": _only_words(step, steps),
        "is_marketing": step.is_marketing,
        "form": form_values(step),
        "branches": [(one.key, one.title) for one in steps[: number - 1] if one.kind == "branch"],
        "is_last": number == len(steps),
    }


def _wait_words(step: Step) -> str:
    days = f"{plural(step.days_max, 'day')}"
    return f"Until “{model.MILESTONES[step.milestone].lower()}”, {days} at most" if step.milestone else f"For {days}"


def _only_words(step: Step, steps: Sequence[Step]) -> str:
    if step.only is None:
        return ""
    asked = next((one.title for one in steps if one.key == step.only.step), "")
    return f"Only if “{asked}” is answered {step.only.answer}"


def form_values(step: Step) -> dict[str, Any]:
    """What the form of a step shows."""
    given = msgspec.structs.asdict(step)
    only = "" if step.only is None else f"{step.only.step}:{step.only.answer}"
    side = "after" if step.when.days > 0 else "before"
    when = {"anchor": step.when.anchor, "days": abs(step.when.days), "side": side, "at": step.when.at}
    return {**given, **when, "only": only}


def from_form(form: Form, step: Step) -> dict[str, Any]:
    """A step as it was typed, for `forms.checked`; what a kind has no field for stays."""
    days = form.number("days") or 0
    when = {
        "anchor": form.text("anchor", step.when.anchor),
        "days": -days if form.text("side") == "before" else days,
        "at": form.text("at"),
    }
    key, _, answer = form.text("only").partition(":")
    typed: dict[str, Any] = {
        "key": step.key,
        "kind": step.kind,
        "title": form.text("title"),
        "late": form.text("late", step.late),
        "only": {"step": key, "answer": answer} if key else None,
        "is_marketing": form.on("is_marketing"),
        "when": when,
    }
    for name in ("subject", "words", "url", "form", "call", "milestone", "for_whom"):
        typed[name] = form.text(name) if form.has(name) else getattr(step, name)
    typed["due_days"] = form.number("due_days") if form.has("due_days") else step.due_days
    typed["days_max"] = (form.number("days_max") or 0) if form.has("days_max") else step.days_max
    return typed


def moved(steps: Sequence[Step], key: str, by: int) -> list[Step]:
    """A step one place up (-1) or down (1); at the end of the list it stays. What hangs on a branch may not pass it."""
    at = next((n for n, one in enumerate(steps) if one.key == key), None)
    found = list(steps)
    if at is not None and 0 <= at + by < len(steps):
        found.insert(at + by, found.pop(at))
    return found


def without(steps: Sequence[Step], key: str) -> list[Step]:
    """Without one step; what hung on it hangs on nothing any more."""
    kept = [one for one in steps if one.key != key]
    return [
        msgspec.structs.replace(one, only=None) if one.only is not None and one.only.step == key else one
        for one in kept
    ]


def replaced(steps: Sequence[Step], step: Step) -> list[Step]:
    """With one step as it is now."""
    return [step if one.key == step.key else one for one in steps]


def summary(journey: Journey) -> dict[str, Any]:
    """One line of the list."""
    kinds = [model.KINDS[kind].lower() for kind in dict.fromkeys(step.kind for step in journey.steps)]
    return {
        "id": str(journey.id),
        "name": journey.name,
        "starts": dict((key, words) for key, words, _ in STARTS)[journey.starts],
        "is_active": journey.is_active,
        "count": len(journey.steps),
        "kinds": and_list(kinds[:4]),
    }


def plan_rows(steps: Sequence[StepView], zone: str) -> list[dict[str, Any]]:
    """A plan in its order, its days where the wedding is."""
    return [_plan_row(one, ZoneInfo(zone)) for one in steps]


def arrived_words(arrived: Mapping[str, int]) -> list[tuple[str, str]]:
    """`2 delivered`, with its tone; what needs somebody first."""
    told: dict[tuple[str, str], int] = {}
    for status, people in arrived.items():
        told[ARRIVED[status]] = told.get(ARRIVED[status], 0) + people
    order = sorted(told.items(), key=lambda one: TONES.index(one[0][1]))
    return [(f"{people} {words}", tone) for (words, tone), people in order]


def _plan_row(one: StepView, zone: ZoneInfo) -> dict[str, Any]:
    at = one.done_at if one.state in ("sent", "done", "failed") and one.done_at else one.due_at
    local = None if at is None else at.astimezone(zone)
    words, tone = STATES[one.state]
    said = {
        "branch": {"yes": "Yes", "no": "No"}.get(one.answer, words),
        "wait": "Over" if one.state == "done" else words,
    }
    return {
        "title": one.title,
        "what": model.KINDS[one.kind],
        "icon": ICONS[one.kind],
        "state": said.get(one.kind, words),
        "tone": tone,
        "on": None if local is None else local.date(),
        "at": "" if local is None else f"{local:%H:%M}",
        "why": one.why,
        "people": one.people,
        "arrived": arrived_words(one.arrived),
        "is_planned": one.state == "planned",
        "is_marketing": one.is_marketing,
    }
