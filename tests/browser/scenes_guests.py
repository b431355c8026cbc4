"""The guest pages of the gallery: list, one row open, dietary sheet, final numbers and the import."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from typing import Any

from tests.browser.people import LIVE, ON, VOCABULARY, ZONE, Scene, ago, couple, headcounts

ITEMS = [("", "Any part of the day"), ("c1", "Ceremony"), ("d1", "Dinner"), ("b1", "Brunch on Sunday")]
SIDES = [("", "Not said"), ("partner_a", "Ana’s side"), ("partner_b", "Ben’s side"), ("both", "Both")]
MENU = [("m1", "Slow-braised short rib"), ("m2", "Sea bass, fennel, new potatoes"), ("m3", "Wild mushroom pithivier")]


def guest(key: str, name: str, statuses: str = "aaa", **more: Any) -> dict[str, Any]:
    words = {"a": "accepted", "d": "declined", "t": "tentative", "n": "needs_action"}
    titles = [("c1", "Ceremony"), ("d1", "Dinner"), ("b1", "Brunch")]
    answers = [
        {"item_id": item, "short": short, "status": words[letter], "menu": ""}
        for (item, short), letter in zip(titles, statuses, strict=False)
    ]
    made = {
        "id": key,
        "display_name": name,
        "age_band": "adult",
        "kind": "named",
        "role": "",
        "version": 3,
        "rsvps": answers,
        "needs": [],
        "needs_answered": statuses[0] != "n",
    }
    return made | more


def parties() -> list[dict[str, Any]]:
    nuts = [{"label": "Tree nuts, severe", "severity": "severe"}]
    vegan = [{"label": "Vegan", "severity": ""}]
    first = guest("g1", "Carla Mendes", "aan", role="Witness")
    first["rsvps"][1]["menu"] = "Sea bass"
    rows = [
        (
            "p1",
            "The Mendes family",
            "Ana’s side",
            [first, guest("g2", "Ola Mendes", needs=nuts), guest("g3", "Tomás Mendes", age_band="child")],
        ),
        (
            "p2",
            "Łukasz Nowak",
            "Ben’s side",
            [guest("g4", "Łukasz Nowak", "tnn"), guest("g5", "Guest of Łukasz", "nnn", kind="plus_one")],
        ),
        ("p3", "Auntie Bea", "Ben’s side", [guest("g6", "Beatrice Anyanwu-Featherstonehaugh", "ddd")]),
        (
            "p4",
            "Ngozi & Emeka Okafor",
            "Ben’s side",
            [
                guest("g7", "Ngozi Okafor", needs=vegan),
                guest("g8", "Emeka Okafor"),
                guest("g9", "Zoë", "aad", age_band="infant"),
            ],
        ),
    ]
    return [
        {
            "id": key,
            "name": name,
            "version": 2,
            "side_words": side,
            "invited_at": ago(days=40) if key != "p2" else None,
            "guests": guests,
        }
        for key, name, side, guests in rows
    ]


def editing() -> dict[str, Any]:
    opened = guest("g2", "Ola Mendes", needs=[{"label": "Tree nuts, severe", "severity": "severe"}])
    opened |= {
        "first_name": "Ola",
        "last_name": "Mendes",
        "table_label": "4",
        "email": "ola@example.org",
        "phone": "+44 7700 900123",
    }
    opened["needs_form"] = needs("g2", {"nuts": "severe"})
    opened["rsvps"] = [
        {
            "item_id": "c1",
            "title": "Ceremony",
            "short": "Ceremony",
            "status": "accepted",
            "menu_option_id": None,
            "menu_options": [],
        },
        {
            "item_id": "d1",
            "title": "Dinner",
            "short": "Dinner",
            "status": "accepted",
            "menu_option_id": "m2",
            "menu_options": MENU,
        },
    ]
    return opened


def needs(key: str, allergens: dict[str, str] | None = None) -> dict[str, Any]:
    return {"id": key, "allergens": allergens or {}, "diets": [], "access": "", "note": "", "answered": bool(allergens)}


def guests_values(**more: Any) -> dict[str, Any]:
    return {
        "may_edit": True,
        "total": {"guests": 128, "parties": 61},
        "headcounts": headcounts(),
        "filters": {"q": "", "status": "", "item": "", "need": ""},
        "items": ITEMS,
        "parties": parties(),
        "editing": None,
        "vocabulary": VOCABULARY,
        "errors": {},
        "found": {"guests": 128, "parties": 61},
        "is_filtered": False,
        "before": None,
        "after": "?after=x",
    } | more


def scenes() -> Iterator[Scene]:
    shell = couple("guests")
    yield Scene("guests", "guests/guests.html", couple("guests", live=LIVE), guests_values())
    yield Scene(
        "guests-edit",
        "guests/guests.html",
        shell,
        guests_values(editing=editing(), errors={"table_label": "At most 60 letters. Shorten it."}),
    )
    nobody = {"parties": [], "found": {"guests": 0, "parties": 0}, "after": None}
    yield Scene(
        "guests-empty",
        "guests/guests.html",
        shell,
        guests_values(**nobody, total={"guests": 0, "parties": 0}, headcounts=[]),
    )
    yield Scene("guests-none-found", "guests/guests.html", shell, guests_values(**nobody, is_filtered=True))
    blank = {
        "party_name": "",
        "names": "Carla Mendes\nTomás Mendes (child)",
        "side": "",
        "plus_ones_allowed": 0,
        "email": "carla@",
        "items": ["c1"],
    }
    wrong = "This is not an e-mail address. Write it like carla@example.org."
    yield Scene(
        "guest-new",
        "guests/guest_new.html",
        shell,
        {
            "values": blank,
            "items": ITEMS[1:],
            "sides": SIDES,
            "errors": {"email": wrong},
            "problems": [("email", wrong)],
        },
    )
    party = {
        "id": "p1",
        "name": "The Mendes family",
        "side": "partner_a",
        "plus_ones_allowed": 1,
        "version": 2,
        "invited_at": ago(days=40),
    }
    party["guests"] = ["Carla", "Ola", "Tomás"]
    held = {"party": party, "sides": SIDES, "errors": {}, "has_link": True, "last_opened_at": ago(hours=3)}
    yield Scene("party", "guests/party.html", shell, held | {"rsvp_url": None})
    yield Scene(
        "party-link", "guests/party.html", shell, held | {"rsvp_url": "https://wedsync.example/rsvp/4Jq-made-up-Zx9"}
    )
    yield Scene("lock", "guests/lock.html", shell, lock_values())
    yield Scene("dietary", "guests/dietary.html", shell, dietary_values())
    yield from import_scenes()


def lock_values() -> dict[str, Any]:
    keys = ("id", "title", "accepted", "pending", "children", "meals", "locked_at", "sha256", "changes")
    rows = [
        (
            "d1",
            "Dinner",
            86,
            0,
            9,
            [("short rib", 41), ("sea bass", 33), ("pithivier", 12)],
            ago(days=2),
            "9f2c4e7ab01d77",
            ["2 more: Łukasz Nowak and a guest", "1 fewer: Ola Mendes"],
        ),
        ("b1", "Brunch on Sunday", 31, 20, 4, [], None, "", []),
    ]
    return {
        "items": [dict(zip(keys, row, strict=True)) for row in rows],
        "recipients": ["Marrow & Thyme", "The Tithe Barn"],
    }


def dietary_values() -> dict[str, Any]:
    keys = ("guest_id", "name", "table", "needs", "access", "note", "menu", "change")
    rows = [
        (
            "g2",
            "Ola Mendes",
            "4",
            [{"label": "Tree nuts", "severity": "severe"}],
            "",
            "carries an EpiPen, please no traces",
            "Sea bass",
            "changed",
        ),
        ("g7", "Ngozi Okafor", "1", [{"label": "Vegan", "severity": ""}], "", "", "Pithivier", ""),
        (
            "g8",
            "Emeka Okafor",
            "1",
            [{"label": "Cereals with gluten", "severity": "moderate"}],
            "Step-free",
            "beer is fine, oddly",
            "",
            "new",
        ),
    ]
    return {
        "item": {"id": "d1", "title": "Dinner", "on": ON, "at_local": time(17, 0), "zone": ZONE},
        "items": [("d1", "Dinner", "?item=d1"), ("b1", "Brunch on Sunday", "?item=b1")],
        "wedding_names": "Ana & Ben",
        "sheet": {"number": 3, "made_at": ago(days=2), "made_words": "sent 2 days ago"},
        "may_publish": True,
        "rows": [dict(zip(keys, row, strict=True)) for row in rows],
        "gone": ["Beatrice Anyanwu"],
        "totals": [
            ("Vegetarian", 7),
            ("Vegan", 3),
            ("Cereals with gluten", 4),
            ("Tree nuts", None),
            ("Step-free", None),
        ],
        "unanswered": 12,
        "none_declared": 71,
        "changes_since": "Ola Mendes is now severe. Emeka Okafor is new. Beatrice Anyanwu is no longer coming.",
        "acknowledged": [
            {"name": "Marrow & Thyme", "state": "acknowledged", "when": ago(days=1)},
            {"name": "The Tithe Barn", "state": "seen", "when": None},
        ],
    }


IMPORT_SOURCES = ["Zola", "Joy", "The Knot", "RSVPify", "Minted", "Google Contacts", "Outlook"]
IMPORT_COLUMNS = [
    (
        0,
        "Name(s)",
        ["Mr & Mrs J. Pell", "Carla Mendes", "Łukasz + guest"],
        "full_name",
        97,
        "heading and values look like names",
    ),
    (1, "e-mail", ["carla@example.org", "", "pells@example.org"], "email", 99, "values are e-mail addresses"),
    (2, "RSVP by", ["03/06/2027", "13/06/2027"], "", 0, "no field of a guest"),
    (3, "Attending?", ["Y", "n", "tbc"], "rsvp", 72, "values look like answers"),
    (4, "Special", ["nut allergy!!", "veg"], "dietary", 55, "free words; you confirm them"),
]
IMPORT_TARGETS = [
    ("", "Leave it out"),
    ("full_name", "Name"),
    ("email", "E-mail"),
    ("rsvp", "Answer"),
    ("dietary", "Dietary needs"),
]
IMPORT_WRONG = [
    {
        "row": 14,
        "column": "e-mail",
        "value": "pells@",
        "reason": "Not an e-mail address. Write it like name@example.org.",
    }
]


IMPORT_KEYS = ("index", "header", "samples", "target", "confidence", "why")
IMPORT_CHECK: dict[str, Any] = {
    "import_id": "i1",
    "filename": "Guests FINAL v3.xlsx",
    "source": "",
    "rows_total": 131,
    "skipped_words": "One title row, one totals row and 4 empty rows are left out.",
    "dates_words": "Dates are read day first, because 13/06 can be nothing else.",
    "columns": [dict(zip(IMPORT_KEYS, row, strict=True)) for row in IMPORT_COLUMNS],
    "targets": IMPORT_TARGETS,
    "dry": {"created": 118, "updated": 6, "unchanged": 0, "rejected": 1, "parties": 57},
    "examples": [
        {"line": 3, "words": "John Pell and Mary Pell, one party", "kind": "new", "was": "Mr & Mrs J. Pell"},
        {"line": 9, "words": "Carla Mendes, e-mail carla@example.org", "kind": "changed", "was": "no e-mail"},
    ],
    "problems_rows": IMPORT_WRONG,
    "dates": "day_first",
    "error": "",
    "questions": [
        {
            "person": 3,
            "row": 5,
            "name": "Elizabeth Hart",
            "words": "Elizabeth Hart is on the list already: the same person?",
            "kind": "possible",
            "said": "",
        }
    ],
}


def import_scenes() -> Iterator[Scene]:
    shell = couple("guests")
    earlier = [
        {"id": "i0", "filename": "list-from-mum.xlsx", "finished_at": ago(days=9), "words": "48 new, 2 not read"}
    ]
    yield Scene(
        "import-upload",
        "guests/import_upload.html",
        shell,
        {"sources": IMPORT_SOURCES, "error": "", "earlier": earlier},
    )
    yield Scene("import-check", "guests/import_check.html", shell, IMPORT_CHECK)
    run = {
        "import_id": "i1",
        "filename": "Guests FINAL v3.xlsx",
        "status": "running",
        "rows": 131,
        "done": 74,
        "created": 68,
        "updated": 5,
        "rejected": 1,
    }
    yield Scene("import-run", "guests/import_run.html", shell, run)
    end = run | {
        "status": "finished",
        "done": 131,
        "created": 118,
        "skipped": 6,
        "errors": IMPORT_WRONG,
        "can_undo": True,
        "failure": "",
        "kept": "",
    }
    yield Scene("import-done", "guests/import_done.html", shell, end)
