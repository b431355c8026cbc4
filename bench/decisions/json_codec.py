"""msgspec against the standard json: one event in live form, written, and read back into its struct."""

import json

import msgspec

from bench.decisions.measuring import Figures, cpu_us
from wedsync.events.event import Event

EVENT = {
    "id": "0192f3d4-0000-7000-8000-000000000001",
    "stream": "wedding:0192f3d4-0000-7000-8000-000000000002",
    "epoch": 1,
    "seq": 4711,
    "type": "rsvp.replied",
    "version": 1,
    "scope": 16,
    "link_id": None,
    "membership_id": None,
    "subject": {"table": "rsvps", "id": "0192f3d4-0000-7000-8000-000000000003"},
    "op": "UPDATE",
    "record": {
        "id": "0192f3d4-0000-7000-8000-000000000003",
        "status": "accepted",
        "note": "We are looking forward to it!",
    },
    "old_record": {"id": "0192f3d4-0000-7000-8000-000000000003", "status": "needs_action", "note": ""},
    "actor": {"kind": "guest", "id": "0192f3d4-0000-7000-8000-000000000004"},
    "cause": "0192f3d4-0000-7000-8000-000000000005",
    "bulk": False,
    "occurred_at": "2026-05-02T14:00:00.000000Z",
}


def measure() -> Figures:
    text = json.dumps(EVENT)
    decoder = msgspec.json.Decoder(Event)
    encoder = msgspec.json.Encoder()
    event = decoder.decode(text)
    return {
        "msgspec_write_us": cpu_us(lambda: encoder.encode(event), times=20_000),
        "json_write_us": cpu_us(lambda: json.dumps(EVENT), times=20_000),
        # json checks nothing: its figure is for a dict of whatever was there, msgspec's for a checked struct.
        "msgspec_read_us": cpu_us(lambda: decoder.decode(text), times=20_000),
        "json_read_us": cpu_us(lambda: json.loads(text), times=20_000),
    }
