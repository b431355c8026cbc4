"""The wire protocol of Supabase Realtime (Phoenix channels), without any I/O: bytes to frames and back.

Two text framings: V1 objects and V2 arrays (`vsn=1.0.0` and `2.0.0`), and the binary user broadcasts of V2: kind 3 in,
kind 4 out. A `ref` is passed on as the JSON text it came as: clients send strings, numbers and null, and compare.
The rules are the union of what the JavaScript, Python, Dart, Swift and Kotlin clients of Supabase demand; a comment
names the client where one alone does.
"""

from enum import IntEnum

import msgspec

#: A client may send any of these; what is longer never reaches the parser.
FRAME_MAX_BYTES = 256 * 1024 + 2048
PHOENIX = "phoenix"

NULL = b"null"
EMPTY = b"{}"


class Framing(IntEnum):
    """How a socket wants its text frames."""

    V1 = 1
    V2 = 2


class Encoding(IntEnum):
    """What the payload of a binary user broadcast is."""

    RAW = 0
    JSON = 1


class WireError(Exception):
    """A frame that is none; says what was expected."""


class Frame(msgspec.Struct, frozen=True, gc=False):
    """A client's frame. `join_ref`, `ref` and `payload` are JSON text exactly as sent."""

    join_ref: bytes
    ref: bytes
    topic: str
    event: str
    payload: bytes


class UserBroadcast(msgspec.Struct, frozen=True, gc=False):
    """A client's binary broadcast (kind 3). `payload` is JSON text, or raw bytes by `encoding`."""

    join_ref: bytes
    ref: bytes
    topic: str
    event: str
    meta: bytes
    encoding: Encoding
    payload: bytes


class _Object(msgspec.Struct, gc=False):
    topic: str
    event: str
    payload: msgspec.Raw = msgspec.Raw(EMPTY)
    ref: msgspec.Raw = msgspec.Raw(NULL)
    join_ref: msgspec.Raw = msgspec.Raw(NULL)


_Array = tuple[msgspec.Raw, msgspec.Raw, str, str, msgspec.Raw]
_objects = msgspec.json.Decoder(_Object)
_arrays: msgspec.json.Decoder[_Array] = msgspec.json.Decoder(_Array)


def parse_vsn(text: str | None) -> Framing | None:
    """The framing a `vsn` asks for: absent is 1.0.0 (no client that omits it speaks 2), unknown is None."""
    return {None: Framing.V1, "": Framing.V1, "1.0.0": Framing.V1, "2.0.0": Framing.V2}.get(text)


def parse_text(text: str | bytes) -> Frame:
    """Read a text frame in either framing: the first character tells. Raises WireError."""
    try:
        if text[:1] in ("[", b"["):
            join_ref, ref, topic, event, payload = _arrays.decode(text)
            return Frame(_ref(join_ref), _ref(ref), topic, event, bytes(payload))
        frame = _objects.decode(text)
        return Frame(_ref(frame.join_ref), _ref(frame.ref), frame.topic, frame.event, bytes(frame.payload))
    except (msgspec.DecodeError, RecursionError) as cause:
        raise WireError(
            f"a frame is [join_ref, ref, topic, event, payload] or an object of these keys; {cause}"
        ) from cause


def _ref(raw: msgspec.Raw) -> bytes:
    text = bytes(raw)
    if len(text) > 300:
        raise WireError("ref and join_ref are at most 300 bytes")
    return text


def parse_binary(data: bytes) -> UserBroadcast:
    """Read a kind 3 frame. Raises WireError for other kinds and lengths that do not add up."""
    if len(data) < 7 or data[0] != 3:
        raise WireError("binary frames are user broadcasts of kind 3 with a head of 7 bytes")
    lengths = data[1:6]
    end = 7 + sum(lengths)
    if end > len(data) or data[6] not in (0, 1):
        raise WireError("the lengths or the encoding in a binary frame's head are wrong")
    parts: list[bytes] = []
    at = 7
    for length in lengths:
        parts.append(data[at : at + length])
        at += length
    try:
        join_ref, ref, topic, event, _ = (part.decode() for part in parts)
        payload = data[end:]
        if data[6] == Encoding.JSON:
            check_json(payload)
        if parts[4]:
            check_json(parts[4])
    except (UnicodeDecodeError, msgspec.DecodeError) as cause:
        raise WireError(f"a binary frame's head is UTF-8 and its JSON well-formed; {cause}") from cause
    return UserBroadcast(_text_ref(join_ref), _text_ref(ref), topic, event, parts[4], Encoding(data[6]), payload)


