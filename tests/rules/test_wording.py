"""Words of notices: one content on every channel, in the reader's language, with the change where a phone shows it."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.alerts import model as alerts
from wedsync.connectors.twilio import mapper as twilio
from wedsync.notices import model, saying
from wedsync.notices.wording import checking, drawing
from wedsync.notices.wording.content import HEADLINE_CHARACTERS_MAX, Content, Matter, headline, line, written
from wedsync.notices.wording.tongues import (
    CHANGE,
    ENGLISH,
    SHARED,
    Text,
    Tongue,
    Version,
    WordMissing,
    family,
    shipped,
    spoken_by,
    variables,
)
from wedsync.phones import gsm

SAID = tuple(kind for kind in model.TO_ALL if kind in saying.SAYS)
TOLD = (*model.CALLS, *model.TO_LINKS, *model.TO_COUPLE, *model.TO_BOTH, *model.TO_DOERS, *SAID)
CORE = [kind for kind in model.TO_LINKS if kind.startswith("wedding.")] + ["schedule_item.moved", "task.assigned"]
WRITTEN = [*CORE, "headcount.locked", "dietary_sheet.made", "link.accepted", "payment.requested", "photos.delivered"]
WORDS = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=60)
MATTERS = st.builds(
    Matter,
    key=st.sampled_from(TOLD),
    couple=WORDS,
    title=WORDS,
    label=st.text(max_size=60),
    before=st.text(max_size=60),
    after=st.text(max_size=60),
    url=st.just("https://wedsync.example/ack/t"),
    on=st.sampled_from(["", "5 Jun 2027"]),
    confirms=st.booleans(),
    severity=st.sampled_from(["normal", "critical"]),
)


def version(key: str, locale: str, number: int, **words: str) -> Version:
    return Version(key=key, locale=locale, number=number, words=Text(**words))


def test_every_language_says_all_that_is_said_and_nothing_that_english_does_not_know() -> None:
    phrases = shipped()["en"].phrases
    languages = {locale: one for locale, one in shipped().items() if locale == family(locale)[-1]}
    assert {"en", "nl", "de", "fr", "es"} == set(languages)
    for locale, ours in languages.items():
        assert {k: variables(v) for k, v in ours.phrases.items()} == {k: variables(v) for k, v in phrases.items()}
        for key in SHARED:
            text = Tongue(locale=locale).words(key)
            assert text.body and text.button and text.ask and text.confirm, (locale, key)
        for key, text in ours.texts.items():
            assert key in SHARED or key in TOLD, (locale, key)
            english = checking.english_title(key)
            assert key in SHARED or variables(text.title) == variables(english), (locale, key)
        assert all(ours.texts[key].title for key in model.CALLS), "an emergency is understood"
    for locale, keys in (("nl", WRITTEN), ("de", WRITTEN), ("fr", CORE), ("es", CORE)):
        assert set(keys) <= set(languages[locale].texts), locale


@pytest.mark.parametrize("locale", shipped())
def test_every_notice_can_be_shown_to_its_operator_in_every_language(locale: str) -> None:
    for key in checking.KEYS:
        assert checking.sample(key, Tongue(locale=locale)).title, key


def test_every_language_has_a_voice() -> None:
    assert set(twilio.SPOKEN) == {family(locale)[-1] for locale in shipped()}


@given(MATTERS, st.sampled_from(sorted(shipped())))
@settings(max_examples=60)
def test_what_is_so_now_stands_in_the_first_sixty_signs_of_every_channel(matter: Matter, locale: str) -> None:
    content = written(matter, Tongue(locale=locale))
    first = headline(content)[:HEADLINE_CHARACTERS_MAX]
    if content.after and len(content.after) <= 44:
        assert content.after in first
    letter, text = drawing.letter(content), drawing.text(content, 12)
    assert letter.subject == headline(content)
    assert letter.language == locale
    assert gsm.measure(text).segments <= 3
    assert "OK 12" in text
    assert "https://wedsync.example/ack/t" in text
    for part in (content.button.label if content.button else "", *content.footer):
        assert part in letter.html or part in letter.text or "’" in part or "&" in part
    if content.after:
        assert content.after in letter.text


@given(MATTERS)
@settings(max_examples=30)
def test_what_people_typed_is_no_markup_anywhere(matter: Matter) -> None:
    evil = msgspec.structs.replace(matter, title="<!channel> <b>{couple}</b> [x](https://evil.example)")
    content = written(evil)
    (section, *_) = drawing.blocks(content)
    assert "<!channel>" not in section["text"]["text"]
    assert "<b>" not in drawing.letter(content).html
    assert drawing.card(content)["body"][0]["type"] == "RichTextBlock"


def test_every_alert_that_there_is_has_its_text_and_says_in_english_what_pages_say() -> None:
    said = {("emergency", what) for what in alerts.WHAT} | {("drill", "other"), ("dietary", "other")}
    assert {alerts.text_of(kind, what) for kind, what in said} == set(model.CALLS)
    for what, words in alerts.WHAT.items():
        assert alerts.title("emergency", what, "Barn") == f"Emergency: {words} (Barn)"
    german = alerts.title("emergency", "medical", "Scheune", Tongue(locale="de-AT"))
    assert german == "Notfall: Medizinische Hilfe wird gebraucht (Scheune)"


def test_a_call_says_what_is_its_own_before_what_all_calls_say() -> None:
    tongue = Tongue(versions=(version("alert.drill", "en", 1, button="Yes, here"),))
    drill = written(Matter(key="alert.drill", couple="Ana & Ben", title="Drill", severity="critical", url="u"), tongue)
    help_ = written(Matter(key="alert.lost", couple="Ana & Ben", title="Lost", severity="critical", url="u"), tongue)
    assert "This is a drill" in drill.paragraphs[-1]
    assert "others are called until somebody does" in help_.paragraphs[-1]
    assert [one.button and one.button.label for one in (drill, help_)] == ["Yes, here", "Answer now"]


def test_a_text_without_its_word_is_never_a_blank() -> None:
    own = Tongue(versions=(version("wedding.times_changed", "en", 1, title="{field} on {place}"),))
    for values in ({}, {"field": "", "place": "x"}, {"field": None, "place": "x"}):
        with pytest.raises(WordMissing):
            own.filled("wedding.times_changed", own.text("wedding.times_changed").title, values)


def test_the_nearest_text_counts_and_a_message_is_in_one_language() -> None:
    ours = spoken_by("wedding.times_changed", ("nl-BE", "en-GB"))
    assert ours.text("wedding.times_changed").title == "{field} gewijzigd"
    versions = [
        version("wedding.times_changed", "nl", 1, title="oud"),
        version("wedding.times_changed", "nl", 2, title="Nieuw: {field}"),
        version("wedding.times_changed", "nl-BE", 1, button="Kijk"),
        version(CHANGE, "en", 4, button="Look"),
    ]
    belgian = spoken_by("wedding.times_changed", ("nl-BE", "en-GB"), versions)
    assert (belgian.words("wedding.times_changed").title, belgian.words("wedding.times_changed").button) == (
        "Nieuw: {field}",
        "Kijk",
    )
    assert spoken_by("wedding.times_changed", (None, "en-GB"), versions).words("wedding.times_changed").button == "Look"
    # What French does not say yet is said in the wedding's language, all of it.
    assert spoken_by("link.scopes_changed", ("fr", "de")).locale == "de"
    assert spoken_by("link.scopes_changed", ("xx", "pt-BR")) == ENGLISH


def test_values_read_as_the_language_writes_them() -> None:
    dutch, german = Tongue(locale="nl"), Tongue(locale="de-AT")
    assert dutch.shown("on", "2027-03-05") == "5 mrt 2027"
    assert german.shown("on", "2027-03-05") == "5. März 2027"
    assert dutch.money(123450, "EUR") == "€ 1.234,50"
    assert german.money(-120000, "GBP") == "−1.200 £"
    assert german.thing({"kind": "gallery", "title": "Feier"}) == "Galerie “Feier”"
    told = Matter(key="x", couple="Ana & Ben", title="Ceremonie", before="13:30", after="14:00")
    assert line(told, dutch) == "Ana & Ben: Ceremonie: 13:30 wordt 14:00"


def test_one_content_is_one_on_every_channel() -> None:
    matter = Matter(
        key="wedding.times_changed",
        couple="Ana & Ben",
        title="The ceremony has changed",
        label="The ceremony",
        before="13:30",
        after="14:00",
        url="https://wedsync.example/ack/t",
        on="5 Jun 2027",
        confirms=True,
    )
    content: Content = written(matter)
    letter = drawing.letter(content)
    assert letter.subject == "Ana & Ben: The ceremony has changed: 13:30 → 14:00"
    assert "Wedding: Ana & Ben\nDate: 5 Jun 2027" in letter.text
    assert "Seen and fine: https://wedsync.example/ack/t" in letter.text
    assert "unsubscribe" not in letter.text.lower()
    assert drawing.in_app(content) == ("Ana & Ben: The ceremony has changed", "13:30 → 14:00")
    assert drawing.text(content, 12) == (
        "Ana & Ben: The ceremony has changed: 13:30 -> 14:00. Reply OK 12 to confirm, NO 12 if you cannot. "
        "https://wedsync.example/ack/t"
    )
    (section,) = drawing.blocks(content)
    assert section["text"]["text"] == "*The ceremony has changed*\n~13:30~  →  *14:00*"
    assert section["fields"][1]["text"] == "*Date*\n5 Jun 2027"
    assert drawing.card(content)["body"][2]["facts"][0] == {"title": "Wedding", "value": "Ana & Ben"}
