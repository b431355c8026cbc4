"""Allergens, diets and access needs in people's words: for forms, badges and the kitchen's sheet."""

from typing import Any

from wedsync.guests.model import Needs

# Regulation (EU) 1169/2011, Annex II, in the order of its list read aloud; cereals and nuts also one by one.
ALLERGENS = {
    "peanuts": "Peanuts",
    "tree_nuts": "Tree nuts",
    "milk": "Milk",
    "eggs": "Eggs",
    "cereals_gluten": "Cereals with gluten",
    "fish": "Fish",
    "crustaceans": "Crustaceans",
    "molluscs": "Molluscs",
    "sesame": "Sesame",
    "soy": "Soya",
    "celery": "Celery",
    "mustard": "Mustard",
    "lupin": "Lupin",
    "sulphites": "Sulphites",
}
NAMED_ALLERGENS = {
    "almonds": "Almonds",
    "hazelnuts": "Hazelnuts",
    "walnuts": "Walnuts",
    "cashews": "Cashews",
    "pecans": "Pecans",
    "brazil_nuts": "Brazil nuts",
    "pistachios": "Pistachios",
    "macadamia": "Macadamia nuts",
    "wheat": "Wheat",
    "rye": "Rye",
    "barley": "Barley",
    "oats": "Oats",
    "spelt": "Spelt",
    "khorasan": "Khorasan wheat",
}
SEVERITIES = {"mild": "Mild", "moderate": "Moderate", "severe": "Severe", "anaphylaxis": "Anaphylaxis"}
DIETS = {
    "vegetarian": "Vegetarian",
    "vegan": "Vegan",
    "pescatarian": "Pescatarian",
    "halal": "Halal",
    "kosher": "Kosher",
    "jain": "Jain",
    "no_pork": "No pork",
    "no_beef": "No beef",
    "no_alcohol": "No alcohol",
    "gluten_free": "Gluten free",
    "dairy_free": "Dairy free",
    "nut_free": "Nut free",
    "low_fodmap": "Low FODMAP",
    "diabetic": "Diabetic",
    "pregnancy": "Pregnancy",
    "soft_food": "Soft food",
    "child_meal": "Children’s meal",
    "other": "Another diet",
}
ACCESS = {
    "wheelchair_user": "Uses a wheelchair",
    "limited_walking": "Walks short ways only",
    "step_free": "Step-free",
    "seat_near_exit": "A seat near the door",
    "accessible_toilet": "Accessible toilet",
    "accessible_parking": "Accessible parking",
    "hearing_loop": "Hearing loop",
    "sign_language": "Sign language",
    "large_print": "Large print",
    "low_sensory": "A quiet place",
    "assistance_dog": "Assistance dog",
    "carer": "Comes with a carer",
    "high_chair": "High chair",
    "baby_change": "Baby changing",
    "pram": "Room for a pram",
    "medical_fridge": "A fridge for medicine",
    "other": "Something else",
}
LABELS = ALLERGENS | NAMED_ALLERGENS
STATUSES = {"accepted": "coming", "declined": "not coming", "tentative": "maybe", "needs_action": "no answer yet"}
SIDES = (("", "Not said"), ("partner_a", "{a}’s side"), ("partner_b", "{b}’s side"), ("both", "Both"))
SIDE_KEYS = tuple(key for key, _ in SIDES)
_KINDS = {"intolerance": "intolerance", "coeliac": "coeliac", "avoid": "avoids"}
SEVERE = ("severe", "anaphylaxis")


def vocabulary() -> dict[str, list[tuple[str, str]]]:
    """What `_needs.html` offers."""
    return {
        "allergens": list(ALLERGENS.items()),
        "named": list(NAMED_ALLERGENS.items()),
        "severities": list(SEVERITIES.items()),
        "diets": list(DIETS.items()),
        "access": list(ACCESS.items()),
    }


def sides(partner_a: str, partner_b: str) -> list[tuple[str, str]]:
    """Whose guests they are, with the couple's own names where they have given them."""
    first = [name.split(" ", maxsplit=1)[0] for name in (partner_a, partner_b)]
    names = {"a": first[0] or "One partner", "b": first[1] or "The other partner"}
    return [(key, text.format_map(names)) for key, text in SIDES]


def allergen(key: str, kind: str) -> str:
    """`Milk`, `Milk (intolerance)`, `Cereals with gluten (coeliac)`."""
    return LABELS[key] + (f" ({_KINDS[kind]})" if kind in _KINDS else "")


def dietary_badges(needs: Needs | None) -> list[dict[str, str]]:
    """Allergens, worst first, then diets: `[{label, severity}]`; a diet has no severity."""
    if needs is None:
        return []
    order = list(SEVERITIES)
    worst = sorted(needs.allergens, key=lambda a: -order.index(a.severity))
    found = [{"label": allergen(a.key, a.kind), "severity": a.severity} for a in worst]
    return found + [{"label": DIETS[d], "severity": ""} for d in needs.diets]


def row_badges(needs: Needs | None) -> list[dict[str, str]]:
    """The same for a row of a list: severity in the words, access behind."""
    if needs is None:
        return []
    found = [
        {**b, "label": f"{b['label']}, {b['severity']}" if b["severity"] in SEVERE else b["label"]}
        for b in dietary_badges(needs)
    ]
    found += [{"label": ACCESS[a], "severity": ""} for a in needs.access]
    return found or ([{"label": "See their words", "severity": ""}] if needs.note else [])


def is_empty(needs: Needs) -> bool:
    """Nothing was declared; with `answered` that is an answer."""
    return not (needs.allergens or needs.diets or needs.access or needs.note)


def as_form(needs: Needs | None, key: str) -> dict[str, Any]:
    """What `_needs.html` shows of one guest; `key` tells the fields of several guests apart."""
    needs = needs or Needs(answered=False)
    return {
        "id": key,
        "allergens": {a.key: a.severity for a in needs.allergens},
        "diets": list(needs.diets),
        "access": list(needs.access),
        "note": needs.note,
        "answered": needs.answered,
    }
