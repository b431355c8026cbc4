"""The part of an endpoint's form that says what goes with each request: own headers, and how we prove who we are."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from wedsync.kit.credentials import MASK, NEEDED, OPTIONAL, SECRET
from wedsync.kit.db import Row
from wedsync.kit.errors import FieldError, Refusal
from wedsync.subscriptions import secured, wording
from wedsync.web import forms
from wedsync.web.forms import Form

PREFIX: Final = "auth_"
FIELDS: Final = tuple(name for kind in NEEDED for name in (*NEEDED[kind], *OPTIONAL.get(kind, ())))
PEM: Final = ("certificate", "key")


def of_form(form: Form) -> dict[str, Any]:
    """`auth` and `headers` as the API takes them; fields of kinds that were not chosen are left alone."""
    kind: Any = form.text("auth", "none")
    names = (*NEEDED.get(kind, ()), *OPTIONAL.get(kind, ()))
    auth = {name: value for name in names if (value := form.text(PREFIX + name))}
    return {"auth": {"kind": kind, **auth}, "headers": _headers(form.text("own_headers"))}


def _headers(text: str) -> dict[str, str | None]:
    """A line each. Raises Refusal 422."""
    headers: dict[str, str | None] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if not line.strip():
            continue
        if not colon:
            raise forms.wrong(FieldError("headers", "hold a line without a colon", "Write each as Name: value."))
        headers[name.strip()] = None if value.strip() == MASK else value.strip()
    return headers


def of_row(row: Row) -> dict[str, Any]:
    """What the form shows of an endpoint that is there: no value of a header, no secret."""
    seen = secured.shown(row)
    return {
        "auth": {"kind": seen.kind, **{name: getattr(seen, name) for name in FIELDS if name not in SECRET}},
        "headers": dict.fromkeys(row["header_names"]),
        "held": seen.kind,
    }


def errors_of(refusal: Refusal) -> dict[str, str]:
    """A refusal by the names of the form's fields, in sentences about their labels."""
    said = dict(forms.errors_of(refusal))
    for error in refusal.errors:
        name = error.field.removeprefix("auth.")
        label = "Your own headers" if name == "headers" else wording.PROOFS.get(name, ("", ""))[0]
        if label:
            del said[error.field]
            field = "own_headers" if name == "headers" else PREFIX + name
            said[field] = f"{label} {error.reason.removeprefix('The URL ')}. {error.fix}".strip()
    return said


def values(given: Mapping[str, Any]) -> dict[str, Any]:
    """For the template: kinds with their fields [(name, label, value, type, hint, is_optional)], headers as text.

    A secret that was typed is not written into a page again.
    """
    auth = given.get("auth", {"kind": "none"})
    held = given.get("held", "none")
    return {
        "auth": auth["kind"],
        "kinds": [(kind, words) for kind, words in wording.KINDS.items()],
        "proofs": [(kind, _fields(kind, auth, held)) for kind in NEEDED if kind != "none"],
        "own_headers": "\n".join(
            f"{name}: {MASK if value is None else value}" for name, value in given.get("headers", {}).items()
        ),
    }


def _fields(kind: Any, auth: Mapping[str, str], held: str) -> Sequence[tuple[str, str, str, str, str, bool]]:
    fields = []
    for name in (*NEEDED[kind], *OPTIONAL.get(kind, ())):
        label, hint = wording.PROOFS[name]
        is_kept = name in SECRET and kind == held
        said = "Set. Leave it empty to keep it." if is_kept else hint
        value = "" if name in SECRET or kind != auth["kind"] else auth.get(name, "")
        is_optional = is_kept or name in OPTIONAL.get(kind, ())
        fields.append((name, label, value, _type(name), said, is_optional))
    return fields


def _type(name: str) -> str:
    if name in PEM:
        return "pem"
    if name == "client_auth":
        return "choice"
    return "password" if name in SECRET else "url" if name == "token_url" else "text"
