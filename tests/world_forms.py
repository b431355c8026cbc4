"""Forms in the world of every audience: each supplier asks, the couple has answered, and begun another word."""

from uuid import UUID

from wedsync.forms import actions, answering
from wedsync.forms.model import FormDraft, FormField, FormSection, NewForm, NewFormRequest
from wedsync.kit.actor import Actor
from wedsync.kit.db import Door
from wedsync.kit.seal import KeyRing


async def ask_form(door: Door, who: Actor, business: UUID, wedding: UUID, word: str) -> dict[str, UUID]:
    """The ids of the form and of what is asked; both name `word`."""
    field = FormField(key="wish", kind="long_text", label=f"Wishes? {word}")
    async with door.enter(who, business) as tx:
        form = await actions.add(
            tx, NewForm(title=f"Form {word}", sections=(FormSection(title="All", fields=(field,)),))
        )
    async with door.enter(who, wedding) as tx:
        asked = await actions.ask(tx, NewFormRequest(form_id=form, word=word))
    return {"forms": form, "form_requests": asked}


async def answer_form(
    door: Door, ring: KeyRing, couple: Actor, wedding: UUID, asked: UUID, word: str, secret: str
) -> None:
    """The couple sends `word`, and has typed `secret` since."""
    async with door.enter(couple, wedding) as tx:
        await answering.submit(tx, ring, asked, FormDraft(answers={"wish": word}))
        await answering.keep_draft(tx, ring, asked, FormDraft(answers={"wish": secret}))
