"""What a page to fill in shows, for the couple and for whoever has the form's own address."""

from collections.abc import Mapping
from typing import Any

from wedsync.forms import answering, model, view
from wedsync.kit.db import Row, Tx
from wedsync.kit.errors import Refusal
from wedsync.kit.seal import KeyRing


async def filled(
    tx: Tx, ring: KeyRing, row: Row, *, typed: Mapping[str, Any] | None = None, refusal: Refusal | None = None
) -> dict[str, Any]:
    """The values of `forms/_fill.html`; `typed` is what was just refused."""
    asked = await answering.shown(tx, ring, row)
    who = await answering.held(tx)
    is_open = asked.state in model.OPEN
    found = [] if refusal is None else view.problems(refusal, asked.sections)
    return {
        "asked": asked,
        "state": view.state(asked),
        "is_open": is_open,
        "is_couple": who.is_couple,
        "sections": view.sections(
            asked.sections,
            typed=view.begun(asked) if typed is None else typed,
            record=asked.record,
            guests=who.guests,
            is_couple=who.is_couple,
        ),
        "answered": view.answered(asked, who.zone),
        "problems": found,
        "errors": dict(found),
    }
