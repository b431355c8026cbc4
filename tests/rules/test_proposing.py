"""What a source's map makes of a body, before anything of ours is looked at."""

from typing import Any
from uuid import UUID

import pytest

from wedsync.connections import proposing
from wedsync.connections.proposing import SAMPLES_MAX, ProposalMap, Read
from wedsync.kit.errors import Refusal
from wedsync.kit.mapping import Check, Rule

ONE, TWO = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("links", "said", "found"),
    [
        ({"smith": ONE}, "smith", ONE),
        ({"smith": ONE}, "", ONE),
        ({}, str(TWO), TWO),
        ({"smith": ONE, "jones": TWO}, str(TWO), TWO),
    ],
)
def test_a_hook_names_its_wedding_by_a_key_an_id_or_not_at_all_where_there_is_one(
    links: dict[str, UUID], said: str, found: UUID
) -> None:
    assert proposing.link_of(links, said) == found


@pytest.mark.parametrize(("links", "said"), [({}, ""), ({"smith": ONE, "jones": TWO}, ""), ({"smith": ONE}, "brown")])
def test_a_hook_of_no_known_wedding_is_refused(links: dict[str, UUID], said: str) -> None:
    with pytest.raises(Refusal, match="which of your weddings"):
        proposing.link_of(links, said)


def test_samples_name_every_value_that_a_path_can_name() -> None:
    body: dict[str, Any] = {"a": {"b": 1, "c.d": "no path", "": "nor this"}, "list": [1, None, {"x": "y"}, "fourth"]}
    assert proposing.samples(body) == [("$.a.b", "1"), ("$.list[0]", "1"), ("$.list[1]", ""), ("$.list[2].x", "y")]
    assert len(proposing.samples({f"key{n}": n for n in range(SAMPLES_MAX * 2)})) == SAMPLES_MAX


def test_what_cannot_be_read_is_refused_by_its_field() -> None:
    rules = (Rule(target="guest_estimate", source=("$.n",), check=(Check(rule="required"),)),)
    one = ProposalMap(subject="weddings", rules=rules)
    with pytest.raises(Refusal, match="guest_estimate"):
        proposing.check(proposing.read(one, {"m": 1}))
    with pytest.raises(Refusal, match="None of the mapped fields"):
        proposing.check(Read(subject="weddings", fields={}))
    proposing.check(proposing.read(one, {"n": 80}))


def test_the_first_map_of_a_type_is_taken_and_a_new_row_is_called_what_was_looked_for() -> None:
    rules = (Rule(target="find", source=("$.n",)),)
    any_type = ProposalMap(subject="guests", rules=rules)
    own = ProposalMap(type="guest.added", subject="guests", rules=rules)
    assert proposing.chosen((own, any_type), "guest.added") is own
    assert proposing.chosen((own, any_type), "guest.other") is any_type
    assert proposing.chosen((own,), "guest.other") is None
