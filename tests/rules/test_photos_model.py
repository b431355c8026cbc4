"""The rules of photo deliveries: what may follow what, what a promise is worth, and where a couple may be sent."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.kit.errors import Refusal
from wedsync.photos import model

NOW = datetime(2027, 6, 6, 10, tzinfo=UTC)
DAY = date(2027, 7, 17)
acts = st.one_of(
    st.tuples(st.just("move"), st.sampled_from([s for s in model.STAGES if s not in ("delivered", "viewed")])),
    st.tuples(st.just("delay"), st.integers(-30, 60)),
    st.sampled_from([("deliver", None), ("see", None), ("pause", None), ("resume", None)]),
)


def fresh(**more: Any) -> dict[str, Any]:
    blank: dict[str, Any] = dict.fromkeys(model.PhotoDelivery.__struct_fields__)
    made = {"kind": "gallery", "stage": "not_started", "standing": "on_track", "reason": "", "promises": []}
    return blank | made | {"gallery_url": "https://gallery.example.com/a", "promised_on": DAY} | more


def taken(row: dict[str, Any], act: str, value: Any) -> dict[str, Any]:
    """The columns that an act asks for. Raises Refusal."""
    if act == "move":
        return model.moved(row, value)
    if act == "delay":
        later = (row["promised_on"] or DAY) + timedelta(days=value)
        return model.delayed(row, model.Delay(promised_on=later, reason="The lab is closed."), NOW)
    if act == "pause":
        return model.paused(row, "The wall is painted first.")
    if act == "resume":
        return model.resumed(row)
    return model.handed_over(row, NOW) if act == "deliver" else model.seen(row, NOW)


@given(st.lists(acts, max_size=25))
def test_whatever_is_done_the_row_stays_one_that_the_database_takes(asked: list[tuple[str, Any]]) -> None:
    row, was_handed, days = fresh(), False, [DAY]
    for act, value in asked:
        try:
            wanted = taken(row, act, value)
        except Refusal as refusal:
            assert refusal.status in (409, 422)
            continue
        before, row = row, row | wanted
        if "promises" in wanted:
            row["promises"] = [model.Promise(promised_on=row["promised_on"], at=NOW, reason=row["reason"])]
            days.append(row["promised_on"])
        is_handed = row["stage"] in model.HANDED
        assert is_handed or not was_handed
        assert (row["delivered_at"] is not None) == is_handed
        assert row["standing"] == "on_track" or row["reason"]
        assert row["viewed_at"] is None or is_handed
        assert before["viewed_at"] in (None, row["viewed_at"])
        assert act == "resume" or before["stage"] == row["stage"] or row["stage"] in model.NEXT[before["stage"]]
        was_handed = is_handed
    assert days == sorted(set(days))


@given(st.sampled_from(model.STAGES), st.sampled_from(model.STAGES))
def test_every_stage_leads_on_and_none_to_itself(one: str, other: str) -> None:
    assert model.NEXT[one] <= set(model.STAGES) - {one}
    assert model.NEXT[one]
    if one in model.HANDED:
        assert not model.NEXT[one] & set(model.WORKING)
    elif other in model.NEXT[one]:
        assert other in (*model.WORKING, "delivered")


def test_a_day_becomes_later_only_with_a_reason_and_keeps_what_was_promised() -> None:
    row = fresh(promised_on=None)
    row |= model.promised(row, DAY, NOW)
    row["promises"] = [model.Promise(promised_on=DAY, at=NOW)]
    with pytest.raises(Refusal) as refused:
        model.promised(row, DAY + timedelta(days=1), NOW)
    assert refused.value.errors[0].field == "promised_on"
    later = model.delayed(row, model.Delay(promised_on=DAY + timedelta(days=9), reason=" The lab \n is closed. "), NOW)
    assert (later["standing"], later["reason"]) == ("delayed", "The lab is closed.")
    assert [one["promised_on"] for one in later["promises"]] == ["2027-07-17", "2027-07-26"]
    assert later["warned_at"] is later["overdue_at"] is None
    for day, reason in ((DAY, "x"), (date(2027, 6, 4), "x"), (date(2999, 1, 1), "x"), (date(2027, 8, 1), " ")):
        with pytest.raises(Refusal):
            model.delayed(row, model.Delay(promised_on=day, reason=reason), NOW)
    earlier = model.promised(row, DAY - timedelta(days=3), NOW)
    assert (earlier["promised_on"], earlier["standing"]) == (DAY - timedelta(days=3), "on_track")
    full = row | {"promises": row["promises"] * model.PROMISES_MAX}
    with pytest.raises(Refusal) as refused:
        model.promised(full, DAY - timedelta(days=3), NOW)
    assert refused.value.code == "too_many_promises"


def test_what_was_delayed_before_it_was_on_hold_is_delayed_again() -> None:
    first = model.Promise(promised_on=DAY, at=NOW)
    late = model.Promise(promised_on=DAY + timedelta(days=9), at=NOW, reason="The lab is closed.")
    assert model.resumed({"promises": [first]})["standing"] == "on_track"
    assert model.resumed({"promises": [first, late]}) == {"standing": "delayed", "reason": "The lab is closed."}
    assert model.resumed({"promises": []})["standing"] == "on_track"


@pytest.mark.parametrize(
    "url",
    [
        "http://gallery.example.com/a",
        "ftp://gallery.example.com/a",
        "https://ana:rose@gallery.example.com/a",
        "https://127.0.0.1/a",
        "https://intranet/a",
        "https://gallery.example.com/a?Password=rose",
        "https://gallery.example.com/a?x=1&pin=",
        "javascript:alert(1)",
    ],
)
def test_a_couple_is_never_sent_there(url: str) -> None:
    with pytest.raises(Refusal) as refused:
        model.settle({"gallery_url": url})
    assert refused.value.status == 422
    assert refused.value.errors[0].field == "gallery_url"


def test_a_film_needs_a_place_to_be_looked_at_and_an_album_does_not() -> None:
    assert model.settle({"gallery_url": "https://gallery.example.com/a?id=7#top"})
    with pytest.raises(Refusal):
        model.handed_over(fresh(kind="film", gallery_url=""), NOW)
    assert model.handed_over(fresh(kind="album", gallery_url=""), NOW)["stage"] == "delivered"
