"""Texts: how they are counted, what people mean by their answers, and which numbers are numbers; pure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.kit.errors import Refusal
from wedsync.phones import gsm, model

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=600)


@pytest.mark.parametrize(
    ("text", "encoding", "segments"),
    [
        ("", "gsm7", 0),
        ("a" * 160, "gsm7", 1),
        ("a" * 161, "gsm7", 2),
        ("a" * 306, "gsm7", 2),
        ("a" * 307, "gsm7", 3),
        ("€" * 80, "gsm7", 1),
        ("€" * 81, "gsm7", 2),
        # A sign of two units is not parted: 152 units, then the euro begins the next segment.
        ("a" * 152 + "€" * 77, "gsm7", 3),
        ("Ł" * 70, "ucs2", 1),
        ("Ł" * 71, "ucs2", 2),
        ("💍" * 35, "ucs2", 1),
        ("💍" * 36, "ucs2", 2),
    ],
)
def test_segments_are_those_of_the_standard(text: str, encoding: str, segments: int) -> None:
    measured = gsm.measure(text)
    assert (measured.encoding, measured.segments) == (encoding, segments)


def test_what_only_looks_better_is_written_plainly_and_names_are_left() -> None:
    assert gsm.plain("Ana’s “day” – 13:30 → 14:00…") == 'Ana\'s "day" - 13:30 -> 14:00...'
    assert gsm.measure(gsm.plain("Ana’s “day” – 13:30 → 14:00…")).encoding == "gsm7"
    assert gsm.measure(gsm.plain("Łucja & Søren")).odd == ("Ł",)


@given(ANY, st.integers(1, 3))
def test_a_cut_text_fits_and_its_tail_is_whole(text: str, room: int) -> None:
    tail = "Reply OK 12 to confirm. https://a.test/ack/x"
    cut = gsm.cut(gsm.plain(text), tail=tail, segments_max=room)
    assert cut.endswith(tail)
    assert gsm.fits(cut, room)


@given(ANY)
def test_plain_is_plain_already_and_never_costs_more(text: str) -> None:
    once = gsm.plain(text)
    assert gsm.plain(once) == once
    assert gsm.measure(once).segments <= gsm.measure(text).segments or "…" in text or "→" in text


@pytest.mark.parametrize(
    ("text", "answer", "code"),
    [
        ("OK", "confirmed", None),
        (" ok. ", "confirmed", None),
        ("1", "confirmed", None),
        ("Yes!", "confirmed", None),
        ("OK 12", "confirmed", 12),
        ("12", "confirmed", 12),
        ("12 ok", "confirmed", 12),
        ("got it", "confirmed", None),
        ("2", "cannot", None),
        ("no 47", "cannot", 47),
        ("Can’t", "cannot", None),
        ("ok we will be there at 12", None, None),
        ("11 12", None, None),
        ("what?", None, None),
        ("", None, None),
        ("0", None, None),
        ("123", None, None),
    ],
)
def test_an_answer_means_what_it_says_or_nothing(text: str, answer: str | None, code: int | None) -> None:
    assert model.meant(text) == model.Meant(answer, code)  # type: ignore[arg-type]


@given(ANY)
def test_no_answer_breaks_us(text: str) -> None:
    assert model.meant(text).answer in ("confirmed", "cannot", None)


def test_a_number_is_one_whatever_way_it_is_written() -> None:
    wanted = model.Number("+447400123456", "GB", "mobile")
    for text in ("+447400123456", "+44 7400 123 456", "+44 (0)7400 123456", " +44-7400-123456 "):
        assert model.number(text) == wanted, text
    assert model.number("+44 20 7946 0958").line == "landline"
    assert model.pretty("+447400123456") == "+44 7400 123456"
    assert model.regions(" gb, IE ,") == ("GB", "IE")
    with pytest.raises(Refusal, match="country"):
        model.number("+447400123456", regions=("US",))


@given(ANY)
def test_what_is_no_number_is_refused_in_words(text: str) -> None:
    try:
        found = model.number(text)
    except Refusal as refusal:
        assert refusal.status == 422
    else:
        assert found.e164.startswith("+")
