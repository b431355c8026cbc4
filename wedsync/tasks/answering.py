"""What forms say of a task by whoever has it to do: alike on a helper's page and a supplier's."""

from datetime import timedelta
from uuid import UUID

from wedsync.kit import sql
from wedsync.kit.db import Tx
from wedsync.kit.errors import FieldError, not_found
from wedsync.tasks import model
from wedsync.web import forms
from wedsync.web.forms import Form

queries = sql.load("wedsync.tasks")
WRONG = {
    "answer": FieldError("answer", "is neither yes nor no", "Press one of the buttons."),
    "note": FieldError("note", "is longer than 500 letters", "Say it in fewer words."),
}


def answer(form: Form) -> model.Answer:
    """Raises Refusal 422."""
    return forms.checked(model.Answer, {"answer": form.text("answer"), "note": form.text("note")}, WRONG)


async def hush(tx: Tx, task_id: UUID, form: Form) -> model.Hush:
    """So many days from the wedding's today; no days, no reminders. Raises Refusal 404 and 422."""
    days = form.number("days")
    row = await tx.row(queries.one, task_id)
    if row is None:
        raise not_found("item")
    return model.Hush(until=None if days is None else row["today"] + timedelta(days=max(0, min(days, 999))))
