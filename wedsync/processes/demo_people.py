"""Who is in the demo: plainly fictional names, and the shape of a guest list.

Sizes of parties, answers and needs follow the distributions of weddings: 28 % come alone, 52 % in twos; three in four
of those who answered come; 8 % eat no meat.
"""

import random
from collections.abc import Iterator

from wedsync.guests import model

FIRST = """
    Abel Ada Alma Anton Bea Bruno Carla Cato Clem Cora Dario Delia Edda Emil Esme Fay Finn Flora Gil Greta Hanno
    Hazel Ida Igor Ines Ivo Jana Jasper Juno Kaia Karim Lena Levi Lotte Luca Mabel Mara Milo Mira Nadia Nico Nora
    Odile Omar Otis Pia Quinn Rafi Rhea Rosa Sami Selma Silas Tilda Timo Uma Vera Viggo Wren Yara Yusuf Zoë
""".split()  # noqa: SIM905 - a list of names reads better as words
LAST = """
    Ashby Bellweather Birch Brook Calloway Cartwright Dale Dunmore Eastwood Fairbairn Fenn Fielding Finch Gale Glass
    Hartley Heath Holloway Kestrel Lark Lindqvist Marlow Merriweather Moss Nakamura O’Dell Okafor Park Pemberton
    Quill Reed Rivera Rowan Sable Sharma Sparrow Stone Thistle Vale Varga Whitlock Winter Wren Yarrow
""".split()  # noqa: SIM905 - a list of names reads better as words
SIZES = ((1, 28), (2, 52), (3, 8), (4, 9), (5, 3))
ALLERGENS: tuple[tuple[model.AllergenKey, int], ...] = (
    ("wheat", 4),
    ("milk", 3),
    ("peanuts", 2),
    ("crustaceans", 2),
    ("tree_nuts", 2),
)

DIETS: tuple[tuple[model.Diet, int], ...] = (("vegetarian", 8), ("vegan", 3), ("halal", 2))


def parties(seed: int, guests: int) -> Iterator[model.NewParty]:
    """Parties with about so many guests altogether; the same for the same seed."""
    rng = random.Random(seed)  # noqa: S311 - a demo, and the same one each time
    made = 0
    while made < guests:
        size = rng.choices([s for s, _ in SIZES], [w for _, w in SIZES])[0]
        last = rng.choice(LAST)
        people = [_guest(rng, last, n) for n in range(size)]
        made += size
        name = f"The {last} family" if size > 2 else " & ".join(p.first_name for p in people) + f" {last}"
        yield model.NewParty(
            name=name,
            guests=people,
            side=rng.choice(("partner_a", "partner_b", "both")),
            plus_ones_allowed=1 if size == 1 and rng.random() < 0.15 else 0,
        )


def _guest(rng: random.Random, last: str, place: int) -> model.NewGuest:
    first = rng.choice(FIRST)
    contact = None
    if place == 0:
        name = f"{first}.{last}".lower().replace("’", "").replace("ë", "e")
        contact = model.Contact(
            email=f"{name}{rng.randrange(100)}@guests.invalid", phone=f"+44 7700 900{rng.randrange(1000):03d}"
        )
    return model.NewGuest(
        first_name=first,
        last_name=last,
        age_band="adult" if place < 2 else rng.choice(("teen", "child", "child", "infant")),
        contact=contact,
        needs=_needs(rng),
    )


def _needs(rng: random.Random) -> model.Needs | None:
    if rng.random() < 0.06:
        return None
    diets = [diet for diet, share in DIETS if rng.random() * 100 < share]
    allergens = [
        model.Allergen(key=key, severity=rng.choices(("mild", "moderate", "severe", "anaphylaxis"), (40, 40, 15, 5))[0])
        for key, share in ALLERGENS
        if rng.random() * 100 < share
    ]
    access: list[model.Access] = ["step_free"] if rng.random() < 0.02 else []
    return model.Needs(diets=diets, allergens=allergens, access=access)


def answer(rng: random.Random) -> model.Status:
    """What one guest says: two in three have answered, of those four in five come."""
    return rng.choices(("accepted", "declined", "tentative", "needs_action"), (52, 12, 3, 33))[0]
