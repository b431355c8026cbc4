"""The rules of invitations as pure functions: who is left out and why, at which address, in which ink, until when."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.clients.model import Details
from wedsync.invitations import model, writing
from wedsync.invitations.model import Candidate

TODAY = date(2027, 6, 5)
ANA, BEN = "ana@example.org", "ben@example.org"


def candidate(**more: Any) -> Candidate:
    both = Details(name="Ana", partner_name="Ben", email=ANA, partner_email=BEN)
    usual: dict[str, Any] = {"stage": "booked", "wedding_on": date(2027, 9, 1), "is_linked": False, "states": ()}
    return Candidate(id=UUID(int=1), **{**usual, "details": both, **more})


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, None),
        ({"wedding_on": None}, None),
        ({"wedding_on": TODAY}, None),
        ({"wedding_on": TODAY - timedelta(days=1)}, "past"),
        ({"stage": "fulfilled"}, "past"),
        ({"stage": "cancelled", "wedding_on": date(2020, 1, 1)}, "cancelled"),
        ({"is_linked": True}, "joined"),
        ({"states": ["expired", "joined"]}, "joined"),
        ({"states": ["queued"]}, "invited"),
        ({"states": ["declined", "expired"]}, "declined"),
        ({"states": ["expired", "bounced", "withdrawn"]}, None),
        ({"details": Details(name="Ana")}, "no_email"),
    ],
)
def test_why_a_client_is_left_out(more: dict[str, Any], why: str | None) -> None:
    assert model.verdict(candidate(**more), TODAY, {}) == why


@pytest.mark.parametrize(
    ("refused", "to"),
    [
        ({}, ANA),
        ({ANA: "bounced"}, BEN),
        ({ANA: "bounced", BEN: "bounced"}, ""),
        ({ANA: "opted_out"}, ""),
        ({BEN: "opted_out"}, ""),
        ({BEN: "complained"}, ""),
    ],
)
def test_who_opted_out_speaks_for_both_and_a_dead_address_for_itself(refused: dict[str, str], to: str) -> None:
    assert model.address(candidate().details, refused) == to
    shouted = Details(email=ANA.upper(), partner_email=BEN.upper())
    assert model.address(shouted, refused).lower() == to
    assert (model.verdict(candidate(), TODAY, refused) == "refused") is (to == "")


@given(st.integers(0, 0xFFFFFF))
def test_words_on_any_colour_can_be_read(number: int) -> None:
    colour = f"#{number:06x}"
    chosen = model.ink(colour)
    assert contrast(colour, chosen) >= 4.5
    assert contrast(colour, chosen) >= contrast(colour, "#000000" if chosen == "#ffffff" else "#ffffff")


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, 1.4.3."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    total = 0.0
    for weight, at in ((0.2126, 1), (0.7152, 3), (0.0722, 5)):
        part = int(colour[at : at + 2], 16) / 255
        total += weight * (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)
    return total


def test_an_invitation_ends_with_the_weddings_day_at_the_latest() -> None:
    now = datetime(2027, 6, 5, 12, tzinfo=UTC)
    assert model.expiry(now, None) == now + model.LIFE
    assert model.expiry(now, date(2027, 6, 20)).date() == date(2027, 6, 20)
    assert model.expiry(now, date(2029, 1, 1)) == now + model.LIFE


def test_the_way_out_names_its_invitation_and_cannot_be_made_up() -> None:
    token = writing.out_token("secret", UUID(int=5))
    assert writing.from_out_token("secret", token) == UUID(int=5)
    other = writing.out_token("secret", UUID(int=6))
    forged = f"{UUID(int=5).hex}-{other.partition('-')[2]}"
    for text in (forged, "", "nothing", f"{token}x", writing.out_token("another", UUID(int=5))):
        assert writing.from_out_token("secret", text) is None


def test_names_in_words() -> None:
    assert model.names_in_words(["A"]) == "A"
    assert model.names_in_words(["A", "B", "C"]) == "A, B and C"