def check_json(text: bytes) -> None:
    """Raises UnicodeDecodeError or DecodeError: what goes out again to others must not make them drop their socket."""
    text.decode()
    msgspec.json.decode(text, type=msgspec.Raw)


def _text_ref(text: str) -> bytes:
    return msgspec.json.encode(text) if text else NULL


def quote(text: str) -> bytes:
    """A string as JSON, for the builders below."""
    return msgspec.json.encode(text)


def push(framing: Framing, topic: str, event: str, payload: bytes) -> bytes:
    """A frame of the server's own accord: no refs, so all sockets of one framing share these bytes."""
    head, tail = push_parts(framing, topic, event)
    return head + payload + tail


def push_parts(framing: Framing, topic: str, event: str) -> tuple[bytes, bytes]:
    """What stands before and after the payload of a push; groups keep these."""
    if framing == Framing.V2:
        return b"[null,null," + quote(topic) + b"," + quote(event) + b",", b"]"
    return b'{"ref":null,"topic":' + quote(topic) + b',"event":' + quote(event) + b',"payload":', b"}"


def answer(framing: Framing, join_ref: bytes, ref: bytes, topic: str, *, event: str, payload: bytes) -> bytes:
    """A frame that belongs to one socket's join or push: V1 has no place for the join_ref."""
    if framing == Framing.V2:
        return b"[" + join_ref + b"," + ref + b"," + quote(topic) + b"," + quote(event) + b"," + payload + b"]"
    return (
        b'{"ref":' + ref + b',"topic":' + quote(topic) + b',"event":' + quote(event) + b',"payload":' + payload + b"}"
    )


def reply(framing: Framing, frame: Frame | UserBroadcast, *, ok: bool, response: bytes = EMPTY) -> bytes:
    """`phx_reply`; `response` is always an object, since the Python client drops anything else."""
    status = b'{"status":"ok","response":' if ok else b'{"status":"error","response":'
    return answer(framing, frame.join_ref, frame.ref, frame.topic, event="phx_reply", payload=status + response + b"}")


def refusal(framing: Framing, frame: Frame | UserBroadcast, reason: str) -> bytes:
    """An error reply; `reason` is `Code: text` as clients print it."""
    return reply(framing, frame, ok=False, response=msgspec.json.encode({"reason": reason}))


def close(framing: Framing, join_ref: bytes, topic: str) -> bytes:
    """`phx_close`: final, the client does not rejoin. JS drops it unless it carries the current join_ref."""
    return answer(framing, join_ref, join_ref, topic, event="phx_close", payload=EMPTY)


def error(framing: Framing, join_ref: bytes, topic: str, reason: str) -> bytes:
    """`phx_error`: JS, Python, Dart and Kotlin rejoin with whatever token they have by then."""
    payload = msgspec.json.encode({"reason": reason})
    return answer(framing, join_ref, join_ref, topic, event="phx_error", payload=payload)


def system(framing: Framing, topic: str, *, extension: str, ok: bool, message: str) -> bytes:
    """A `system` frame; Python and Kotlin need all four fields."""
    payload = {
        "extension": extension,
        "status": "ok" if ok else "error",
        "message": message,
        "channel": topic.removeprefix("realtime:"),
    }
    return push(framing, topic, "system", msgspec.json.encode(payload))


def text_broadcast(framing: Framing, topic: str, event: str, payload: bytes, meta: bytes = b"") -> bytes:
    """A broadcast as text; `payload` must be a JSON object, `meta` is one or empty."""
    body = b'{"type":"broadcast","event":' + quote(event) + b',"payload":' + payload
    if meta:
        body += b',"meta":' + meta
    return push(framing, topic, "broadcast", body + b"}")


def binary_broadcast(topic: str, event: str, meta: bytes, encoding: Encoding, payload: bytes) -> bytes | None:
    """A broadcast as kind 4, for V2 sockets; None where topic, event or meta exceed the 255 bytes of its head."""
    parts = (topic.encode(), event.encode(), meta)
    if any(len(part) > 255 for part in parts):
        return None
    return bytes((4, *(len(part) for part in parts), encoding)) + b"".join(parts) + payload
