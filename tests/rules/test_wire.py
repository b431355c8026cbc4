"""The wire kernel: the specification's own vectors, golden frames of five clients, and round trips of anything."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from realtime.message import ServerMessageAdapter

from wedsync.events import wire
from wedsync.events.wire import Encoding, Framing, UserBroadcast, WireError

TOPIC = "realtime:wedding:0192aa00-0000-7000-8000-000000000001"
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcé", max_size=3), inner, max_size=3),
    max_leaves=8,
)
refs = st.sampled_from(["1", "17", None, 0, 3])
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


def test_the_binary_vectors_of_the_specification() -> None:
    pushed = bytes.fromhex(
        "0301010d040001" + "31" + "33" + "7265616c74696d653a773a3432" + "7461736b" + "7b2261223a317d"
    )
    frame = wire.parse_binary(pushed)
    assert frame == UserBroadcast(b'"1"', b'"3"', "realtime:w:42", "task", b"", Encoding.JSON, b'{"a":1}')
    delivered = bytes.fromhex(
        "040d040d01" + "7265616c74696d653a773a3432" + "7461736b" + "7b226964223a2265313a37227d" + "7b2261223a317d"
    )
    assert wire.binary_broadcast("realtime:w:42", "task", b'{"id":"e1:7"}', Encoding.JSON, b'{"a":1}') == delivered


def test_a_v1_push_always_has_a_ref_and_never_a_join_ref() -> None:
    frame = json.loads(wire.push(Framing.V1, TOPIC, "postgres_changes", b"{}"))
    assert frame == {"topic": TOPIC, "event": "postgres_changes", "ref": None, "payload": {}}


def test_a_v2_push_has_two_nulls() -> None:
    assert json.loads(wire.push(Framing.V2, TOPIC, "system", b"{}")) == [None, None, TOPIC, "system", {}]


@pytest.mark.parametrize("ref", [b'"7"', b"null", b"0", b"17"])
def test_a_ref_is_echoed_verbatim(ref: bytes) -> None:
    sent = wire.parse_text(b'[null,%s,"phoenix","heartbeat",{}]' % ref)
    assert wire.reply(Framing.V2, sent, ok=True) == (
        b'[null,%s,"phoenix","phx_reply",{"status":"ok","response":{}}]' % ref
    )
    old = wire.parse_text(b'{"topic":"phoenix","event":"heartbeat","payload":{},"ref":%s}' % ref)
    assert json.loads(wire.reply(Framing.V1, old, ok=True))["ref"] == json.loads(ref)


def test_kotlins_join_keeps_its_ref_apart_from_its_join_ref() -> None:
    sent = wire.parse_text('["2","5","realtime:w:42","phx_join",{"config":{}}]')
    assert json.loads(wire.reply(Framing.V2, sent, ok=True))[:2] == ["2", "5"]


def test_a_close_carries_the_join_ref_where_javascript_looks_for_it() -> None:
    assert json.loads(wire.close(Framing.V2, b'"1"', "realtime:w:42")) == ["1", "1", "realtime:w:42", "phx_close", {}]
    assert json.loads(wire.close(Framing.V1, b'"1"', "realtime:w:42"))["ref"] == "1"


@pytest.mark.parametrize(
    ("vsn", "framing"),
    [(None, Framing.V1), ("", Framing.V1), ("1.0.0", Framing.V1), ("2.0.0", Framing.V2), ("3.0.0", None)],
)
def test_an_absent_version_is_the_first_one(vsn: str | None, framing: Framing | None) -> None:
    assert wire.parse_vsn(vsn) == framing


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "x",
        "[]",
        "[1,2,3]",
        '{"topic":"a"}',
        '{"topic":1,"event":"x","payload":{},"ref":"1"}',
        '[null,null,"t","e",NaN]',
        '[null,null,"t","e",{}] trailing',
        '["' + "9" * 400 + '",null,"t","e",{}]',
        '[null,null,"t","e",' + "[" * 5000 + "]" * 5000 + "]",
        '{"topic":"t","event":"e","payload":{"a":"\\ud800"},"ref":null}',
    ],
)
def test_what_is_no_frame_is_refused_and_never_a_crash(bad: str) -> None:
    with pytest.raises(WireError):
        wire.parse_text(bad)


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"\x03",
        b"\x04\x01\x01\x01\x01a",
        b"\x03\xff\x01\x01\x01\x00\x01a",
        b"\x03\x00\x00\x01\x01\x00\x07tevent",
        b"\x03\x00\x00\x01\x01\x00\x01\xffe{}",
        b"\x03\x00\x00\x01\x01\x00\x01te{",
        b"\x03\x00\x00\x01\x01\x01\x01te{{}",
    ],
)
def test_what_is_no_binary_frame_is_refused(bad: bytes) -> None:
    with pytest.raises(WireError):
        wire.parse_binary(bad)


def test_a_head_over_255_bytes_does_not_fit_kind_4() -> None:
    assert wire.binary_broadcast("realtime:x", "é" * 128, b"", Encoding.JSON, b"{}") is None


@given(refs, refs, names, names, json_values)
def test_both_framings_read_back_what_a_client_wrote(
    join_ref: object, ref: object, topic: str, event: str, payload: object
) -> None:
    array = wire.parse_text(json.dumps([join_ref, ref, topic, event, payload]))
    named = {"topic": topic, "event": event, "payload": payload, "ref": ref, "join_ref": join_ref}
    assert wire.parse_text(json.dumps(named).encode()) == array
    assert json.loads(array.ref) == ref
    assert json.loads(array.join_ref) == join_ref
    assert json.loads(array.payload) == payload
    assert (array.topic, array.event) == (topic, event)


@given(names, names, st.sampled_from([b"", b'{"id":"1:2:1"}']), st.binary(max_size=60))
def test_a_binary_broadcast_splits_where_its_head_says(topic: str, event: str, meta: bytes, payload: bytes) -> None:
    frame = wire.binary_broadcast(topic, event, meta, Encoding.RAW, payload)
    assert frame is not None
    lengths = frame[1:4]
    assert frame[0] == 4
    assert frame[4] == 0
    assert frame[5:] == topic.encode() + event.encode() + meta + payload
    assert lengths == bytes((len(topic.encode()), len(event.encode()), len(meta)))


@given(st.binary(max_size=80))
def test_no_bytes_crash_the_parsers(data: bytes) -> None:
    for parse in (wire.parse_text, wire.parse_binary):
        try:
            parse(data)
        except WireError:
            continue


def test_the_python_clients_own_models_accept_every_server_frame() -> None:
    join = wire.parse_text(json.dumps({"topic": TOPIC, "event": "phx_join", "payload": {}, "ref": "1"}))
    frames = [
        wire.reply(Framing.V1, join, ok=True, response=b'{"postgres_changes":[]}'),
        wire.refusal(Framing.V1, join, "Unauthorized: no"),
        wire.system(Framing.V1, TOPIC, extension="postgres_changes", ok=True, message="Subscribed to PostgreSQL"),
        wire.system(Framing.V1, TOPIC, extension="system", ok=False, message="Token has expired"),
        wire.close(Framing.V1, b"null", TOPIC),
        wire.error(Framing.V1, b'"1"', TOPIC, "restart"),
        wire.text_broadcast(Framing.V1, TOPIC, "rsvp.replied", b'{"a":1}', b'{"id":"1:7:6","replayed":true}'),
        wire.push(Framing.V1, TOPIC, "presence_state", b'{"k":{"metas":[{"phx_ref":"F1","name":"Ann"}]}}'),
        wire.push(Framing.V1, TOPIC, "presence_diff", b'{"joins":{},"leaves":{}}'),
    ]
    for frame in frames:
        ServerMessageAdapter.validate_json(frame)
