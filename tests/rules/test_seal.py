"""What is sealed for one place opens there and nowhere else; rotation reads with any key and writes with the first."""

import base64
import hmac
from uuid import UUID, uuid4

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from wedsync.kit.seal import KeyRing, SealError, normalise

RING = KeyRing({"k1": bytes(range(32))})
ROTATED = KeyRing({"k2": bytes(range(32, 64)), "k1": bytes(range(32))})

names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
places = st.fixed_dictionaries({"tenant": st.uuids(), "table": names, "column": names, "row": st.uuids()})


@settings(deadline=None)
@given(plain=st.binary(max_size=500), place=places)
def test_what_is_sealed_opens_in_its_place(plain: bytes, place: dict) -> None:
    sealed = RING.seal(plain, **place)
    assert RING.open(sealed, **place) == plain
    assert len(sealed) == len(plain) + 37


@given(plain=st.binary(min_size=12, max_size=200), place=places)
def test_plain_text_is_not_in_the_sealed_value_and_no_two_seals_are_equal(plain: bytes, place: dict) -> None:
    first, second = RING.seal(plain, **place), RING.seal(plain, **place)
    assert plain not in first
    assert first != second


@pytest.mark.parametrize("moved", ["tenant", "table", "column", "row"])
@given(place=places, elsewhere=places)
def test_a_value_moved_elsewhere_does_not_open(moved: str, place: dict, elsewhere: dict) -> None:
    assume(place[moved] != elsewhere[moved])
    sealed = RING.seal(b"peanuts", **place)
    with pytest.raises(SealError):
        RING.open(sealed, **(place | {moved: elsewhere[moved]}))


@given(parts=st.tuples(names, names), place=places)
def test_shifting_letters_between_table_and_column_does_not_open(parts: tuple[str, str], place: dict) -> None:
    table, column = parts
    sealed = RING.seal(b"x", **(place | {"table": table + column[:1], "column": column[1:] + "c"}))
    with pytest.raises(SealError):
        RING.open(sealed, **(place | {"table": table, "column": column + "c"}))


@given(place=places, data=st.data())
def test_one_changed_bit_anywhere_does_not_open(place: dict, data: st.DataObject) -> None:
    sealed = bytearray(RING.seal(b"no nuts please", **place))
    at = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[at // 8] ^= 1 << (at % 8)
    with pytest.raises(SealError):
        RING.open(bytes(sealed), **place)


@given(junk=st.binary(max_size=80), place=places)
def test_junk_is_refused_with_its_own_error(junk: bytes, place: dict) -> None:
    with pytest.raises(SealError):
        RING.open(junk, **place)


@given(plain=st.binary(max_size=100), place=places)
def test_rotation_reads_with_any_key_and_writes_with_the_first(plain: bytes, place: dict) -> None:
    old = RING.seal(plain, **place)
    assert ROTATED.open(old, **place) == plain
    assert not ROTATED.is_current(old)
    new = ROTATED.seal(ROTATED.open(old, **place), **place)
    assert ROTATED.is_current(new)
    assert new[1:9] == b"k2\0\0\0\0\0\0"
    with pytest.raises(SealError, match="'k2', which WEDSYNC_SEAL_KEYS does not hold"):
        RING.open(new, **place)


def test_errors_and_repr_show_neither_key_nor_plain_text() -> None:
    place = {"tenant": uuid4(), "table": "guest_needs", "column": "sealed", "row": uuid4()}
    sealed = RING.seal(b"sesame-canary", **place)
    with pytest.raises(SealError) as caught:
        RING.open(sealed, **(place | {"row": UUID(int=7)}))
    key = base64.b64encode(bytes(range(32))).decode()
    for text in (str(caught.value), repr(caught.value), repr(RING), str(vars(RING).keys())):
        assert "sesame" not in text
        assert key not in text


@settings(deadline=None)
@given(value=st.text(max_size=40), tenant=st.uuids(), other=st.uuids())
def test_equal_values_index_equally_and_only_inside_one_tenant_and_column(
    value: str, tenant: UUID, other: UUID
) -> None:
    assume(tenant != other)
    where = {"tenant": tenant, "table": "guest_contacts", "column": "email"}
    index = RING.blind(value, **where)
    assert len(index) == 16
    assert index == RING.blind(value, **where)
    assert index == RING.blind(normalise(value), **where)
    assert index != RING.blind(value, **(where | {"tenant": other}))
    assert index != RING.blind(value, **(where | {"column": "phone"}))
    assert index != RING.blind(value + "x", **where)
    assert index != KeyRing({"k1": bytes(32)}).blind(value, **where)


@given(value=st.text(max_size=40))
def test_while_keys_rotate_a_search_finds_old_and_new_indexes(value: str) -> None:
    where = {"tenant": "platform", "table": "people", "column": "email"}
    assert ROTATED.blinds(value, **where) == [ROTATED.blind(value, **where), RING.blind(value, **where)]


@given(value=st.text(max_size=60), form=st.sampled_from(["text", "email", "phone"]))
def test_normalising_twice_changes_nothing(value: str, form: str) -> None:
    assert normalise(normalise(value, form), form) == normalise(value, form)


@pytest.mark.parametrize(
    ("one", "other", "form"),
    [
        ("Carla@Example.COM ", "carla@example.com", "email"),
        ("ｃａｒｌａ@example.com", "carla@example.com", "email"),
        ("Anna-Lena  Müller", "anna-lena mu\u0308ller", "text"),
        ("STRASSE", "straße", "text"),
        ("+49 (30) 1234-567", "+49301234567", "phone"),
        ("٠٣٠١٢", "03012", "phone"),
    ],
)
def test_what_people_write_differently_is_the_same(one: str, other: str, form: str) -> None:
    assert normalise(one, form) == normalise(other, form)


def test_the_setting_is_read_in_order_and_a_fresh_one_works() -> None:
    one, two = KeyRing.new_setting("k1"), KeyRing.new_setting("k2")
    ring = KeyRing.from_setting(f" {two} , {one},")
    assert ring.key_ids == ("k2", "k1")
    assert ring.primary == "k2"
    urlsafe = base64.urlsafe_b64encode(b"\xff" * 32).decode().rstrip("=")
    assert KeyRing.from_setting(f"a:{urlsafe}").key_ids == ("a",)


TWICE = "a:" + base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("", "empty"),
        ("   ,", "empty"),
        ("nocolon", "id:base64"),
        ("way-too-long-id:" + base64.b64encode(bytes(32)).decode(), "1 to 8 letters"),
        ("k1:not base64!!", "not base64"),
        ("k1:" + base64.b64encode(bytes(16)).decode(), "16 bytes and needs 32"),
        (f"{TWICE},{TWICE}", "twice"),
    ],
)
def test_a_wrong_setting_says_what_to_mend(setting: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        KeyRing.from_setting(setting)


def test_the_derivation_is_pinned_so_that_stored_values_open_for_ever() -> None:
    """Computed once by hand from RFC 5869; a change here means data at rest would no longer open or be found."""
    info = b"".join(len(p).to_bytes(4, "big") + p for p in (b"wedsync.blind", b"1", b"t", b"a", b"b", b"text"))
    extracted = hmac.digest(bytes(32), bytes(range(32)), "sha256")
    key = hmac.digest(extracted, info + b"\x01", "sha256")
    assert RING.blind("Value", tenant="t", table="a", column="b") == hmac.digest(key, b"value", "sha256")[:16]
