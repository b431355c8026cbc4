"""Rules in words for people: operators, lanes, orders, and a whole rule in a sentence."""

from collections.abc import Mapping, Sequence
from typing import Final

from wedsync.kit.errors import FieldError
from wedsync.subscriptions.rules.conditions import Condition
from wedsync.subscriptions.rules.quiet import Quiet, same_each_day

OPERATORS: Final[Mapping[str, str]] = {
    "is": "is",
    "is_not": "is not",
    "one_of": "is one of",
    "contains": "contains",
    "starts_with": "starts with",
    "greater": "is more than",
    "less": "is less than",
    "present": "has a value",
    "absent": "has no value",
    "changed": "changed",
}
OPS: Final[Mapping[str, str]] = {"INSERT": "added", "UPDATE": "changed", "DELETE": "removed"}
LANES: Final = (("", "As urgent as the event is"), ("1", "High"), ("2", "Normal"), ("3", "Low"))
MODES: Final = (
    ("parallel", "As fast as it goes"),
    ("ordered", "One after the other, in order"),
    ("latest", "Only the newest state of each thing"),
)
TRANSFORMS: Final = (
    ("", "As it is"),
    ("text", "Tidy spaces"),
    ("lower", "In small letters"),
    ("upper", "In capitals"),
    ("integer", "Whole number"),
    ("boolean", "Yes or no"),
    ("date", "Day only"),
    ("timestamp", "Moment in UTC"),
    ("join", "List as one text"),
)
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FIELDS: Final = {
    "name": FieldError("name", "Give the rule a name", "120 characters are enough."),
    "types": FieldError("types", "Choose at least one kind of event", ""),
    "endpoint_id": FieldError("endpoint_id", "Choose where to", ""),
    "quiet": FieldError("quiet_from", "Give both times of the quiet hours", "Such as 22:00 and 07:00."),
}
LANE_NAMES: Final = ("critical", "high", "normal", "low")


def field_words(path: str) -> str:
    """`old_record.schedule_item_id` -> `Schedule item before`."""
    if path == "op":
        return "What happened"
    if path == "severity":
        return "Severity"
    first, _, rest = path.partition(".")
    name = rest.removesuffix("_id").replace("_", " ").replace(".", ": ")
    return f"{name[:1].upper()}{name[1:]}{' before' if first == 'old_record' else ''}"


def condition_words(condition: Condition) -> str:
    """`Status is declined`."""
    value = condition.value
    said = [f"{field_words(condition.field)} {OPERATORS[condition.operator]}"]
    if isinstance(value, list):
        said.append(", ".join(_value(one) for one in value))
    elif value is not None:
        said.append(OPS.get(str(value), "") if condition.field == "op" else _value(value))
    return " ".join(part for part in said if part)


def _value(value: str | int | float | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "“”" if value == "" else str(value).replace("_", " ")


def conditions_words(conditions: Sequence[Condition]) -> str:
    """All rows, joined."""
    return " and ".join(condition_words(condition) for condition in conditions)


def quiet_words(quiet: Quiet) -> str:
    """`22:00 to 07:00 (Europe/London), Mon, Tue`."""
    days = same_each_day(quiet)
    named = "" if len(days) == 7 else ", " + ", ".join(DAYS[day - 1] for day in days)
    return f"{quiet.from_} to {quiet.until} ({quiet.zone}){named}"
