"""The public page of a business, its editor, the enquiries, and the steps of setting a business up, in the gallery."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.browser.people import NOW, ON, Scene, ago, public, supplier
from wedsync.invitations import writing
from wedsync.invitations.model import Known, Style
from wedsync.market.model import STATES, EnquiryView, ListingView, Work, in_paragraphs
from wedsync.market.pages.enquiries import TONES
from wedsync.market.reading import shown
from wedsync.onboarding import model
from wedsync.onboarding.pages.steps import SIGNS
from wedsync.suppliers.model import trade
from wedsync.web.forms import Form
from wedsync.weddings.model import CATEGORIES

BUSINESS = UUID(int=7)
ABOUT = (
    "We are two people with two small cameras, and you will forget that we are here.\n\n"
    "Twenty weddings a year, no more; "
    "each gets both of us, a whole day, and pictures within six weeks. We work in colour and on film, and we love rain."
)
WORKS = [
    Work(title="Maria & Tom, a chapel in the Serra", url="https://gallery.example.com/maria-and-tom"),
    Work(title="Ines & Kofi, eleven hours of rain", url="https://gallery.example.com/ines-and-kofi"),
    Work(title="How we work, in four minutes", url="https://film.example.org/how-we-work"),
]
LISTING = ListingView(
    id=BUSINESS,
    supplier_id=BUSINESS,
    slug="petal-and-frame",
    is_published=True,
    takes_enquiries=True,
    tagline="Quiet pictures of loud days",
    place="Porto, and wherever you marry",
    about=ABOUT,
    portfolio=WORKS,
    version=3,
    created_at=ago(days=9),
    updated_at=ago(days=1),
    url="https://wedsync.example/s/petal-and-frame",
)
TYPED = {"name": "", "partner_name": "", "email": "", "phone": "", "venue": "", "message": "", "wedding_on": ""}


def page(**more: Any) -> dict[str, Any]:
    fields = {name: getattr(LISTING, name) for name in ("slug", "tagline", "place", "about", "takes_enquiries")}
    works = [{"title": work.title, "url": work.url} for work in WORKS]
    listing = shown({**fields, "portfolio": works, "name": "Petal & Frame Photography", "category": "photographer"})
    values = {"listing": listing, "form_key": "k1", "typed": TYPED, "errors": {}, "today": NOW.date()}
    return values | {"trap": "company", "back": ""} | more


def enquiry(n: int, couple: str, state: Any, **more: Any) -> EnquiryView:
    name, _, partner = couple.partition(" & ")
    values: dict[str, Any] = {
        "name": name,
        "partner_name": partner,
        "email": f"{name.lower()}@example.org",
        "phone": "",
        "wedding_on": ON + timedelta(days=7 * n),
        "venue": "Quinta da Serra",
        "message": "Are you free on our day? We love how you see people.\n\nWe are sixty, in a barn, and it may rain.",
        "reply": "",
        "settled_at": None,
        "attributed_until": ON,
    } | more
    return EnquiryView(
        id=UUID(int=n),
        supplier_id=BUSINESS,
        state=state,
        source="marketplace",
        couple_names=couple,
        client_id=UUID(int=n),
        received_at=ago(hours=5 * n),
        version=1,
        **values,
    )


def enquiries(**more: Any) -> dict[str, Any]:
    found = [
        enquiry(1, "Maria & Tom", "received"),
        enquiry(2, "Nora & Ola", "answered"),
        enquiry(3, "Sam & Io", "declined", wedding_on=None),
    ]
    tabs = [("", "All", "/e", 3), ("received", "New", "/e", 1), ("answered", "Answered", "/e", 1)]
    values = {"enquiries": found, "listing": LISTING, "states": STATES, "tones": TONES, "state": "", "may_manage": True}
    return values | {"tabs_items": tabs, "after": "/more", "first": None} | more


def one(found: EnquiryView, **more: Any) -> dict[str, Any]:
    words = {"words": in_paragraphs(found.message), "reply": in_paragraphs(found.reply)}
    values = {"enquiry": found, "states": STATES, "tones": TONES, "typed": "", "errors": {}, "problem": ""}
    return values | words | {"may_manage": True} | more


def editor(**more: Any) -> dict[str, Any]:
    works = [*((work.title, work.url) for work in WORKS), ("", ""), ("", "")]
    fields = {name: getattr(LISTING, name) for name in ("slug", "tagline", "place", "about")}
    switches = {"is_published": True, "takes_enquiries": True}
    values = {"kept": LISTING, "typed": fields | switches | {"works": works}, "errors": {}, "is_stale": False}
    business = {"name": "Petal & Frame Photography", "category": "Photographer"}
    return values | {"is_saved": True, "may_manage": True, "business": business, "host": "wedsync.example"} | more


def step(key: str, **more: Any) -> dict[str, Any]:
    done = list(model.TITLES)[: list(model.TITLES).index(key)]  # type: ignore[arg-type]
    steps = model.steps([one for one in done if one != "calendar"], ["calendar"])
    here = model.current(steps, key)
    return {"steps": steps, "step": here, "following": "", "typed": Form([]), "errors": {}, "problem": ""} | more


def setting_up() -> Iterator[Scene]:
    shell = supplier("start")
    zones = [("Europe/Lisbon", "Europe/Lisbon"), ("Europe/London", "Europe/London")]
    first = {"typed": {"you": "", "business": "", "zone": "Europe/Lisbon"}, "is_known": False, "zones": zones}
    yield Scene("start-begin", "onboarding/begin.html", public(), first | {"steps": model.steps((), ()), "errors": {}})
    values = step("business", name="Petal & Frame", zone="Europe/Lisbon", zones=zones)
    yield Scene("start-business", "onboarding/business.html", shell, values)
    words = [(c, trade(c), SIGNS.get(c, "store")) for c in CATEGORIES]
    yield Scene("start-category", "onboarding/category.html", shell, step("category", categories=words, chosen="cake"))
    offers = [{"name": "google_calendar", "title": "Google Calendar", "summary": "Both ways, with series."}]
    connected = [{"id": "c1", "title": "Band dates", "connector": "ics", "state": "active", "found": 1, "used": 0}]
    values = step("calendar", offers=offers, connected=connected)
    yield Scene("start-calendar", "onboarding/calendar.html", shell, values)
    trial = {"import_id": "i1", "filename": "jobs.csv", "rows": 212, "created": 204, "updated": 3, "left": 5}
    trial |= {"names": ["Maria Santos & Tom Okafor", "Ines Leal", "Nora & Ola"]}
    values = step("clients", counts={"clients": 0, "coming": 0}, trial=trial)
    yield Scene("start-clients", "onboarding/clients.html", shell, values)
    known = Known(to="maria@example.org", name="Maria", partner_name="Tom", venue="Quinta da Serra")
    letter = writing.sample("Petal & Frame", "", Style(), known=known, on=ON, site="https://wedsync.example")
    written = writing.words(letter)
    shown_letter = {"subject": written.subject, "paragraphs": writing.paragraphs(written), "to": "Maria & Tom"}
    yield Scene("start-invitation", "onboarding/invitation.html", shell, step("invitation", letter=shown_letter))
    asked = [{"link_id": "l1", "couple_names": "Ana & Ben", "on": ON, "level": "standard"}]
    values = step("wedding", weddings=[], waiting=asked, suggested="maria@example.org")
    yield Scene("start-wedding", "onboarding/wedding.html", shell, values)
    synced = {"wedding_id": "w1", "couple_names": "Ana & Ben", "on": ON, "venue": "The Tithe Barn", "time_zone": "UTC"}
    end = step("wedding", weddings=[synced | {"changed_at": ago(minutes=1)}], waiting=[], suggested="")
    yield Scene("start-end", "onboarding/end.html", shell, end)


def scenes() -> Iterator[Scene]:
    shell = supplier("enquiries")
    yield Scene("listing", "market/page.html", public(), page())
    typed = TYPED | {"name": "Maria", "email": "maria@", "message": "Are you free?"}
    wrong = {"email": "Is not an e-mail address. Write it like name@example.com."}
    yield Scene("listing-refused", "market/page.html", public(), page(typed=typed, errors=wrong))
    yield Scene("listing-preview", "market/page.html", public(), page(back="/studio/1/page"))
    listing = page()["listing"]
    closed = {**listing, "takes_enquiries": False, "works": [], "about": [], "tagline": ""}
    yield Scene("listing-closed", "market/page.html", public(), page(listing=closed))
    yield Scene("listing-sent", "market/sent.html", public(), {"listing": listing})
    yield Scene("listing-editor", "market/editor.html", shell, editor())
    taken = {"slug": "Is taken. petal-and-frame-porto is free.", "works": "The address must begin with https."}
    yield Scene("listing-editor-refused", "market/editor.html", shell, editor(errors=taken, is_saved=False))
    yield Scene("enquiries", "market/enquiries.html", shell, enquiries())
    yield Scene("enquiries-none", "market/enquiries.html", shell, enquiries(enquiries=[], listing=None, after=None))
    yield Scene("enquiry", "market/enquiry.html", shell, one(enquiry(1, "Maria & Tom", "received")))
    answered = enquiry(2, "Nora & Ola", "answered", reply="Yes.\n\nCall us.", settled_at=ago(hours=1))
    yield Scene("enquiry-answered", "market/enquiry.html", shell, one(answered))
    yield from setting_up()
