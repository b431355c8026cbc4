"""Invitations in the gallery: the supplier's pages, the couple's, the named supplier's, and the way out of mails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from tests.browser.people import NOW, ON, SUPPLIER, WEDDING, ZONE, Scene, ago, couple, public, supplier
from wedsync.clients.model import STAGES, Details
from wedsync.invitations import joining, model, writing
from wedsync.invitations.actions import BRAKES
from wedsync.invitations.model import Candidate, Funnel, InvitationView, Known, State, Style, Verdict
from wedsync.invitations.pages.couple import BLANK
from wedsync.invitations.pages.studio import STEPS, TONES
from wedsync.suppliers.model import LEVELS, NEVER, SEES
from wedsync.weddings.model import CATEGORIES

STYLE = Style(
    colour="#7a3b52",
    words="We loved meeting you at the fair, and cannot wait to stand in the barn with you.",
    signature="Mira and Finn",
    address="3 Mill Lane, Marlow SL7 1AA",
)
KNOWN = Known(to="ana@example.org", name="Ana Duarte", partner_name="Ben Okafor", venue="The Tithe Barn, Hartley")
OPTIONS = [(key, key.replace("_", " ").capitalize()) for key in CATEGORIES]


def invitation(number: int, names: str, state: State, on: date | None = ON) -> InvitationView:
    is_sent = state != "queued"
    return InvitationView(
        id=UUID(int=number),
        client_id=UUID(int=number),
        couple_names=names,
        email="ana@example.org",
        state=state,
        reason="",
        wedding_on=on,
        mails=int(is_sent),
        expires_at=NOW + timedelta(days=40),
        sent_at=ago(days=16) if is_sent else None,
        delivered_at=ago(days=16) if is_sent else None,
        opened_at=None,
        reminded_at=ago(days=2) if state == "sent" else None,
        ended_at=None if state in model.OPEN else ago(days=1),
        wedding_id=UUID(WEDDING) if state == "joined" else None,
        link_id=UUID(int=8) if state == "joined" else None,
        version=2,
        created_at=ago(days=17),
    )


def funnel(**more: Any) -> Funnel:
    given: dict[str, Any] = {"clients": 214, "invited": 168, "delivered": 161, "opened": 97, "joined": 58}
    given |= {"second_supplier": 31, "suppliers_joined": 44, "waiting": 12, "declined": 6, "bounced": 7}
    return Funnel(**{**given, "complained": 0, "brake": None, **more})


def listed(found: Funnel, rows: list[InvitationView]) -> dict[str, Any]:
    return {
        "invitations": rows,
        "states": model.STATES,
        "tones": TONES,
        "open_states": model.OPEN,
        "state": "",
        "state_options": [("", "Any"), *model.STATES.items()],
        "may_manage": True,
        "first": None,
        "after": "/next" if rows else None,
        "funnel": found,
        "steps": [(label, getattr(found, name)) for name, label in STEPS],
        "brake": BRAKES.get(found.brake or "", ""),
    }


def rows() -> list[InvitationView]:
    return [
        invitation(1, "Ana Duarte & Ben Okafor", "joined"),
        invitation(2, "Linh Nguyễn & Alexei Petrov", "opened", date(2027, 10, 2)),
        invitation(3, "Maximiliane von Hohenstein-Falkenberg & Bartholomew Okonkwo-Fitzgerald", "sent", None),
        invitation(4, "Priya Nair & Tom Reed", "queued"),
        invitation(5, "Cleo Hart", "bounced"),
        invitation(6, "Ines & Paul", "suppressed"),
    ]


def letter() -> writing.Letter:
    return writing.Letter(
        supplier="Hartley & Finch",
        reply_to="",
        style=STYLE,
        known=KNOWN,
        on=ON,
        url="https://wedsync.example/invite/…",
        out_url="https://wedsync.example/no-mail/…",
    )


def verdict(number: int, names: str, why: model.Why | None = None) -> Verdict:
    return Verdict(client_id=UUID(int=number), couple_names=names, email="ana@example.org", why=why)


def candidates() -> list[tuple[Candidate, Verdict]]:
    names = ("Ana Duarte & Ben Okafor", "Linh Nguyễn & Alexei Petrov", "Cleo Hart")
    return [
        (
            Candidate(
                id=UUID(int=n), stage="booked", wedding_on=ON, is_linked=False, states=(), details=Details(name=name)
            ),
            verdict(n, name),
        )
        for n, name in enumerate(names)
    ]


def choosing(found: list[tuple[Candidate, Verdict]]) -> dict[str, Any]:
    return {
        "candidates": found,
        "stages": STAGES,
        "stage": "",
        "stage_options": [("", "Any stage"), ("booked", "Booked")],
        "clients": 214,
        "brake": "",
        "errors": {},
    }


def shown(state: str = "sent", *, more: bool = True) -> joining.Shown:
    own = joining.Asking(
        id=UUID(int=1),
        supplier_id=UUID(SUPPLIER),
        supplier="Hartley & Finch",
        category="photographer",
        website="hartleyfinch.example",
        colour=STYLE.colour,
        words=STYLE.words,
    )
    other = joining.Asking(
        id=UUID(int=2),
        supplier_id=UUID(int=2),
        supplier="The Tithe Barn",
        category="venue",
        website="",
        colour="#2f4a3a",
        words="",
    )
    return joining.Shown(
        own=own.id,
        known=KNOWN,
        on=ON,
        asking=[own, other] if more else [own],
        is_over=state not in model.OPEN,
        state=state,
        wedding_id=None,
    )


def page(found: joining.Shown, errors: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "token": "made-up",
        "found": found,
        "typed": {**model.wedding_fields(KNOWN, ON), "level": "standard", "taken": [found.own]},
        "errors": errors or {},
        "levels": [(key, key.capitalize(), "") for key in LEVELS],
        "sees": [SEES[scope] for scope in SEES if scope in LEVELS["standard"] or scope == 1],
        "never": NEVER,
    }


def named() -> joining.Named:
    return joining.Named(
        id=UUID(int=3),
        supplier_name="Wild Stems",
        category="florist",
        invited_email="wild@example.org",
        level="standard",
        wedding_id=UUID(WEDDING),
        couple_names="Ana & Ben",
        on=ON,
        date_status="confirmed",
        time_zone=ZONE,
        ceremony_venue="St Mary, Hartley",
        ceremony_address="Church Lane, Hartley",
        ceremony_at=None,
        reception_venue="The Tithe Barn",
        reception_address="",
        reception_at=None,
        guest_estimate=90,
        now=NOW,
    )


def join(**more: Any) -> dict[str, Any]:
    return {
        "token": "made-up",
        "link": named(),
        "businesses": [],
        "chosen": "",
        "typed": {"name": "Wild Stems", "category": "florist"},
        "categories": OPTIONS,
        "errors": {},
        "signed_in_as": "",
    } | more


def studio_scenes() -> Iterator[Scene]:
    shell = supplier("invite")
    yield Scene("invitations", "invitations/invitations.html", shell, listed(funnel(), rows()))
    yield Scene(
        "invitations-rest",
        "invitations/invitations.html",
        shell,
        listed(funnel(invited=0, joined=0, brake="complaints", suppliers_joined=0), []),
    )
    yield Scene("invitations-choose", "invitations/choose.html", shell, choosing(candidates()))
    yield Scene("invitations-nobody", "invitations/choose.html", shell, choosing([]))
    written = writing.words(letter())
    values = {
        "letter": letter(),
        "written": written,
        "paragraphs": writing.paragraphs(written),
        "going": [said for _, said in candidates()],
        "staying": [(verdict(9, "Priya Nair & Tom Reed", "past"), model.WHY["past"])],
    }
    yield Scene("invitations-preview", "invitations/preview.html", shell, values)
    typed = {"colour": STYLE.colour, "words": STYLE.words, "signature": STYLE.signature, "address": STYLE.address}
    style = {"typed": typed, "errors": {}, "may_manage": True}
    yield Scene("invitations-style", "invitations/style.html", shell, style)


def scenes() -> Iterator[Scene]:
    yield from studio_scenes()
    yield Scene("couple-invited", "invitations/couple.html", public(), page(shown()))
    wrong = {"couple_names": "Is missing. Tell us what the two of you are called."}
    yield Scene("couple-invited-wrong", "invitations/couple.html", public(), page(shown(more=False), wrong))
    for state in ("joined", "declined", "expired"):
        values = {"found": shown(state), "is_here": False}
        yield Scene(f"couple-invited-{state}", "invitations/over.html", public(), values)
    others = {
        "rows": [dict(BLANK) for _ in range(3)],
        "errors": {"email_1": "That does not look like an e-mail address."},
    }
    yield Scene("couple-others", "invitations/others.html", couple("suppliers"), {**others, "categories": OPTIONS})
    yield Scene("supplier-named", "invitations/join.html", public(), join())
    two = [(SUPPLIER, "Hartley & Finch"), ("", "A new business")]
    yield Scene("supplier-named-again", "invitations/join.html", public(), join(businesses=two, chosen=SUPPLIER))
    yield Scene("supplier-named-other", "invitations/join.html", public(), join(signed_in_as="mira@example.org"))
    stop = {"token": "made-up", "supplier": "Hartley & Finch"}
    yield Scene("no-mail", "invitations/stop.html", public(), {**stop, "is_done": False})
    yield Scene("no-mail-done", "invitations/stop.html", public(), {**stop, "is_done": True})
    way_out = {"token": "t", "sender": "Marlow Photo"}
    yield Scene("unsubscribe", "consents/unsubscribe.html", public(), {**way_out, "done": ""})
    yield Scene("unsubscribe-done", "consents/unsubscribe.html", public(), {**way_out, "done": "these"})
