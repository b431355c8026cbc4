"""Forms to begin from: what photographers, venues, bands and caterers ask, with the core fields mapped already."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from wedsync.forms.core import CORE
from wedsync.forms.model import FormField, FormSection, Kind, ShowIf


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A form to begin from. `category` is the kind of business that most likely wants it."""

    key: str
    category: str
    title: str
    intro: str
    sections: tuple[FormSection, ...]


def _core(name: str, label: str = "") -> FormField:
    field = CORE[name]
    return FormField(key=name, kind=field.kind, label=label or field.words, maps_to=name)


def _ask(key: str, kind: Kind, label: str, **more: Any) -> FormField:
    return FormField(key=key, kind=kind, label=label, **more)


def _if(field: str, *values: str) -> ShowIf:
    return ShowIf(field=field, values=values)


YES_NO: Final = ("Yes", "No")
DAY: Final = FormSection(
    title="The day",
    note="Where and when, as your record has it.",
    fields=(
        *(_core("on"), _core("ceremony_venue"), _core("ceremony_address"), _core("ceremony_at")),
        *(_core("reception_venue"), _core("reception_address"), _core("reception_at")),
    ),
)
PHOTOGRAPHER: Final = Template(
    key="photographer",
    category="photographer",
    title="Photography questionnaire",
    intro="What I should know before I plan your pictures. Ten minutes; you can stop and go on at any time.",
    sections=(
        DAY,
        FormSection(
            title="Before the ceremony",
            fields=(
                _ask(
                    "prep", "choice", "Shall I photograph you getting ready?", options=("Both of us", "One of us", "No")
                ),
                _ask(
                    "prep_address", "address", "Where do you get ready?", show_if=_if("prep", "Both of us", "One of us")
                ),
                _ask("prep_from", "time", "From when?", show_if=_if("prep", "Both of us", "One of us")),
                _ask("first_look", "choice", "Will you see each other before the ceremony?", options=YES_NO),
            ),
        ),
        FormSection(
            title="People",
            note="Groups take three minutes each.",
            fields=(
                _ask("family", "guests", "Who has to be in the family pictures?"),
                _ask(
                    "groups",
                    "long_text",
                    "Which groups would you like?",
                    hint="A line each: both families, school friends",
                ),
                _ask(
                    "tender",
                    "long_text",
                    "Is there anything I should be careful about?",
                    hint="Separated parents, a loss, a shy child",
                ),
                _core("day_contacts", "Whom may I ring on the day?"),
            ),
        ),
        FormSection(
            title="Afterwards",
            fields=(
                _ask(
                    "publish",
                    "choice",
                    "May I show pictures of your day?",
                    options=("Yes", "Ask me first", "No"),
                    is_required=True,
                ),
                _ask("board", "link", "A board or album of pictures you like"),
            ),
        ),
    ),
)
VENUE: Final = Template(
    key="venue",
    category="venue",
    title="Final details",
    intro="What the house needs three weeks before your day.",
    sections=(
        DAY,
        FormSection(
            title="Numbers",
            fields=(
                _core("guest_estimate"),
                _core("head_count"),
                _ask("children", "number", "Children under ten"),
                _ask("high_chairs", "number", "High chairs"),
            ),
        ),
        FormSection(
            title="Rooms",
            fields=(
                _ask("tables", "choice", "How do you sit?", options=("Round tables", "Long tables", "Mixed")),
                _ask("dancing", "choice", "Will there be dancing?", options=YES_NO),
                _ask("music_ends", "time", "Until when?", show_if=_if("dancing", "Yes")),
                _ask(
                    "rain",
                    "choice",
                    "If it rains, where is the ceremony?",
                    options=("Inside", "Under the marquee", "We decide in the morning"),
                ),
            ),
        ),
        FormSection(
            title="Who comes to work",
            fields=(
                _ask("deliveries", "long_text", "Deliveries, with times"),
                _core("day_contacts"),
                _ask("stay", "guests", "Who stays the night?"),
            ),
        ),
    ),
)
MUSIC: Final = Template(
    key="music",
    category="dj",
    title="Your music",
    intro="So that the right song plays at the right moment, and the wrong one never.",
    sections=(
        FormSection(
            title="The day",
            fields=(_core("on"), _core("reception_venue"), _core("reception_at"), _core("guest_estimate")),
        ),
        FormSection(
            title="Moments",
            fields=(
                _ask("entrance", "text", "When you come in"),
                _ask("dance", "choice", "Is there a first dance?", options=YES_NO, is_required=True),
                _ask("first_dance", "text", "Which song?", show_if=_if("dance", "Yes"), is_required=True),
                _ask("last_song", "text", "The last song of the night"),
            ),
        ),
        FormSection(
            title="The evening",
            fields=(
                _ask(
                    "styles",
                    "many",
                    "What shall it sound like?",
                    options=("Pop", "Rock", "Soul and funk", "Jazz", "House", "Indie", "Eighties", "Nineties"),
                ),
                _ask("must", "songs", "Songs that must be played"),
                _ask("never", "songs", "Songs that must never be played"),
                _ask("requests", "choice", "May guests ask for songs?", options=YES_NO),
            ),
        ),
    ),
)
CATERER: Final = Template(
    key="caterer",
    category="caterer",
    title="Menu and service",
    intro="What the kitchen plans with. Dietary needs come from your guest list; you need not write them again.",
    sections=(
        DAY,
        FormSection(
            title="Guests",
            fields=(
                _core("guest_estimate"),
                _core("head_count"),
                _core("dietary"),
                _ask("crew", "number", "Suppliers who eat with us"),
            ),
        ),
        FormSection(
            title="Service",
            fields=(
                _ask(
                    "service",
                    "choice",
                    "How is it served?",
                    options=("At the table", "Sharing plates", "Buffet"),
                    is_required=True,
                ),
                _ask(
                    "courses",
                    "many",
                    "Courses",
                    options=("Canapés", "Starter", "Main", "Dessert", "Cheese", "Evening food"),
                ),
                _ask("drinks", "choice", "Who brings the drinks?", options=("You", "We do", "The venue")),
                _ask("corkage", "number", "How many bottles do you bring?", show_if=_if("drinks", "We do")),
                _ask("cake", "choice", "Shall we cut and serve the cake?", options=YES_NO),
                _ask("cake_at", "time", "When?", show_if=_if("cake", "Yes")),
            ),
        ),
    ),
)
TEMPLATES: Final[Mapping[str, Template]] = MappingProxyType(
    {one.key: one for one in (PHOTOGRAPHER, VENUE, MUSIC, CATERER)}
)
