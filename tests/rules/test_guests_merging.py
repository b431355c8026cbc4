"""Two people change one form: nothing anybody changed is lost, and what only they can decide is told."""

from hypothesis import given
from hypothesis import strategies as st

from wedsync.guests.merging import Value, changed, merge

TEXT = st.sampled_from(["", "a", "b", "c"])
TICKS = st.lists(st.sampled_from(["milk", "eggs", "soy"]), unique=True).map(sorted)
FORM = st.fixed_dictionaries({"name": TEXT, "table": TEXT, "allergen": TICKS, "diet": TICKS})
Form = dict[str, Value]


@given(base=FORM, mine=FORM)
def test_alone_everything_is_mine(base: Form, mine: Form) -> None:
    assert merge(base, mine, base).values == mine
    assert merge(base, mine, base).conflicts == []


@given(base=FORM, now=FORM)
def test_whoever_changed_nothing_undoes_nothing(base: Form, now: Form) -> None:
    assert merge(base, base, now).values == now


@given(base=FORM, mine=FORM, now=FORM)
def test_a_text_is_mine_theirs_or_a_conflict(base: Form, mine: Form, now: Form) -> None:
    merged = merge(base, mine, now)
    for name in ("name", "table"):
        assert merged.values[name] == (mine[name] if mine[name] != base[name] else now[name])
        both = mine[name] != base[name] != now[name] and mine[name] != now[name]
        assert (name in merged.conflicts) == both


@given(base=FORM, mine=FORM, now=FORM)
def test_ticks_of_both_count_and_never_conflict(base: Form, mine: Form, now: Form) -> None:
    merged = merge(base, mine, now)
    for name in ("allergen", "diet"):
        kept, shown, said, current = (set(form[name]) for form in (merged.values, base, mine, now))
        assert name not in merged.conflicts
        assert kept >= (said - shown) | (current - shown)
        assert not kept & ((shown - said) & (shown - current))


@given(base=FORM, mine=FORM, now=FORM)
def test_merging_again_changes_nothing(base: Form, mine: Form, now: Form) -> None:
    once = merge(base, mine, now).values
    assert merge(base, mine, once).values == once


def test_a_field_the_form_does_not_have_stays() -> None:
    assert merge({"name": "a"}, {"name": "b"}, {"name": "a", "phone": "1"}).values == {"name": "b", "phone": "1"}
    assert merge({}, {"name": "b"}, {"name": "a"}).values == {"name": "b"}


def test_what_differs_is_named() -> None:
    assert changed({"a": "1", "b": ["x"]}, {"a": "1", "b": ["y"], "c": ""}) == {"b"}
