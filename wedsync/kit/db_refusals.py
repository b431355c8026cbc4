"""What the database refuses by design, translated once into an answer; the rest stays a bug."""

from typing import Any

import asyncpg
import msgspec

from wedsync.kit.errors import Refusal, not_found
from wedsync.kit.modes import Mode

_NUL = "A text holds the character U+0000, which cannot be kept. Take it out and send the rest again."
_RANGE = "A number is too large or too small to be kept. Check it and send it again."
_REFUSALS = {
    "22003": (422, "out_of_range", _RANGE),
    "22021": (422, "invalid_character", _NUL),
    "22P05": (422, "invalid_character", _NUL),
    "23503": (422, "unknown_reference", "This names something that does not exist here."),
    "23505": (409, "already_exists", "There is one like this already."),
    "23P01": (409, "taken", "That is taken by now. Look again, and choose what is still free."),
    "23514": (422, "invalid", "A value is outside of what is allowed."),
    "55P03": (503, "busy", "Somebody else has held this for long. Try again in a moment."),
    "25006": (403, "forbidden", "You may see this, but not change it."),
    "42501": (403, "forbidden", "You may see this, but not change it."),
    "WS403": (403, "forbidden", "You may see this, but not change it."),
    "WS409": (409, "lease_lost", "Another worker has taken this job."),
    "WS410": (410, "gone", "This link has expired or was withdrawn. Ask for a new one."),
}


def as_refusal(error: BaseException, mode: Mode | None = None) -> BaseException:
    """Translate once: what the database refuses by design becomes an answer, the rest stays a bug."""
    if not isinstance(error, asyncpg.PostgresError):
        return error
    state = str(error.sqlstate)
    if state == "25006" and mode is not None:
        return mode.refusal()
    if state == "WS404":
        return not_found("item")
    if state == "WS402":
        return _in_its_words(error)
    if isinstance(error, asyncpg.DataError) and "out of int" in str(error):
        state = "22003"  # asyncpg sees it before the database does
    answer = _REFUSALS.get(state)
    return error if answer is None else Refusal(*answer)


def _in_its_words(error: asyncpg.PostgresError) -> Refusal:
    """A limit knows what it is of and how it is raised, so the database says the sentence, and the rest as JSON."""
    told: dict[str, Any] = msgspec.json.decode(str(error.detail))
    return Refusal(told.pop("status"), told.pop("code"), error.args[0], extra=told)
