"""The field-map engine: what maps, what is refused, and that no source can make it crash."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.kit.errors import Refusal
from wedsync.kit.mapping import Check, FieldMap, Rule, Step, compile_map
from wedsync.kit.transforms import email_address

HOOK = FieldMap(
    name="acme",
    version=3,
    rules=(
        Rule("$.couple.email", ("$.client.emails[0].value", "$.client.email"), transform=(Step("email"),)),
        Rule("guests", ("$.guests[*].name",), take="all"),
        Rule("date", ("$.event.date",), transform=(Step("date", {"format": "%d/%m/%Y"}),)),
        Rule("fee_minor", ("$.fee",), transform=(Step("minor_units"),), check=(Check("least", 0),)),
        Rule("status", ("$.stage",), transform=(Step("lookup", {"table": {"Booked": "confirmed"}}),)),
        Rule("country", default="GB"),
        Rule("name", ("$.client.name",), check=(Check("required"), Check("length_max", 20))),
    ),
)


def test_a_document_maps_by_path_with_transforms_defaults_and_checks() -> None:
    mapped = compile_map(HOOK).apply(
        {
            "client": {"name": "Ana", "emails": [{"value": "ANA@Example.COM"}]},
            "guests": [{"name": "Ben"}, {"name": ""}, {"name": "Carla"}],
            "event": {"date": "04/07/2027"},
            "fee": "1,250.50",
            "stage": " booked ",
        }
    )
    assert mapped.problems == []
    assert mapped.values == {
        "couple": {"email": "ANA@example.com"},
        "guests": ["Ben", "Carla"],
        "date": "2027-07-04",
        "fee_minor": 125050,
        "status": "confirmed",
        "country": "GB",
        "name": "Ana",
    }


def test_each_field_that_fails_is_named_and_the_others_are_kept() -> None:
    mapped = compile_map(HOOK).apply({"client": {"name": "A" * 21}, "fee": "-1", "stage": "Lost", "event": {"date": 7}})
    assert {problem.target for problem in mapped.problems} == {"name", "fee_minor", "status", "date"}
    assert all(problem.reason.endswith((".", "!")) and problem.source for problem in mapped.problems)
    assert mapped.values == {"country": "GB"}


def test_a_blank_source_gives_no_target_so_that_a_merge_can_tell_it_from_an_empty_one() -> None:
    mapper = compile_map(FieldMap("list", 1, (Rule("email", ("E-mail", "Mail")), Rule("tags", ("Tags",), take="all"))))
    assert mapper.apply({"E-mail": "  ", "Mail": "a@example.com", "Tags": ""}).values == {"email": "a@example.com"}
    assert mapper.apply({"Mail": None}).values == {}


def test_a_required_field_that_is_missing_is_one_problem() -> None:
    mapper = compile_map(FieldMap("list", 1, (Rule("name", ("Name",), check=(Check("required", reason="Who?"),)),)))
    assert [problem.reason for problem in mapper.apply({}).problems] == ["Who?"]


def test_rows_of_cells_map_by_header_whatever_the_header_looks_like() -> None:
    headers = ["E-mail 1 - Value", "Additional Guest(s) Allowed (+1's)", "$.odd"]
    rules = tuple(Rule(str(place), (header,)) for place, header in enumerate(headers))
    assert compile_map(FieldMap("x", 1, rules), headers=headers).apply(["a", "b", "c"]).values == {
        "0": "a",
        "1": "b",
        "2": "c",
    }


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (Rule("", ("a",)), "rules[0].target"),
        (Rule("$.a[0]", ("a",)), "rules[0].target"),
        (Rule("a", ("$.a[",)), "rules[0].source"),
        (Rule("a", ("a",), transform=(Step("explode"),)), "rules[0].transform[0]"),
        (Rule("a", ("a",), transform=(Step("lookup"),)), "rules[0].transform[0]"),
        (Rule("a", ("a",), transform=(Step("text", {"x": 1}),)), "rules[0].transform[0]"),
        (Rule("a", ("a",), check=(Check("least", "ten"),)), "rules[0].check[0]"),
        (Rule("a", ("a",), check=(Check("one_of", 3),)), "rules[0].check[0]"),
    ],
)
def test_a_map_that_cannot_work_is_refused_and_says_which_rule(rule: Rule, field: str) -> None:
    with pytest.raises(Refusal) as refused:
        compile_map(FieldMap("bad", 1, (rule,)))
    assert refused.value.status == 422
    assert refused.value.code == "mapping_invalid"
    assert [error.field for error in refused.value.errors] == [field]


def test_targets_may_neither_repeat_nor_hide_in_one_another() -> None:
    for rules in ((Rule("a", ("x",)), Rule("a", ("y",))), (Rule("$.a", ("x",)), Rule("$.a.b", ("y",)))):
        with pytest.raises(Refusal):
            compile_map(FieldMap("bad", 1, rules))


def test_an_unknown_column_is_refused() -> None:
    with pytest.raises(Refusal):
        compile_map(FieldMap("x", 1, (Rule("a", ("Nowhere",)),)), headers=["Name"])


def test_a_map_is_data_and_survives_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(HOOK), type=FieldMap) == HOOK


@pytest.mark.parametrize(
    ("name", "options", "value", "result"),
    [
        ("text", {}, "  a \n b ", "a b"),
        ("text", {}, 12, "12"),
        ("lower", {}, "ÀB", "àb"),
        ("upper", {}, "ab", "AB"),
        ("integer", {}, "1,200", 1200),
        ("integer", {}, "12.0", 12),
        ("minor_units", {"digits": 0}, "500", 500),
        ("minor_units", {}, "12,5", 1250),
        ("boolean", {}, "Ja", True),
        ("boolean", {}, False, False),
        ("boolean", {}, "off", False),
        ("date", {}, "2027-07-04T12:00:00", "2027-07-04"),
        ("timestamp", {}, "2027-07-04T14:00:00+02:00", "2027-07-04T12:00:00Z"),
        ("timestamp", {"unit": "ms"}, 1_800_000_000_000, "2027-01-15T08:00:00Z"),
        ("lookup", {"table": {"a": 1}, "otherwise": 0}, "b", 0),
        ("split", {"separators": ["|", ";"]}, "a| b;;c", ["a", "b", "c"]),
        ("join", {"separator": "-"}, ["a", "b"], "a-b"),
        ("item", {"separator": " ::: "}, "a ::: b", "a"),
        ("item", {"index": 5}, ["a"], None),
        ("replace", {"old": "-", "new": ""}, "a-b", "ab"),
    ],
)
def test_the_built_in_transforms(name: str, options: dict[str, Any], value: Any, result: Any) -> None:
    mapped = compile_map(FieldMap("t", 1, (Rule("out", ("in",), transform=(Step(name, options),)),))).apply(
        {"in": value}
    )
    assert mapped.problems == []
    assert mapped.values.get("out") == result


@pytest.mark.parametrize(
    ("name", "options", "value"),
    [
        ("integer", {}, "1.5"),
        ("integer", {}, "many"),
        ("integer", {}, "9" * 40),
        ("decimal", {}, "NaN"),
        ("minor_units", {}, "1.234"),
        ("boolean", {}, "perhaps"),
        ("date", {}, "4 July"),
        ("timestamp", {}, "2027-07-04T14:00:00"),
        ("timestamp", {}, "99999999999999999"),
        ("lookup", {"table": {"a": 1}}, "b"),
        ("email", {}, "nobody"),
        ("text", {}, {"a": 1}),
    ],
)
def test_what_a_transform_cannot_read_is_a_problem_in_a_sentence(
    name: str, options: dict[str, Any], value: Any
) -> None:
    mapped = compile_map(FieldMap("t", 1, (Rule("out", ("in",), transform=(Step(name, options),)),))).apply(
        {"in": value}
    )
    assert mapped.values == {}
    assert [problem.target for problem in mapped.problems] == ["out"]
    assert mapped.problems[0].reason.endswith(".")


@pytest.mark.parametrize("text", ["Ana <ana@example.com>", " mailto:ana@example.com", "ana@EXAMPLE.com"])
def test_addresses_are_read_as_people_paste_them(text: str) -> None:
    assert email_address(text) == "ana@example.com"


@pytest.mark.parametrize(
    "text", ["", "a@b", "a b@c.de", "a@@c.de", "a..b@c.de", "@c.de", "a@c..de", "a@" + "c" * 255 + ".de"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an e-mail"):
        email_address(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)
PARTS = st.lists(st.sampled_from([".client", ".a", "[0]", "[*]", ".emails"]), min_size=1, max_size=4).map("".join)


@settings(deadline=None)
@given(document=JSON, paths=st.lists(PARTS, min_size=1, max_size=4, unique=True), name=st.sampled_from(sorted({
    "text", "integer", "boolean", "date", "timestamp", "email", "decimal", "minor_units", "split", "join", "item"
})))  # fmt: skip
def test_no_document_makes_a_mapper_crash(document: Any, paths: list[str], name: str) -> None:
    rules = tuple(Rule(path, ("$" + path,), transform=(Step(name),)) for path in paths)
    mapped = compile_map(FieldMap("any", 1, rules)).apply(document)
    assert set(mapped.values) | {problem.target for problem in mapped.problems} <= set(paths)


@settings(deadline=None)
@given(values=st.dictionaries(st.text(min_size=1, max_size=10), st.text(max_size=10), max_size=8))
def test_an_identity_map_keeps_every_value_that_says_something(values: dict[str, str]) -> None:
    rules = tuple(Rule(f"to {key}", (key,)) for key in values if not key.startswith("$"))
    mapped = compile_map(FieldMap("same", 1, rules)).apply(values)
    assert mapped.values == {f"to {k}": v for k, v in values.items() if v.strip() and not k.startswith("$")}
    assert mapped.problems == []
