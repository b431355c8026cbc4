"""What the demo's photographer and venue ask Ana and Ben: one form that waits for them, one that is answered."""

from collections.abc import Mapping
from datetime import date, timedelta
from uuid import UUID

from wedsync.forms import actions, answering
from wedsync.forms.model import FormDraft, NewForm, NewFormRequest
from wedsync.kit.actor import Actor
from wedsync.kit.db import Door, Tx
from wedsync.kit.seal import KeyRing

SAID = {"tables": "Round tables", "dancing": "Yes", "music_ends": "23:30", "rain": "Inside", "high_chairs": "3"}
WORD = "Ten minutes, and we can plan your day."


async def ask(
    door: Door, ring: KeyRing, couple: Actor, wedding_id: UUID, on: date, asks: Mapping[str, tuple[UUID, UUID]]
) -> None:
    """`asks`: by a template, the person and the business that ask with it. The venue's form is answered."""
    for template, (person, business) in asks.items():
        who = Actor(kind="person", id=person)
        async with door.enter(who, business) as tx:
            form_id = await actions.add(tx, NewForm(template=template))
            _owes_nothing(tx)
        async with door.enter(who, wedding_id) as tx:
            new = NewFormRequest(form_id=form_id, due_on=on - timedelta(days=28), word=WORD)
            asked = await actions.ask(tx, new)
            _owes_nothing(tx)
        if template == "venue":
            async with door.enter(couple, wedding_id) as tx:
                await answering.submit(tx, ring, asked, FormDraft(answers=dict(SAID)))
                _owes_nothing(tx)


def _owes_nothing(tx: Tx) -> None:
    """The demo's past owes nobody a mail."""
    for fact in tx.facts:
        fact.bulk = True
