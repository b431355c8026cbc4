"""A refusal: an answer that says no, why, and what to do about it.

Raised anywhere below a door and translated once, by the door (`wedsync.web.problems`), into RFC 9457 problem JSON or
a page. Whatever is not a `Refusal` and not a connector's outcome is a bug and is left to crash.
"""

from collections.abc import Mapping, Sequence

import msgspec


class FieldError(msgspec.Struct, frozen=True, omit_defaults=True):
    """One value that cannot be taken: which (`a.b[2].c`), why, and what would be right."""

    field: str
    reason: str
    fix: str = ""


class Refusal(Exception):  # noqa: N818 - an answer, not an error: the word of STYLE.md
    """`status` is the HTTP status, `code` a stable snake_case word for programs, `detail` a sentence for people.

    `extra` becomes members of the problem document beside the standard ones (the current version on a 412, say).
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})
        self.place: tuple[str, str] | None = None
        """Where access was refused, for the security events (`kit.watch.Place`); never told to anybody."""

    def __repr__(self) -> str:
        return f"Refusal({self.status}, {self.code!r}, {self.detail!r}, errors={list(self.errors)!r})"


def not_found(what: str) -> Refusal:
    """The one answer for what is absent and for what belongs to somebody else, so that the two cannot be told apart."""
    return Refusal(404, "not_found", f"There is no such {what}, or you may not see it. Check the address or sign in.")
