"""Forms of pages: fields as text, checks that name the field, and whose page asked."""

from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from litestar import Request

from wedsync.kit.actor import Actor
from wedsync.kit.errors import FieldError, Refusal

AnyRequest = Request[Any, Any, Any]
S = TypeVar("S", bound=msgspec.Struct)


class Form:
    """The fields of a posted form. Values are stripped text; an absent field is ''."""

    def __init__(self, fields: list[tuple[str, Any]]) -> None:
        self._fields = fields

    def text(self, name: str, default: str = "") -> str:
        """The last value of a field."""
        values = [v for k, v in self._fields if k == name and isinstance(v, str)]
        return values[-1].strip() if values else default

    def many(self, name: str) -> list[str]:
        """Every value of a field that may come several times."""
        return [v.strip() for k, v in self._fields if k == name and isinstance(v, str)]

    def number(self, name: str) -> int | None:
        """A whole number, or None for an empty field. Raises Refusal 422."""
        text = self.text(name)
        if not text:
            return None
        if not text.isascii() or not text.removeprefix("-").isdigit() or len(text) > 15:
            raise wrong(FieldError(name, "is not a whole number"))
        return int(text)

    def day(self, name: str) -> date | None:
        """A date, or None for an empty field. Raises Refusal 422."""
        text = self.text(name)
        if not text:
            return None
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise wrong(FieldError(name, "is not a date", "Use year-month-day.")) from None

    def on(self, name: str) -> bool:
        """A switch or tick."""
        return self.text(name) in ("on", "true", "1", "yes")

    def has(self, name: str) -> bool:
        """Whether the field was posted at all."""
        return any(k == name for k, _ in self._fields)

    def items(self) -> list[tuple[str, str]]:
        """All text fields, in order."""
        return [(k, v.strip()) for k, v in self._fields if isinstance(v, str)]

    def file(self, name: str) -> Any:
        """An uploaded file, or None."""
        return next((v for k, v in self._fields if k == name and not isinstance(v, str)), None)


async def read(request: AnyRequest) -> Form:
    """The posted form."""
    form = await request.form()
    return Form(list(form.multi_items()))


def wrong(error: FieldError) -> Refusal:
    """One field of a form that cannot be taken."""
    return Refusal(422, "invalid", f"{error.field}: {error.reason}", errors=[error])


def checked(kind: type[S], given: Mapping[str, Any], words: Mapping[str, FieldError]) -> S:
    """Values as a request struct. Raises Refusal 422 in `words` for people, by the names of the form's fields."""
    try:
        return msgspec.convert(given, type=kind)
    except msgspec.ValidationError as error:
        # Money is typed in a field of its plain name.
        field = str(error).rpartition("$.")[2].rstrip("`").removesuffix("_minor")
        raise wrong(words.get(field, FieldError(field, "is not right", "Look at it again."))) from error


def errors_of(refusal: Refusal) -> Mapping[str, str]:
    """A refusal as `{field: sentence}` for a form that is shown again."""
    return {e.field: f"{e.reason[:1].upper()}{e.reason[1:]}. {e.fix}".strip() for e in refusal.errors}


def is_fragment(request: AnyRequest) -> bool:
    """Asked by htmx or live.js for a part of a page."""
    return request.headers.get("hx-request") == "true"


def signed_in(request: AnyRequest, actor: Actor) -> Actor:
    """Raises the refusal that sends a browser to the sign-in page and back."""
    if actor.id is None:
        raise Refusal(
            401, "sign_in_required", "Sign in first.", headers={"Location": f"/?next={quote(request.url.path)}"}
        )
    return actor


def day_asked(text: str, today: date) -> date:
    """The day of an address, as YYYY-MM-DD; what cannot be read, and what no calendar is asked for, is `today`."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return today
    return day if 1990 <= day.year <= 2190 else today
