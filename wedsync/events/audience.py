"""Who an audience is and what it sees: the one visibility rule, as row security states it, for frames.

A row without a link or a membership is for everyone who holds its scope; a link's row is for that link, a
membership's row for that membership, and the couple sees all of it.
"""

from enum import StrEnum

import msgspec

from wedsync.events.scope import Scope


class Seen(msgspec.Struct, frozen=True):
    """What decides who sees a row, a presence or a client's broadcast."""

    scope: int
    link_id: str | None = None
    membership_id: str | None = None


class Audience(msgspec.Struct, frozen=True):
    """One standing in one stream. Equal audiences are sent the same bytes."""

    mask: int
    link_id: str | None = None
    membership_id: str | None = None
    role: str = ""

    @property
    def is_couple(self) -> bool:
        return bool(self.mask & Scope.PRIVATE)

    def sees(self, scope: int, link_id: str | None, membership_id: str | None) -> bool:
        """The rule."""
        if link_id is None and membership_id is None:
            return bool(self.mask & scope)
        if self.mask & Scope.PRIVATE:
            return True
        if link_id is not None and link_id == self.link_id:
            return True
        return membership_id is not None and membership_id == self.membership_id

    def sees_tag(self, tag: Seen) -> bool:
        """The rule, for what clients send each other."""
        return self.sees(tag.scope, tag.link_id, tag.membership_id)

    def may_use(self, tag: Seen) -> bool:
        """Whether what carries this tag may still be said by this audience."""
        if tag.link_id is not None or tag.membership_id is not None:
            return tag == self.default_tag()
        return bool(self.mask & tag.scope)

    def default_tag(self) -> Seen | None:
        """Who hears what this audience says when it names no scope: its own side; None for those who may not speak."""
        if self.is_couple:
            return Seen(int(Scope.PRIVATE))
        if self.link_id is not None:
            return Seen(int(Scope.CORE), link_id=self.link_id)
        if self.membership_id is not None:
            return Seen(int(Scope.CORE), membership_id=self.membership_id)
        return None

    def tag(self, scope_name: str | None) -> Seen | None:
        """The default, or a named scope the audience holds; None for one it does not hold or that is none."""
        if scope_name is None:
            return self.default_tag()
        try:
            scope = Scope.from_names([scope_name])
        except ValueError:
            return None
        return Seen(int(scope)) if self.mask & scope and self.default_tag() is not None else None


SITE = Audience(mask=int(Scope.SITE), role="public")


class View(StrEnum):
    """How one audience meets a change whose row may have moved from or to another link or membership."""

    WHOLE = "whole"
    APPEARS = "appears"
    """It could not see the old row: an INSERT without the old image."""
    VANISHES = "vanishes"
    """It can no longer see the row: a DELETE with nothing but the key."""


def view(audience: Audience, *, now: Seen, before: Seen | None) -> View | None:
    """How a change is shown, None where it is not. `before` is given where an UPDATE moved the row."""
    sees = audience.sees_tag(now)
    if before is None:
        return View.WHOLE if sees else None
    saw = audience.sees_tag(before)
    if sees:
        return View.WHOLE if saw else View.APPEARS
    return View.VANISHES if saw else None
