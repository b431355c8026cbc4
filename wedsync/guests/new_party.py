"""A party as somebody types it: one person a line, children and plus-ones as people write them."""

from collections.abc import Sequence

from wedsync.guests import model
from wedsync.guests.importing.name_lines import PersonName, read_line
from wedsync.guests.importing.vocabulary import AGES, normal_word

GUESTS_MAX = 50


def read_names(text: str) -> list[model.NewGuest]:
    """The people of a text area: `Carla Mendes`, `Tomás (child)`, `Guest of Carla`, `Mr & Mrs Pell`."""
    guests: list[model.NewGuest] = []
    for typed in text.splitlines():
        line = read_line(typed)
        age = next((AGES[w] for part in line.note.split(";") if (w := normal_word(part)) in AGES), "adult")
        guests += [_named(person, age) for person in line.people]
        host = line.guest_of or next((g.first_name or g.last_name for g in reversed(guests)), "")
        guests += [_unnamed(host) for _ in range(line.unnamed)]
    return guests


def _named(person: PersonName, age: str) -> model.NewGuest:
    return model.NewGuest(
        first_name=person.first or person.title,
        last_name=" ".join(part for part in (person.last, person.suffix) if part),
        display_name=person.display(),
        age_band=age,  # type: ignore[arg-type]
    )


def _unnamed(host: str) -> model.NewGuest:
    return model.NewGuest(display_name=f"Guest of {host}" if host else "A guest", kind="plus_one")


def party_name(guests: Sequence[model.NewGuest]) -> str:
    """What an envelope says: `Carla Mendes`, `Carla & Ola Mendes`, `Carla Mendes & Ben Okafor`, `The Mendes family`."""
    named = [g for g in guests if g.kind == "named"] or list(guests)
    if len(named) == 1:
        return named[0].display_name[:300]
    shared = {g.last_name for g in named}
    if len(shared) == 1 and named[0].last_name:
        last = named[0].last_name
        if len(named) > 2:
            return f"The {last} family"[:300]
        return f"{named[0].first_name} & {named[1].first_name} {last}"[:300]
    return " & ".join(g.display_name for g in named[:3])[:300]
